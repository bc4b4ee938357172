"""A whole gateway in a thread of this process, before a real PostgreSQL: what the wire's integration tests run against."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import tempfile
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import psycopg
import uvloop

from jupyter_govern.demo.postgres import Postgres
from jupyter_govern_gateway.app import GatewayApp
from jupyter_govern_gateway.approvals import Approval
from jupyter_govern_gateway.identity.accounts import write_accounts

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


class Rig:
    """PostgreSQL, a gateway before it, and the people of PEOPLE."""

    def __init__(self, *, rules: str = "", port: Callable[[int], int] = lambda real: real) -> None:
        self._rules, self._port = rules, port
        self.postgres = Postgres(settings={"log_statement": "all", "log_min_messages": "fatal"})
        self._folder = tempfile.TemporaryDirectory(prefix="govern-wire-")
        self.directory = Path(self._folder.name)
        self.loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.app: GatewayApp

    def __enter__(self) -> Rig:
        self.postgres.start()
        with psycopg.connect(self.postgres.conninfo(), autocommit=True) as connection:
            connection.execute(SCHEMA)
        os.environ["JUPYTER_RUNTIME_DIR"] = str(self.directory / "runtime")
        write_accounts(self.directory / "accounts.json", PEOPLE)
        (self.directory / "right").write_text("target-password")
        (self.directory / "wrong").write_text("nobody's password")
        self.config = self.directory / "govern.toml"
        self.config.write_text(self.policy())
        self._thread.start()
        self.app = GatewayApp(self.config, say=lambda line: None)
        self.call(self.app.start())
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
            self.call(self.app.stop())
        finally:
            self.loop.call_soon_threadsafe(self.loop.stop)
            self._thread.join(10)
            self.loop.close()
            self.postgres.stop()
            self._folder.cleanup()

    def call(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run it on the gateway's loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(60)

    def run(self, work: Callable[[], Any]) -> Any:
        """Call it on the gateway's loop."""

        async def done() -> Any:
            return work()

        return self.call(done())

    # -- people ---------------------------------------------------------------------------------------

    @property
    def services(self) -> Any:
        return self.app.postgresql._house.services

    def token(self, who: str = "ana") -> str:
        """A person's token."""
        groups = frozenset(PEOPLE[who][1])
        text, _ = self.run(lambda: self.services.identity.issue(subject=who, groups=groups, kind="person"))
        return str(text)

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

    @property
    def approvals(self) -> Any:
        return self.services.gate._approvals

    def pending(self) -> list[Approval]:
        return list(self.run(lambda: self.approvals.list(pending_only=True)))

    def decide(self, approval: Approval, decision: str, who: str = "ben") -> None:
        from jupyter_govern.model import Actor

        actor = Actor(subject=who, groups=frozenset(PEOPLE[who][1]))
        self.run(lambda: self.approvals.decide(approval.number, actor, "person", decision, reason="because", digest=approval.digest))

    def entries(self, *types: str) -> list[dict[str, Any]]:
        """The entries of all session recordings, oldest session first."""
        files = sorted((self.directory / "state" / "recordings").rglob("20*/**/*.jsonl"), key=lambda path: path.stat().st_ctime)
        found = [json.loads(line) for path in files for line in path.read_text().splitlines()]
        return [entry for entry in found if not types or entry["type"] in types]

    def gateway_log(self) -> list[dict[str, Any]]:
        path = self.directory / "state" / "recordings" / "gateway.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()]

    def everything_written(self) -> bytes:
        """Every byte of every recording."""
        return b"".join(path.read_bytes() for path in (self.directory / "state" / "recordings").rglob("*.jsonl"))
