"""Where the secrets lie: schema `vault` and a file at the server, put back before each attack by the owner's connection."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

from bench.world import World

from .secrets import Secrets

HERE = Path(__file__).resolve().parent
NAME = "adversarial"
OBJECT = 190761
"""The large object that attacks may make."""
FILE = "adversarial_secret"
FILL = """
insert into staff
  select p.id + 1000, p.name, p.email, p.phone, p.card, p.ssn, p.salary, p.birth_date, p.profile, p.note, 'D1' from only people p;
insert into ledger select id, card from only people;
insert into pay (id, salary) select id, salary from only people;
create materialized view payroll as select id, name, salary, ssn, left(email, 30) as short from only people;
analyze people; analyze staff; analyze ledger;
"""


@contextmanager
def own_world() -> Iterator[tuple[str, str]]:
    """A server and a gateway of our own: how to reach it directly and through the gateway."""
    with World((HERE / "govern.toml").read_text(), NAME) as world:
        yield world.direct.conninfo(), world.through_gateway("ana").conninfo()


class Vault:
    """The owner's side. Everything in the schemas vault and attic of the database is dropped."""

    def __init__(self, conninfo: str, secrets: Secrets) -> None:
        self.secrets = secrets
        self._owner = psycopg.connect(conninfo, autocommit=True)

    def close(self) -> None:
        self._owner.close()

    def put_back(self) -> None:
        owner = self._owner
        owner.execute("set client_min_messages to warning")
        owner.execute((HERE / "schema.sql").read_text())
        with owner.cursor() as cursor:
            rows = [
                (p.id, p.name, p.email, p.phone, p.card, p.ssn, p.salary, p.birth_date, p.profile(), p.note) for p in self.secrets.people
            ]
            cursor.executemany(f"insert into people values ({', '.join(['%s'] * 10)})", rows)
        owner.execute(FILL)
        owner.execute("select lo_unlink(oid) from pg_largeobject_metadata where oid = %s", [OBJECT])
        folder = owner.execute("select current_setting('data_directory')").fetchone()
        assert folder is not None
        owner.execute(sql.SQL("copy (select {}::text) to {}").format(self.secrets.file, f"{folder[0]}/{FILE}"))

    def happened(self, effect: str) -> bool:
        """Whether the condition of an attack on data or objects holds now."""
        row = self._owner.execute(f"select {effect}".encode()).fetchone()
        return row is not None and row[0] is True
