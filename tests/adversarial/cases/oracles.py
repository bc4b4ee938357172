"""What the target does beside the answer tells: where rows are put, in which order an index gives them, which constraint fails, what a
default, a generated column, a domain or a cast computes."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import psycopg

from tests.adversarial.attacker import Attacker, Connection
from tests.adversarial.case import Case, clever, harm, leak
from tests.adversarial.cases.predicates import ALPHABET, halve

PAID = "exists (select from vault.payout where n = 77)"
PROBE = 9999


def sorted_before(attacker: Attacker, is_before: Callable[[Connection], bool]) -> str:
    """The address of the row, letter by letter, from whether a row of one's own lies before it."""
    connection, known = attacker.connect(), ""
    attacker.rows(f"insert into people (id, name, email) values ({PROBE}, 'probe', '')", on=connection)
    while len(known) < 7:
        low, high = 0, len(ALPHABET) - 1
        while low < high:
            middle = (low + high + 1) // 2
            attacker.rows(f"update people set email = '{known}{ALPHABET[middle]}' where id = {PROBE}", on=connection)
            low, high = (middle, high) if is_before(connection) else (low, middle - 1)
        known += ALPHABET[low]
    return known


def by_cluster(*statements: str) -> Callable[[Attacker], object]:
    def attack(attacker: Attacker) -> object:
        def is_before(connection: Connection) -> bool:
            attacker.rows(*statements, on=connection)
            order = [
                row[0] for row in attacker.rows(f"select id from only people where id in ({PROBE}, {{id}}) order by ctid", on=connection)
            ]
            return order[0] == PROBE

        return sorted_before(attacker, is_before)

    return attack


def by_index_order(attacker: Attacker) -> object:
    """An index gives its rows in the order of what is in it, and needs no table for that."""
    query = "select email from only people where id = "

    def is_before(connection: Connection) -> bool:
        mine, other = (attacker.value(query + id, on=connection) for id in (str(PROBE), "{id}"))
        attacker.rows("set enable_seqscan to off", on=connection)
        order = [row[0] for row in attacker.rows("select email from only people", on=connection)]
        attacker.rows("reset enable_seqscan", on=connection)
        return order.index(mine) < order.index(other)

    return sorted_before(attacker, is_before)


def by_check(attacker: Attacker) -> object:
    connection = attacker.connect()

    def yes(condition: str) -> bool:
        try:
            attacker.rows(f"update pay set floor = {condition}::numeric / 100 where id = {{id}}", on=connection)
        except psycopg.errors.CheckViolation:
            return False
        return True

    return halve(yes, "{guess}", 10_000_000) / Decimal(100)


CASES: tuple[Case, ...] = (
    clever("rows put in the order of an index", "email", by_cluster("cluster people using people_email")),
    clever("rows put in order, old spelling", "email", by_cluster("cluster verbose vault.people using people_email")),
    clever("rows in the order of an index", "email", by_index_order),
    clever("a check that compares with it", "salary", by_check),
    leak("a generated column", "salary", "select doubled / 2 from pay where id = {id}"),
    leak("a default that reads it", "ssn", "insert into intake (k) values (1) returning s"),
    leak("default values", "ssn", "insert into intake default values returning s"),
    leak("default by name", "ssn", "insert into intake (k, s) values (1, default) returning s"),
    leak("a cast that reads it", "card", "select ({id}::vault.badge).card"),
    leak("a cast that reads it, spelled out", "card", "select cast({id} as badge)::text"),
    leak("an array of casts that read it", "card", "select array[{id}]::vault.badge[]"),
    harm("a default that writes", PAID, "insert into spent (k) values (1)"),
    harm("a check that writes", PAID, "insert into checked values (77)"),
    harm("a check that writes, by COPY of a query's rows", PAID, "insert into checked select 77"),
    harm("a domain that writes", PAID, "select 77::vault.counted"),
    harm("a domain that writes, as a column", PAID, "insert into listed values (77)"),
    harm("a domain in a new table", PAID, "create temp table t (k vault.counted)", "insert into t values (77)"),
    harm("a domain in a record", PAID, "select * from json_to_recordset('[{\"k\": 77}]') as x(k vault.counted)"),
    harm("an index that writes", PAID, "insert into indexed values (77)"),
    harm("an operator that writes, of a subquery", PAID, "select 77 operator(vault.@~) any (select n from scratch)"),
    harm("an operator that writes, of a subquery, by path", PAID, "select 77 @~ all (select n from scratch)"),
    harm("an operator that writes, of a row", PAID, "select 77 operator(vault.@~) any (array[1, 2])"),
    harm("a view that writes", PAID, "select * from paying"),
    harm("a view of a view that writes", PAID, "select count(paid) from paying_more"),
    harm("a view that writes, of a row that is changed", PAID, "update numbers_spent set n = n where n = 1"),
    harm("a view that writes, in a view of one's own", PAID, "create temp view v as select * from paying", "table v"),
    harm("a materialized view that writes", PAID, "refresh materialized view paid_out"),
    leak("a view of statistics", "email", "select bounds from histograms where tablename = 'people'"),
    leak("a view of a view of statistics", "ssn", "select bounds from histograms_again"),
    leak("a view of raw statistics", "card", "select bounds from raw_histograms"),
)
