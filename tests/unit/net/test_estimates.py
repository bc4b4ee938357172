"""Which statements the target's planner is asked about: none in which it could run what somebody has made."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace

import pytest
from sql.rig import CATALOG, MASKED, OPEN, columns, own

from jupyter_govern_gateway.net import estimates
from jupyter_govern_gateway.net.estimates import AT_ONCE, Estimates, _is_planned
from jupyter_govern_gateway.sql.catalog import Function, Hook, Relation
from jupyter_govern_gateway.sql.compiler import Compiled, compile_statement
from jupyter_govern_gateway.sql.naming import Naming

SEEN = Relation(oid=200, schema="public", name="seen", kind="v", columns=columns("n:int4"), definition="SELECT public.pure() AS n")
PLAIN = Relation(oid=201, schema="public", name="plain", kind="v", columns=columns("n:int4"), definition="SELECT length('x') AS n")
OVER = Relation(
    oid=202,
    schema="public",
    name="over",
    kind="v",
    columns=columns("n:int4 email:text"),
    depends_on=(("public", "customers"),),
    definition="SELECT public.pure() AS n, customers.email FROM public.customers",
)
FILLED = Relation(
    oid=203,
    schema="public",
    name="filled",
    kind="r",
    columns=columns("id:int4 n:int4"),
    hooks=(Hook(label="default", events=frozenset({"insert"}), body="pure()", language="sql", is_expression=True),),
)
PURE = tuple(replace(each, volatility="i") for each in own("pure", "sql", "select 1"))
EXTENDED = (Function(schema="public", name="unaccent", kind="f", language="c", volatility="s", extension="unaccent"),)


def found(text: str, *, masked: bool = False) -> Compiled:
    relations = {**CATALOG.relations, **{each.key: each for each in (SEEN, PLAIN, OVER, FILLED)}}
    catalog = replace(CATALOG, relations=relations, functions={**CATALOG.functions, "pure": PURE, "unaccent": EXTENDED})
    return compile_statement(text, catalog=catalog, naming=Naming(database="shop"), standing=MASKED if masked else OPEN)


@pytest.mark.parametrize("text", ["select pure()", "select * from seen", "select email from over", "insert into filled (id) values (1)"])
@pytest.mark.parametrize("masked", [False, True])
def test_own_code_is_not_planned_wherever_it_stands(text: str, masked: bool) -> None:
    assert not _is_planned(found(text, masked=masked))


@pytest.mark.parametrize(
    "text",
    ["select length(note) from orders", "select * from plain", "insert into orders (id) values (1)", "select unaccent(note) from orders"],
)
def test_everything_else_is(text: str) -> None:
    assert _is_planned(found(text))


def test_a_target_that_does_not_answer_keeps_nobody_else_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()

    def rows(conninfo: str, statement: str, naming: Naming) -> int:
        if conninfo == "dead":
            over.wait(20)
        return 7

    async def asked() -> list[int | None]:
        made, text, naming = Estimates({"dead": "dead", "live": "live"}), found("select id from orders"), Naming(database="shop")
        async with asyncio.timeout(5), asyncio.TaskGroup() as group:
            dead = [group.create_task(made.of("dead", text, naming)) for _ in range(2 * AT_ONCE)]
            await asyncio.sleep(0.05)
            live = await made.of("live", text, naming)
            assert not any(each.done() for each in dead)
        over.set()
        made.close()
        return [live.facts.estimated_rows, *(each.result().facts.estimated_rows for each in dead)]

    monkeypatch.setattr(estimates, "estimated_rows", rows)
    monkeypatch.setattr(estimates, "WAIT_SECONDS", 0.2)
    try:
        assert asyncio.run(asked()) == [7, *[None] * (2 * AT_ONCE)]
    finally:
        over.set()
