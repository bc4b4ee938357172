"""Rules on the size of a statement, by the estimate of a real planner."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from tests.integration.pgwire_rig import Rig

RULES = """
[[rule]]
name = "no great results"
because = "the tool behind it holds little"
effect = "block"
on = { kinds = ["select", "update", "copy"], estimated_rows_over = 500 }
"""


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    with Rig(rules=RULES) as started:
        with psycopg.connect(started.postgres.conninfo(), autocommit=True) as connection:
            connection.execute("analyze")
            connection.execute("create function own() returns int immutable language sql as 'select 1'")
        yield started


SMALL = (
    "select * from orders where id = 7",
    "select count(*) from orders",
    "select * from orders limit 10",
    "select * from orders where id < 20",
    "update orders set note = 'x' where id = 7",
    "with gone as (update orders set note = 'y' where id = 8 returning id) select * from gone",
    "select email from customers",
)
GREAT = (
    "select * from orders",
    "select * from orders where id < 990",
    "update orders set note = 'x'",
    "with gone as (update orders set note = 'y' returning id) select count(*) from gone",
    "copy orders to stdout",
    "select * from orders where id = 7; select 1",
    "select own()",
)


@pytest.mark.parametrize("statement", SMALL)
def test_small_statements_pass(rig: Rig, statement: str) -> None:
    with rig.connect() as connection:
        assert connection.execute(statement.encode()).statusmessage


@pytest.mark.parametrize("statement", GREAT)
def test_great_and_unknown_ones_do_not(rig: Rig, statement: str) -> None:
    with rig.connect() as connection, pytest.raises(psycopg.errors.InsufficientPrivilege, match="no great results"):
        connection.execute(statement.encode())


def test_the_estimate_is_in_the_refusal_and_on_record(rig: Rig) -> None:
    with rig.connect() as connection:
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match=r"about 1,000 rows"):
            connection.execute("select * from orders o")
        connection.rollback()
        connection.execute("set application_name = 'x'")
    facts = [entry["facts"] for entry in rig.entries("operation") if entry["statement"] == "select * from orders o"]
    assert [each["estimated_rows"] for each in facts] == [1000]


def test_literals_are_estimated_each_for_itself(rig: Rig) -> None:
    with rig.connect(autocommit=True) as connection:
        connection.execute("select * from orders where id < 30")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("select * from orders where id < 970")
        connection.execute("select * from orders where id < 40")


def test_parameters_are_planned_without_their_value(rig: Rig) -> None:
    with rig.connect(autocommit=True) as connection:
        assert len(connection.execute("select * from orders where id = %s", (7,), prepare=True).fetchall()) == 1


def test_what_is_refused_anyway_never_reaches_the_planner(rig: Rig) -> None:
    with rig.connect() as connection, pytest.raises(psycopg.errors.InsufficientPrivilege, match="no drops"):
        connection.execute("drop table orders")
    noted = [str(entry) for entry in rig.entries("note") if entry["about"] == "estimate"]
    assert noted
    assert not any("drop table orders" in each for each in noted)
