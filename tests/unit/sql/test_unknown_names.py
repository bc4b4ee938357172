"""Names that the catalog lacks: refused in general, left to the target where nothing could be behind them."""

from __future__ import annotations

import pytest

from jupyter_govern_gateway.policy.standing import Standing
from jupyter_govern_gateway.sql.compiler import compile_statement
from jupyter_govern_gateway.sql.naming import Naming
from jupyter_govern_gateway.sql.unknown import UnknownName
from sql.rig import CATALOG, MASKED, OPEN, UNBOUNDED, compiled

UNKNOWN = ["select * from nobody", "select nobody(1)", "insert into elsewhere.nobody values (1)", "select elsewhere.nobody()"]


@pytest.mark.parametrize("text", UNKNOWN)
@pytest.mark.parametrize("standing", [MASKED, OPEN])
def test_they_are_refused_where_anything_is_judged_or_not_all_is_allowed(text: str, standing: Standing) -> None:
    with pytest.raises(UnknownName):
        compile_statement(text, catalog=CATALOG, naming=Naming(database="shop"), standing=standing, takes_unknown=True)


@pytest.mark.parametrize("text", UNKNOWN)
def test_they_are_the_targets_where_all_is_allowed(text: str) -> None:
    with pytest.raises(UnknownName):  # at first: the catalog may be old
        compiled(text, UNBOUNDED)
    found = compile_statement(text, catalog=CATALOG, naming=Naming(database="shop"), standing=UNBOUNDED, takes_unknown=True)
    assert found.sql == text
    assert any("*" in access.resource or access.resource.startswith("elsewhere.") for access in found.facts.accesses)


@pytest.mark.parametrize(
    "text",
    [
        "create table tree (id int primary key, parent int references tree)",
        "create temp table tree (id int primary key, parent int references tree)",
        "create table tree (id int primary key, parent int, foreign key (parent) references public.tree)",
    ],
)
def test_a_table_may_refer_to_itself(text: str) -> None:
    assert not compiled(text).facts.unjudged
