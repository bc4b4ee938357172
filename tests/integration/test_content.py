"""Content detection and row filters on the wire: every form a result can take, through the real gateway and PostgreSQL."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import psycopg
import pytest

from bench.world import World

CARD, MAIL = "4111111111111111", "grace.hopper@example.com"
SHOWN_CARD = "411111******1111"
POLICY = """
[gateway]
state_dir = "state"
[gateway.postgresql]
listen = "127.0.0.1:0"
[gateway.api]
listen = "127.0.0.1:0"
[[target]]
name = "content"
kind = "postgresql"
host = "127.0.0.1"
port = 5432
database = "content"
user = "postgres"
password = { file = "target.password" }
tls = "disable"
[[detector]]
name = "ticket"
pattern = "TICKET-[0-9]{4}"
[[rule]]
name = "everything"
because = "a test"
effect = "allow"
[[rule]]
name = "texts"
because = "a test"
effect = "detect"
content = ["card", "email", "ticket"]
[[rule]]
name = "own rows"
because = "a test"
effect = "filter"
who = { users = ["ana"] }
on = { resources = ["public.mine"] }
rows = "owner = :actor.subject"
[[rule]]
name = "nobody's region"
because = "a test"
effect = "filter"
on = { resources = ["public.regional"] }
rows = "region = :actor.region"
"""


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with World(POLICY, "content") as world:
        with psycopg.connect(world.direct.conninfo(), autocommit=True) as direct:
            direct.execute("create table notes (id int, n int8, t text, j jsonb, a text[])")
            direct.execute(
                "insert into notes values (1, %s, %s, %s, %s)",
                (int(CARD), f"pay {CARD} or 4111-1111-1111-1111, ask {MAIL}", json.dumps({"card": int(CARD), "mail": MAIL}), [CARD, "x"]),
            )
            direct.execute("create table mine (id int, owner text)")
            direct.execute("insert into mine values (1, 'ana'), (2, 'ben'), (3, 'ana')")
            direct.execute("create view all_of_mine as select id from mine")
            direct.execute("create table regional (region text)")
            direct.execute("insert into regional values ('emea')")
        yield world


def connect(world: World, user: str = "ana") -> psycopg.Connection:
    return psycopg.connect(world.through_gateway(user).conninfo(), autocommit=True)


def is_clean(shown: object) -> bool:
    text = str(shown)
    return CARD not in text and "4111-1111-1111-1111" not in text and "grace.hopper" not in text


@pytest.mark.parametrize("binary", [False, True], ids=["text", "binary"])
def test_texts_are_looked_at_and_numbers_are_not(world: World, binary: bool) -> None:
    with connect(world) as connection:
        row = connection.execute("select n, t, j, a, (n, t)::text, row(t) from notes", binary=binary).fetchone()
    assert row is not None and row[0] == int(CARD), "a bigint is no text"
    assert is_clean(row[1:]) and "@example.com" in row[1] and SHOWN_CARD in row[1]
    assert isinstance(row[2]["card"], int), "a document stays one"
    assert len(row[1]) == len(f"pay {CARD} or 4111-1111-1111-1111, ask {MAIL}")


def test_each_result_of_several_has_its_own_types(world: World) -> None:
    with connect(world) as connection:
        cursor = connection.execute("select n from notes; select t from notes; select n, t from notes")
        assert cursor.fetchone() == (int(CARD),)
        assert cursor.nextset() and is_clean(cursor.fetchall())
        assert cursor.nextset() and is_clean([row[1] for row in cursor.fetchall()])


@pytest.mark.parametrize("options", ["", "(format csv)", "(format binary)", "(format csv, quote '''', delimiter ';')"])
def test_copy(world: World, options: str) -> None:
    with connect(world) as connection, connection.cursor().copy(f"copy (select t, a from notes) to stdout {options}".encode()) as copy:
        shown = b"".join(bytes(part) for part in copy)
    assert is_clean(shown.decode("latin-1")) and b"@example.com" in shown


def test_a_delimiter_that_would_hide_is_refused(world: World) -> None:
    with connect(world) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege, match="DELIMITER"):
        connection.execute("copy notes to stdout (format csv, delimiter '-')")


def test_errors_and_notices(world: World) -> None:
    with connect(world) as connection:
        with pytest.raises(psycopg.errors.InvalidTextRepresentation) as caught:
            connection.execute("select t::int from notes")
        assert is_clean(caught.value)


def test_long_values_stream(world: World) -> None:
    for before in (0, 65_500, 65_530, 200_000):
        with connect(world) as connection:
            row = connection.execute(f"select 1, repeat('-', {before}) || t || repeat(' ', 300000), n from notes").fetchone()
        assert row is not None and is_clean(row[1]) and row[2] == int(CARD) and "@example.com" in row[1]


def test_own_patterns(world: World) -> None:
    with connect(world) as connection:
        assert connection.execute("select 'see TICKET-' || 1234").fetchone() == ("see ***********",)


def test_the_record_has_what_was_shown(world: World) -> None:
    with connect(world) as connection:
        connection.execute("select t, 'marker' from notes")
    for _ in range(100):
        kept = "".join(path.read_text() for path in (world.folder / "state" / "recordings").glob("*/*/*/*.jsonl"))
        if '"@example.com' in kept or "@example.com" in kept.partition("marker")[2]:
            break
        time.sleep(0.1)
    assert "marker" in kept and "@example.com" in kept
    assert "grace.hopper" not in kept and f"pay {CARD}" not in kept and "4111-1111-1111-1111" not in kept


def test_rows_that_exist_for_one(world: World) -> None:
    with connect(world) as ana, connect(world, "ben") as ben:
        assert ana.execute("select id from mine order by id").fetchall() == [(1,), (3,)]
        assert ana.execute("select count(*) from all_of_mine").fetchone() == (2,)
        assert ben.execute("select count(*) from mine").fetchone() == (3,)
        assert ana.execute("update mine set owner = owner where id > 0 returning id").fetchall() == [(1,), (3,)]
        assert ana.execute("delete from mine where id = 2").rowcount == 0
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="only some rows exist for you"):
            ana.execute("insert into mine values (4, 'ana')")


def test_an_attribute_that_nobody_has_shows_no_rows(world: World) -> None:
    with connect(world) as connection:
        assert connection.execute("select * from regional").fetchall() == []
