"""Which UPDATE, DELETE and MERGE have no WHERE that restricts, however it is dressed up."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from jupyter_govern_gateway.sql.catalog import Catalog, Column, Relation
from jupyter_govern_gateway.sql.reader import kind_of, read, unwrap
from jupyter_govern_gateway.sql.writes import note_without_where

ORDERS = Relation(
    oid=1,
    schema="public",
    name="orders",
    kind="r",
    columns=tuple(
        Column(name=name, attnum=i, type_sql="integer", base="int4")
        for i, name in enumerate(("id", "total", "status", "customer_id", "note"), 1)
    ),
)


ALL_ORDERS, OPEN_ORDERS = (
    Relation(oid=oid, schema="public", name=name, kind="v", depends_on=(ORDERS.key,), definition=f"SELECT id FROM public.orders{where}")
    for oid, name, where in ((2, "all_orders", ""), (3, "open_orders", " WHERE status = 'open'"))
)


def ctes(tree: Any) -> list[Any]:
    """Those of the top, as the analysis keeps them."""
    return [unwrap(item) for item in tree.with_clause.ctes] if tree.HasField("with_clause") else []


def is_unrestricted(sql: str) -> bool:
    (statement,) = read(sql)
    catalog = Catalog(version="", functions={}, relations={each.key: each for each in (ORDERS, OPEN_ORDERS, ALL_ORDERS)})
    analysis = cast(Any, SimpleNamespace(traits=set(), catalog=catalog, cte_nodes=ctes(statement.tree)))
    note_without_where(analysis, kind_of(statement.tree), statement.tree, ORDERS)
    return bool(analysis.traits)


EVERYTHING = """
delete from orders
delete from orders where true
delete from orders where 1 = 1
delete from orders where id = id
delete from orders where id = id + 0
delete from orders where id between id and id
delete from orders where exists (select 1)
delete from orders where exists (select 1 from orders o where o.id = orders.id)
delete from orders where id in (select id from orders)
delete from orders where id = any (array(select id from orders))
delete from orders where id = (select o.id from orders o where o.id = orders.id)
delete from orders where (id = id) is true
delete from orders where not (id is null)
delete from orders where not (id <> id)
delete from orders where id is not null
delete from orders where id = 5 or id <> 5
delete from orders where not (id = 5 and id <> 5)
delete from orders where not (id = 5 and 1 = 2)
delete from orders where case when id > 0 then true else true end
delete from orders where coalesce(id, 1) = coalesce(id, 1)
update orders set total = 1 from (values (1)) v where v.column1 = 1
update orders set total = 1 from orders o2 where o2.id = orders.id
with x as (select id from orders) delete from orders using x where x.id = orders.id
with x as (select id from orders) delete from orders where id in (select id from x)
with x as (select id from orders), y as (select * from x) delete from orders where id in (select id from y)
delete from orders where id = any ((select array_agg(id) from orders)::int[])
delete from orders where id = any (coalesce((select array_agg(id) from orders), '{}'))
delete from orders where id in (select id from all_orders)
delete from orders where id in (select id from orders union select 0)
delete from orders where id not in (select -1 from orders)
merge into orders using orders s on s.id = orders.id when matched then delete
merge into orders using (values (1)) v(x) on true when matched then delete
insert into orders select * from orders on conflict (id) do update set total = 0
""".strip().splitlines()
SOME = """
delete from orders where not (id = 5 and status = 'open')
with x as (select id from orders where status = 'old') delete from orders where id in (select id from x)
delete from orders where id = any ((select array_agg(id) from orders where status = 'old')::int[])
delete from orders where id in (select id from open_orders)
delete from orders where id = any ((select array_agg(id) from customers)::int[])
delete from orders where id = 5
delete from orders where id in (1, 2)
delete from orders where id in (select order_id from tmp)
delete from orders where id in (select id from orders where total = 3)
delete from orders where exists (select 1 from tmp where tmp.id = orders.id)
delete from orders where note like 'x%' and status = 'a'
delete from orders where note is null
delete from orders where not status = 'x'
delete from orders where total > 5 or id = 3
delete from orders where id between 3 and 5
delete from orders where customer_id = id
delete from orders where is_old(note)
update orders set total = 1 where id = $1
update orders o set total = 1 where o.id = 5
update orders set total = 1 from staging s where s.id = orders.id
update orders set total = (select max(total) from orders) where id = 5
merge into orders using staging s on s.id = orders.id when matched then delete
insert into orders values (1) on conflict (id) do update set total = excluded.total
""".strip().splitlines()


@pytest.mark.parametrize("sql", EVERYTHING)
def test_it_changes_whatever_is_there(sql: str) -> None:
    assert is_unrestricted(sql)


@pytest.mark.parametrize("sql", SOME)
def test_it_restricts(sql: str) -> None:
    assert not is_unrestricted(sql)
