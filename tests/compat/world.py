"""A PostgreSQL of this machine and a gateway before it, for somebody else's test suite.

The database has the name of the target and the actor that of the database's user, so that a suite which looks at either
finds the same on both ways.
"""

from __future__ import annotations

from typing import Final

import psycopg

from jupyter_govern.demo.postgres import Postgres
from tests.in_process import InProcess

NAME: Final = "postgres"
OTHERS: Final = ("asyncpg_intro_test", "pg8000_scram_sha_256", "template1", "testdb")
"""Databases that suites connect to besides: each is a target too."""
SETTINGS: Final = {
    "max_prepared_transactions": "20",
    "wal_level": "logical",
    "default_text_search_config": "pg_catalog.english",
    "fsync": "off",
}
SETUP: Final = """
create schema test_schema; create schema test_schema_2; create schema hidden;
create extension if not exists hstore; create extension if not exists citext;
create table hidden.people (id int primary key, email text);
insert into hidden.people values (1, 'anton@raw.example');
"""

CONFIG: Final = """
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
name = "everything"
because = "the suites make and drop what they test"
effect = "allow"
who = {{ users = ["postgres"] }}
{rules}
"""

TARGET: Final = """
[[target]]
name = "{name}"
kind = "postgresql"
host = "127.0.0.1"
port = {port}
database = "{name}"
user = "postgres"
password = {{ file = "secret" }}
tls = "disable"
"""

MASKS: Final = """
[[rule]]
name = "hide mail"
because = "policy is on, and hides something that the suites do not touch"
effect = "mask"
who = { users = ["postgres"] }
on = { targets = ["postgres"], columns = ["hidden.people.email"] }
mask = { format = "partial", keep = 4 }
"""


class Server:
    """The PostgreSQL, with a fresh database for every run."""

    def __init__(self) -> None:
        self.postgres = Postgres(settings=SETTINGS)

    def __enter__(self) -> Server:
        self.postgres.start()
        with psycopg.connect(self.postgres.conninfo(), autocommit=True) as connection:
            self.version = str(connection.execute("show server_version").fetchone()[0])  # type: ignore[index]
        return self

    def __exit__(self, *_: object) -> None:
        self.postgres.stop()

    def renew(self) -> None:
        """Everything a suite left behind goes."""
        with psycopg.connect(self.postgres.conninfo("template1"), autocommit=True) as connection:
            for (gid,) in connection.execute("select gid from pg_prepared_xacts where database = %s", [NAME]).fetchall():
                with psycopg.connect(self.postgres.conninfo(NAME), autocommit=True) as inside:
                    inside.execute(psycopg.sql.SQL("rollback prepared {}").format(gid))
            connection.execute("drop role if exists boltzmann")
            for name in (NAME, "asyncpg_intro_test", "pg8000_scram_sha_256", "testdb"):
                connection.execute(f"drop database if exists {name} with (force)")
            connection.execute(f"create database {NAME} template template0")
        with psycopg.connect(self.postgres.conninfo(NAME), autocommit=True) as connection:
            connection.execute(SETUP)

    @property
    def way(self) -> dict[str, str]:
        """How to get there directly."""
        return {"host": "127.0.0.1", "port": str(self.postgres.port), "user": NAME, "password": self.postgres.password, "dbname": NAME}


class Gateway(InProcess):
    """A gateway of its own before the server; `masked` puts a mask on a table that no suite touches."""

    def __init__(self, server: Server, *, masked: bool) -> None:
        super().__init__("compat", {NAME: (f"{NAME}-login", ["people"])})
        self._server, self._masked = server, masked

    def __enter__(self) -> Gateway:
        (self.directory / "secret").write_text(self._server.postgres.password)
        targets = "".join(TARGET.format(name=name, port=self._server.postgres.port) for name in (NAME, *OTHERS))
        self.start(CONFIG.format(targets=targets, rules=MASKS if self._masked else ""))
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.stop()
        finally:
            self.cleanup()

    @property
    def way(self) -> dict[str, str]:
        """How to get there through the gateway; the password is a fresh token."""
        return {**self._server.way, "port": str(self.app.postgresql.port), "password": self.token(NAME)}
