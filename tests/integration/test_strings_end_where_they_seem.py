"""A target whose strings would end elsewhere than the gateway reads them (standard_conforming_strings = off) hides nothing that way."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from tests.integration.pgwire_rig import Rig

HIDDEN = r"select 'a\' || ', (select max(email) from customers) --'"
"""To the gateway two strings; to such a target one, and a subquery that nothing masked."""
RULES = """
[[rule]]
name = "not too many"
because = "the tool behind it holds little"
effect = "block"
who = { groups = ["analysts"] }
on = { kinds = ["update"], estimated_rows_over = 500 }
"""


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    with Rig(rules=RULES) as started:
        with psycopg.connect(started.postgres.conninfo(), autocommit=True) as connection:
            connection.execute("alter role all set standard_conforming_strings = off")
            connection.execute("alter role all set backslash_quote = on")
        yield started


@pytest.mark.parametrize("before", ["select 1", "reset standard_conforming_strings", "reset all", "discard all"])
def test_strings_end_where_they_seem_to(rig: Rig, before: str) -> None:
    with rig.connect(autocommit=True) as connection:
        connection.execute(before.encode())
        assert connection.execute("show standard_conforming_strings").fetchone() == ("on",)
        assert connection.execute(HIDDEN.encode()).fetchall() == [("a\\, (select max(email) from customers) --",)]


def test_nor_does_an_estimate_run_what_stands_in_one(rig: Rig) -> None:
    hidden = r"update orders set note = 'a\' || '; commit; drop table orders; --' where id = 7"
    with rig.connect(autocommit=True) as connection:
        assert connection.execute(hidden.encode()).rowcount == 1
        assert connection.execute("select note from orders where id = 7").fetchone() == ("a\\; commit; drop table orders; --",)


def test_a_function_that_changes_it_ends_the_session(rig: Rig) -> None:
    """For people to whom nothing is hidden such a function is not judged, and what is hidden from them may change while they are here."""
    with psycopg.connect(rig.postgres.conninfo(), autocommit=True) as connection:
        connection.execute(
            "create function turn() returns void language plpgsql as $$ begin execute 'set standard_conforming_' || 'strings = off'; end $$"
        )
    with rig.connect("ben", autocommit=True) as connection, pytest.raises(psycopg.Error, match="standard_conforming_strings = off"):
        connection.execute("select turn()")
        connection.execute(HIDDEN.encode())
