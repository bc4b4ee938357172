"""Which columns a statement writes, for rules about them: exact where the statement names them, else all (None)."""

from __future__ import annotations

import pytest

from .rig import compiled


def written(sql: str) -> dict[str, frozenset[str] | None]:
    return {access.resource: access.columns for access in compiled(sql).facts.accesses if access.verb == "write"}


@pytest.mark.parametrize(
    ("sql", "columns"),
    [
        ("update orders set note = 'x', total = 1 where id = 1", {"note", "total"}),
        ("update orders set (note, total) = ('x', 1) where id = 1", {"note", "total"}),
        ("insert into orders (id, note) values (1, 'x')", {"id", "note"}),
        ("insert into orders (id) values (1) on conflict (id) do update set total = 2", {"id", "total"}),
        ("with w as (update orders set note = 'x' where id = 1 returning id) select id from w", {"note"}),
        ("copy orders (id, note) from stdin", {"id", "note"}),
        ("update orders set note = 'x' where id = 1; update orders set total = 1 where id = 2", {"note", "total"}),
        ("insert into orders values (1)", None),
        ("insert into orders default values", None),
        ("copy orders from stdin", None),
        ("delete from orders where id = 1", None),
        ("truncate orders", None),
        ("merge into orders o using (select 1 as id) s on o.id = s.id when matched then update set note = 'x'", {"note"}),
        ("merge into orders o using (select 1 as id) s on o.id = s.id when matched then delete", None),
        (
            "merge into orders o using (select 1 as id) s on o.id = s.id when matched then update set note = 'x'"
            " when not matched then insert (id) values (1)",
            {"id", "note"},
        ),
        ("merge into orders o using (select 1 as id) s on o.id = s.id when not matched then insert values (1)", None),
        ("update orders set note = 'x' where id = 1; delete from orders where id = 1", None),
    ],
)
def test_columns_that_are_written(sql: str, columns: set[str] | None) -> None:
    assert written(sql)["public.orders"] == columns


def test_a_trigger_may_write_any_column_of_the_row_and_of_what_it_writes() -> None:
    assert written("update audited set id = 2 where id = 1") == {"public.audited": None, "public.orders": None}
    assert written("insert into audited (id) values (1)") == {"public.audited": {"id"}}, "it does not fire"
