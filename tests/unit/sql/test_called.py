"""Which functions a statement calls, and that what stands beside it in the text is not forgotten."""

from __future__ import annotations

import pytest

from tests.unit.sql.rig import OPEN, compiled


@pytest.mark.parametrize(
    ("sql", "functions"),
    [
        ("select 1", set()),
        ("select upper('x'), pg_catalog.lower('y')", {"pg_catalog.upper", "pg_catalog.lower"}),
        ("select (customers).length from customers", {"pg_catalog.length"}),
        ("select totals()", {"public.totals", "pg_catalog.max"}),
        ("select 1 from orders order by count(*) over ()", {"pg_catalog.count"}),
        ("explain select upper('x')", {"pg_catalog.upper"}),
        ("prepare p as select upper('x')", set()),
        ("prepare p as select upper('x'); execute p", {"pg_catalog.upper"}),
        ("select upper('x'); prepare p as select 1", {"pg_catalog.upper"}),
    ],
)
def test_functions_that_are_called(sql: str, functions: set[str]) -> None:
    assert compiled(sql, OPEN).facts.functions == functions


@pytest.mark.parametrize("behind", ["explain select 1", "prepare p as select 1", "explain delete from customers"])
def test_a_statement_is_not_forgotten_for_one_behind_it(behind: str) -> None:
    facts = compiled(f"delete from orders; {behind}", OPEN).facts
    assert "delete" in facts.kinds
    assert "without-where" in facts.traits
    assert [access.verb for access in facts.accesses if access.resource == "public.orders"] == ["write"]


def test_a_statement_that_is_only_explained_writes_nothing() -> None:
    facts = compiled("explain delete from orders; select 1", OPEN).facts
    assert facts.kinds == {"explain", "select"}
    assert not facts.traits
    assert {access.verb for access in facts.accesses} == {"read"}
