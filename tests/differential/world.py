"""Two databases on one server: the real one behind a gateway, and its copy that holds masked values, read directly."""

from __future__ import annotations

import re
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import psycopg

from bench.world import World

HERE = Path(__file__).resolve().parent
HASH_KEY = "the key of a test"
NAME = "differential"
SESSION = "set timezone to 'UTC'; set statement_timeout to '5s'; set search_path to {}"
PATHS = ("public", "other, public")
TIMEOUT = "57014"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: columns (name, type OID) and rows as bytes, or the SQLSTATE and what was said."""

    columns: tuple[tuple[str, int], ...] = ()
    rows: tuple[tuple[bytes | None, ...], ...] = ()
    state: str = ""
    said: str = ""
    modifiers: tuple[int, ...] = ()

    def __str__(self) -> str:
        if self.state:
            return f"{self.state} {self.said}"
        return f"{len(self.rows)} rows of {list(self.columns)}"


class Differential:
    """Use as a context manager. pairs: for each search_path, the direct connection to the masked copy and the one through the gateway."""

    def __init__(self, *, settings: dict[str, str] | None = None) -> None:
        self.world = World((HERE / "govern.toml").read_text(), NAME, settings=settings)
        self.pairs: list[tuple[psycopg.Connection[object], psycopg.Connection[object]]] = []
        self._stack = ExitStack()

    def __enter__(self) -> Differential:
        (self.world.folder / "hash.key").write_text(HASH_KEY)
        self._stack.enter_context(self.world)
        server = self.world.postgres
        with psycopg.connect(server.conninfo(NAME), autocommit=True) as real:
            real.execute((HERE / "schema.sql").read_text())
        with psycopg.connect(server.conninfo(), autocommit=True) as root:
            root.execute(f"create database masked template {NAME}")
        with psycopg.connect(server.conninfo("masked"), autocommit=True) as copy:
            copy.execute((HERE / "masked.sql").read_text().replace("{key}", HASH_KEY))
        through = self.world.through_gateway("ana").conninfo()
        for path in PATHS:
            pair = tuple(self._stack.enter_context(psycopg.connect(i, autocommit=True)) for i in (server.conninfo("masked"), through))
            for connection in pair:
                connection.execute(SESSION.format(path))
            self.pairs.append((pair[0], pair[1]))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()


def ask(connection: psycopg.Connection[object], sql: str, *, binary: bool) -> Answer:
    cursor = connection.cursor(binary=binary)
    try:
        cursor.execute(sql.encode())
    except psycopg.Error as error:
        detail = error.diag.message_detail or ""
        return Answer(state=error.sqlstate or "?", said=f"{error.diag.message_primary or error} {detail}".strip())
    result = cursor.pgresult
    assert result is not None
    width = range(result.nfields)
    return Answer(
        columns=tuple(((result.fname(i) or b"").decode(), result.ftype(i)) for i in width),
        rows=tuple(tuple(result.get_value(row, i) for i in width) for row in range(result.ntuples)),
        modifiers=tuple(result.fmod(i) for i in width),
    )


def difference(direct: Answer, gateway: Answer, *, ordered: bool) -> str:
    """What is not the same, or ""."""
    if TIMEOUT in (direct.state, gateway.state):
        return ""
    if direct.state != gateway.state:
        return "error"
    if direct.columns != gateway.columns:
        return "names" if [c for c, _ in direct.columns] != [c for c, _ in gateway.columns] else "types"
    one, other = direct.rows, gateway.rows
    if not ordered:
        one, other = _sorted(one), _sorted(other)
    return "" if one == other else "rows"


def _sorted(rows: tuple[tuple[bytes | None, ...], ...]) -> tuple[tuple[bytes | None, ...], ...]:
    return tuple(sorted(rows, key=lambda row: [(value is None, value or b"") for value in row]))


def reason(said: str) -> str:
    """A refusal without its particulars, to count it by."""
    return re.sub(r"\d+", "N", said)[:160]
