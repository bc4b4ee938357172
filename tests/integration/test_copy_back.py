"""COPY FROM of what was read through masks: nothing of it is written, whatever the format, and the session goes on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import errors

from tests.integration.pgwire_rig import Rig

TO = "it would write a masked value into customers.email"
FORMATS = ["", "with (format csv)", "with (format csv, header, delimiter ';')", "with (format binary)"]


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    with Rig() as started:
        yield started


def taken(connection: psycopg.Connection[Any], form: str, what: str = "customers") -> list[bytes]:
    with connection.cursor().copy(f"copy {what} to stdout {form}".encode()) as out:
        return [bytes(block) for block in out]


def put(connection: psycopg.Connection[Any], form: str, blocks: list[bytes], what: str = "customers") -> None:
    with connection.cursor().copy(f"copy {what} from stdin {form}".encode()) as into:
        for block in blocks:
            into.write(block)


def stored(rig: Rig) -> list[Any]:
    with psycopg.connect(rig.postgres.conninfo()) as connection:
        return connection.execute("select * from customers order by id").fetchall()


@pytest.mark.parametrize("form", FORMATS)
def test_masked_rows_do_not_come_back(rig: Rig, form: str) -> None:
    with rig.connect(autocommit=False) as connection:
        blocks = taken(connection, form)
        before = stored(rig)
        with pytest.raises(errors.InsufficientPrivilege, match=TO) as caught:
            put(connection, form, blocks)
        assert caught.value.diag.message_hint == "Nothing of this COPY was written."
        connection.rollback()
        assert connection.execute("select 1").fetchone() == (1,)
        assert stored(rig) == before


@pytest.mark.parametrize("form", FORMATS)
def test_rows_with_values_of_their_own_do(rig: Rig, form: str) -> None:
    with psycopg.connect(rig.postgres.conninfo()) as connection:
        blocks = taken(connection, form, "(select 90, 'Dora', 'dora@raw.example')")
    with rig.connect(autocommit=False) as connection:
        put(connection, form, blocks)
        assert connection.execute("select name from customers where id = 90").fetchone() == ("Dora",)
        connection.rollback()


def test_a_message_of_many_rows_is_looked_at_as_it_streams(rig: Rig) -> None:
    rows = b"".join(b"%d\tname\tmail%d@raw.example\n" % (number, number) for number in range(1000, 60_000))
    assert len(rows) > 1_000_000
    with rig.connect(autocommit=False) as connection:
        with pytest.raises(errors.InsufficientPrivilege, match=TO):
            put(connection, "", [rows + b"99\tBerta\t**************mple\n" + b"98\tDora\tdora@raw.example\n" * 9_000])
        connection.rollback()
        assert len(stored(rig)) < 10
        put(connection, "", [rows])
        connection.rollback()


def test_the_second_copy_of_a_text_too(rig: Rig) -> None:
    two = "copy orders (id, note) from stdin; copy customers (id, email) from stdin"
    shown = "*********.com"
    done = rig.psql(two, stdin=f"5000\t{shown}\n\\.\n91\t{shown}\n92\tx\n\\.\n")
    assert done.returncode != 0 and TO in done.stderr
    with rig.connect() as connection:
        assert connection.execute("select count(*) from orders where id = 5000").fetchone() == (0,)
    assert rig.psql(two, stdin=f"5000\t{shown}\n\\.\n91\tx\n92\ty\n\\.\n").returncode == 0


def test_it_is_on_record(rig: Rig) -> None:
    with rig.connect(autocommit=False) as connection, pytest.raises(errors.InsufficientPrivilege):
        put(connection, "", [b"3\tCarla\t************mple\n"])
    assert TO.encode() in rig.everything_written()
