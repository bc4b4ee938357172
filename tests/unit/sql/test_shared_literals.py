"""Statements whose literals decide what they are share no plan with others of the same shape."""

from __future__ import annotations

import pytest

from jupyter_govern_gateway.sql.normal import normal
from sql.rig import compiled

DECIDED = [
    # which of them restricts: x = 1 OR x <> 1 is true of every row
    ("delete from orders where id = 1 or id <> 2", "delete from orders where id = 1 or id <> 1"),
    ("delete from orders where not (id = 1 and id <> 2)", "delete from orders where not (id = 1 and id <> 1)"),
    ("update orders set note = 'x' where note = 'a' or note != 'b'", "update orders set note = 'x' where note = 'a' or note != 'a'"),
    ("delete from orders where id in (select id from orders o where o.id < 1 or o.id >= 2)",
     "delete from orders where id in (select id from orders o where o.id < 1 or o.id >= 1)"),
    ("with gone as (delete from orders where id = 1 or id <> 2 returning id) select id from gone",
     "with gone as (delete from orders where id = 1 or id <> 1 returning id) select id from gone"),
    # which column is meant: the other columns of a table stand beside its key
    ("select name, id from customers group by 1", "select name, id from customers group by 2"),
]  # fmt: skip


@pytest.mark.parametrize(("first", "second"), DECIDED)
def test_what_the_literals_decide_is_not_shared(first: str, second: str) -> None:
    one, other, shape, same = compiled(first), compiled(second), normal(first), normal(second)
    assert shape is not None and same is not None and shape.key == same.key
    assert one.facts != other.facts or len(one.splices) != len(other.splices)
    assert one.spans is None and other.spans is None


def test_what_they_do_not_decide_still_is() -> None:
    assert compiled("delete from orders where id = 1 and note <> 'x'").spans is not None
    assert compiled("select id from customers where id = 1 or id <> 2 group by id").spans is not None
