"""Masked values written back over real ones: every way in which a literal or a parameter becomes the value of a masked column."""

from __future__ import annotations

import pytest

from .rig import compiled, problems

SHOWN = "'*********.com'"
"""What the mask of customers.email shows."""
TO = "would write a masked value into customers.email"

WRITES = [
    "update customers set email = {}",
    "update customers set email = {}::text",
    "update customers set (name, email) = ('x', {})",
    "update customers set (name, email) = row('x', {}::varchar)",
    "update customers set (name, email) = (select 'x', {})",
    "update customers set email = (select {})",
    "update customers set email = (values ({}))",
    "insert into customers (id, email) values (1, {})",
    "insert into customers (id, email) values (1, 'a@b.c'), (2, {})",
    "insert into customers (id, email) select 1, {}",
    "insert into customers (id, email) select 1, 'a@b.c' union all select 2, {}",
    "insert into customers (id, email) values (1, 'a@b.c') on conflict (id) do update set email = {}",
    "insert into customers (id, email) values (1, 'a@b.c') on conflict (id) do update set (name, email) = row('x', {})",
    "merge into customers c using orders o on o.id = c.id when matched then update set email = {}",
    "merge into customers c using orders o on o.id = c.id when matched then update set (name, email) = ('x', {})",
    "merge into customers c using orders o on o.id = c.id when not matched then insert (id, email) values (1, {})",
    "update customers set email = case id when 1 then 'a@b.c' when 2 then {} else 'x@y.z' end",
    "update customers set email = case when id = 1 then cast({} as text) end where id in (1, 2)",
    "update customers set email = coalesce({}, 'a@b.c')",
    "update customers set email = nullif({}, '')",
    "update customers set email = v.email from (values (1, 'a@b.c'), (2, {})) as v(id, email) where v.id = customers.id",
    "update customers set email = v.column2 from (values (1, {})) v where v.column1 = customers.id",
    "update customers set email = v.addr::text from (select 1 as id, {} as addr) v where v.id = customers.id",
    "with v(id, addr) as (values (1, {})) update customers set email = v.addr from v where v.id = customers.id",
    "with v(id, addr) as (values (1, {})) update customers set email = w.m from v as w(i, m) where w.i = customers.id",
    "with v as (select 1 as id, {} as addr) update customers set email = addr from v where v.id = customers.id",
    "with v(id, addr) as (values (1, {})), u as (select * from v) insert into customers (id, email) select u.* from u",
    "with recursive v(id, addr) as (select 1, {} union all select id + 1, addr from v where id < 3) "
    "insert into customers (id, email) select id, addr from v",
    "insert into customers (id, email) select * from (values (1, {})) v",
    "insert into customers (id, email) select v.* from (values (1, 'a@b.c'), (2, {})) v(id, addr)",
    "insert into customers (id, email) select 1, (select {})",
    "merge into customers c using (values (1, {})) v(id, addr) on v.id = c.id when matched then update set email = v.addr",
    "with w as (update customers set email = {} where id = 1 returning id) select * from w",
]


@pytest.mark.parametrize("text", WRITES)
def test_a_value_as_the_mask_shows_it_is_refused(text: str) -> None:
    assert TO in problems(text.format(SHOWN))
    assert TO not in problems(text.format("'new@shop.example'"))


@pytest.mark.parametrize("text", WRITES)
def test_a_parameter_is_looked_at_when_it_is_bound(text: str) -> None:
    noted = compiled(text.format("$1")).written_parameters
    assert [(each.number, each.column.name) for each in noted] == [(1, "email")]


@pytest.mark.parametrize(
    "text",
    [
        "update customers set (email, name) = ('new@shop.example', {})",
        "update customers set (name, email) = (select {}, 'new@shop.example')",
        "insert into customers (name, email) select {}, 'new@shop.example'",
        "insert into orders (id, note) select 1, {}",
        "update customers set email = v.email from (values ({}, 'a@b.c')) as v(name, email) where v.name = customers.name",
        "update customers set email = 'a@b.c' where name = {}",
        "update customers set email = case when name = {} then 'a@b.c' end",
    ],
)
def test_other_columns_take_what_they_are_given(text: str) -> None:
    assert TO not in problems(text.format(SHOWN))
