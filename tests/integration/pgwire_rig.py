"""A whole gateway in a thread of this process, before a real PostgreSQL: what the wire's integration tests run against."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from typing import Any

import psycopg

from jupyter_govern.demo.postgres import Postgres
from tests.in_process import InProcess

PEOPLE = {"ana": ("ana's password", ["analysts"]), "ben": ("ben's password", ["dba"]), "eve": ("eve's password", ["support"])}
SECRETS = ("anton@raw.example", "berta@raw.example", "carla@raw.example")

SCHEMA = f"""
create table customers (id int primary key, name text, email text unique);
insert into customers values (1, 'Anton', '{SECRETS[0]}'), (2, 'Berta', '{SECRETS[1]}'), (3, 'Carla', '{SECRETS[2]}');
create table orders (id int primary key, customer int references customers, total numeric, note text);
insert into orders select n, n % 3 + 1, n * 1.5, 'note ' || n from generate_series(1, 1000) n;
create view mails as select id, email from customers;
create role gateway login password 'target-password';
grant select, insert, update, delete on all tables in schema public to gateway;
grant create, usage on schema public to gateway;
grant temporary on database postgres to gateway;
"""

CONFIG = """
[gateway]
state_dir = "state"
[gateway.postgresql]
listen = "127.0.0.1:0"
[gateway.api]
listen = "127.0.0.1:0"
[identity.local]
accounts = "accounts.json"

{targets}

[[rule]]
name = "everything here"
because = "it is a test"
effect = "allow"
who = {{ groups = ["analysts", "dba"] }}

[[rule]]
name = "hide mail"
because = "customers are people"
effect = "mask"
who = {{ groups = ["analysts"] }}
on = {{ targets = ["shop"], columns = ["public.customers.email"] }}
mask = {{ format = "partial", keep = 4 }}

[[rule]]
name = "no drops"
because = "tables are dear"
effect = "block"
who = {{ groups = ["analysts"] }}
on = {{ kinds = ["drop"] }}
hint = "Ask a dba."

[[rule]]
name = "deletes need two"
because = "deleted is deleted"
effect = "approve"
who = {{ groups = ["analysts"] }}
on = {{ kinds = ["delete"] }}
approvers = {{ groups = ["dba"] }}
expires_seconds = 20

{rules}
"""

TARGET = """
[[target]]
name = "{name}"
kind = "postgresql"
host = "127.0.0.1"
port = {port}
database = "postgres"
user = "gateway"
password = {{ file = "{secret}" }}
tls = "disable"
"""


class Rig(InProcess):
    """PostgreSQL, a gateway before it, and the people of PEOPLE."""

    def __init__(self, *, rules: str = "", port: Callable[[int], int] = lambda real: real) -> None:
        super().__init__("wire", PEOPLE)
        self._rules, self._port = rules, port
        self.postgres = Postgres(settings={"log_statement": "all", "log_min_messages": "fatal"})

    def __enter__(self) -> Rig:
        self.postgres.start()
        with psycopg.connect(self.postgres.conninfo(), autocommit=True) as connection:
            connection.execute(SCHEMA)
        (self.directory / "right").write_text("target-password")
        (self.directory / "wrong").write_text("nobody's password")
        self.start(self.policy())
        return self

    def policy(self, more: str = "") -> str:
        targets = [
            TARGET.format(name="shop", port=self._port(self.postgres.port), secret="right"),
            TARGET.format(name="refusing", port=self.postgres.port, secret="wrong"),
            TARGET.format(name="down", port=1, secret="right"),
        ]
        return CONFIG.format(targets="".join(targets), rules=self._rules + more)

    def __exit__(self, *_: object) -> None:
        try:
            self.stop()
        finally:
            self.postgres.stop()
            self.cleanup()

    @property
    def port(self) -> int:
        return self.app.postgresql.port

    @property
    def authority(self) -> str:
        return str(self.directory / "state" / "tls" / "ca.pem")

    def conninfo(self, who: str = "ana", target: str = "shop", **more: str) -> str:
        parts = {"host": "127.0.0.1", "port": str(self.port), "user": who, "dbname": target, "password": self.token(who)}
        parts |= {"sslmode": "verify-full", "sslrootcert": self.authority, **more}
        return psycopg.conninfo.make_conninfo(**parts)

    def connect(self, who: str = "ana", target: str = "shop", **more: Any) -> psycopg.Connection[Any]:
        options = {key: more.pop(key) for key in list(more) if key in ("sslmode", "options", "application_name", "client_encoding")}
        return psycopg.connect(self.conninfo(who, target, **options), autocommit=more.pop("autocommit", True), **more)

    def psql(self, *commands: str, who: str = "ana", target: str = "shop", stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Stock psql, unaligned and without headings."""
        arguments = [word for command in commands for word in ("-c", command)]
        environment = {**os.environ, "PGPASSWORD": self.token(who), "PGSSLMODE": "verify-full", "PGSSLROOTCERT": self.authority}
        return subprocess.run(
            ["psql", "-XAtq", "-h", "127.0.0.1", "-p", str(self.port), "-U", who, "-d", target, *arguments],
            env=environment, input=stdin, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    # -- what the gateway knows -------------------------------------------------------------------------

    def gateway_log(self) -> list[dict[str, Any]]:
        path = self.recordings / "gateway.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()]

    def everything_written(self) -> bytes:
        """Every byte of every recording."""
        return b"".join(path.read_bytes() for path in self.recordings.rglob("*.jsonl"))
