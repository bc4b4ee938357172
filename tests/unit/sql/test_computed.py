"""What a target computes by itself: types with code, generated columns, constraints and indexes over masked columns."""

from __future__ import annotations

from dataclasses import replace

import pytest

from jupyter_govern_gateway.sql import catalog_expressions as expressions
from jupyter_govern_gateway.sql.catalog import Check, Column
from jupyter_govern_gateway.sql.compiler import compile_statement
from jupyter_govern_gateway.sql.naming import Naming
from tests.unit.sql.rig import CATALOG, CUSTOMERS, MASKED, problems

PLANNED = replace(
    CUSTOMERS,
    columns=(*CUSTOMERS.columns, Column(name="shout", attnum=5, type_sql="text", base="text", made_of=frozenset({"email", "name"}))),
    indexed=frozenset({"id", "email"}),
    checks=(Check(name="same", columns=frozenset({"email", "note"})),),
)
COMPUTING = replace(CATALOG, version="computing", relations={**CATALOG.relations, PLANNED.key: PLANNED})


def compiled(sql: str) -> tuple[str, str]:
    done = compile_statement(sql, catalog=COMPUTING, naming=Naming(database="shop"), standing=MASKED)
    return done.sql, done.facts.unjudged


def test_a_type_has_the_code_of_its_parts() -> None:
    code = [("checked", "domain checked", "(public.f(VALUE) > 0)"), ("other", "the cast to other", "public.g()")]
    parts = [("pair", "checked"), ("_pair", "pair"), ("deeper", "checked"), ("plain", "text")]
    found = expressions.type_code(code, parts)
    assert set(found) == {"checked", "other", "pair", "_pair", "deeper"}
    assert found["_pair"] == (("domain checked", "(public.f(VALUE) > 0)"),)


def test_a_column_generated_from_a_masked_one_is_masked() -> None:
    sql, problem = compiled("select shout from customers")
    assert not problem
    assert "'[redacted]'" in sql


def test_an_index_on_a_masked_column_does_not_answer_alone() -> None:
    assert "ctid" in compiled("select id from customers")[0]
    assert "ctid" not in compiled("select id from orders")[0]


@pytest.mark.parametrize(
    ("sql", "is_told"),
    [
        ("update customers set note = 'x' where id = 1", True),
        ("update customers set note = 'x', email = 'y' where id = 1", False),
        ("update customers set name = 'x' where id = 1", False),
        ("insert into customers (id, note) values (1, 'x')", False),
        ("insert into customers (id, note) values (1, 'x') on conflict (id) do update set note = 'y'", True),
        ("merge into customers c using (values (1)) v(i) on c.id = v.i when matched then update set note = 'y'", True),
        ("merge into customers c using (values (1)) v(i) on c.id = v.i when matched then delete", False),
    ],
)
def test_a_constraint_does_not_answer_questions(sql: str, is_told: bool) -> None:
    assert ("constraint same" in compiled(sql)[1]) is is_told


@pytest.mark.parametrize(("sql", "is_refused"), [("cluster customers using i", True), ("cluster", True), ("cluster orders using i", False)])
def test_rows_are_not_put_in_the_order_of_a_masked_column(sql: str, is_refused: bool) -> None:
    assert bool(problems(sql)) is is_refused
