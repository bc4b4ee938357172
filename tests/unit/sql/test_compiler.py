"""What is rewritten, what is left alone byte for byte, what is refused and in which words."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_govern.errors import SyntaxProblem
from jupyter_govern_gateway.sql.compiler import with_literals
from jupyter_govern_gateway.sql.naming import Naming
from jupyter_govern_gateway.sql.normal import normal

from .rig import FILTERED, OPEN, compiled, problems

UNTOUCHED = [
    "select 1",
    "select * from orders where note = 'customers'",
    "/* customers */ select total from orders -- customers",
    "insert into orders values (1, 2, 3, 'email')",
    "select 'email' as email from orders",
]
GOVERNED = [
    "select email from customers",
    "select * from customers c",
    "select upper(c.email) from public.customers as c",
    "table customers",
    "with x as (select * from customers) select * from x",
    "select (select max(email) from customers) from orders",
    "select * from orders o join lateral (select email from customers where id = o.customer_id) s on true",
    "copy customers to stdout",
    "copy (select email from customers) to stdout",
    "declare c cursor for select email from customers",
    "prepare p as select email from customers",
    "explain analyze select email from customers",
    "create temp table t as select * from customers",
]


@pytest.mark.parametrize("text", UNTOUCHED)
def test_what_touches_nothing_governed_is_sent_byte_for_byte(text: str) -> None:
    assert compiled(text).sql == text and not compiled(text).facts.unjudged


@pytest.mark.parametrize("text", GOVERNED)
def test_a_masked_relation_is_replaced(text: str) -> None:
    done = compiled(text)
    assert not done.facts.unjudged and done.touches_masked
    assert 'CASE WHEN governed."email" IS NULL' in done.sql
    assert compiled(text, OPEN).sql == text


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("update customers set note = email", "reads the masked column email"),
        ("update customers set note = customers.email", "reads the masked column email"),
        ("update customers set note = public.customers.email", "reads the masked column email"),
        ("update customers c set note = c.email", "reads the masked column email"),
        ("update customers set note = (select customers.email)", "reads the masked column email"),
        ("update customers set note = 'x' from orders customers_too where customers.email = 'a'", "reads the masked column email"),
        ("update customers set note = 'x' returning old.email", "reads the masked column email"),
        ("update customers set note = 'x' returning with (old as o) o.email", "reads the masked column email"),
        ("insert into customers as c (id) values (1) on conflict (id) do update set note = c.email", "reads the masked column email"),
        ("insert into customers (id) values (1) on conflict (id) do update set note = excluded.email", "reads the masked column email"),
        ("merge into customers c using orders o on c.email = o.note when matched then do nothing", "reads the masked column email"),
        ("update customers set note = 'x' where id = 1 returning *", "whole row"),
        ("delete from customers where email like 'a%'", "reads the masked column email"),
        ("select mails()", "reads customers, which holds masked data"),
        ("select dynamic()", "runs SQL that it puts together as text"),
        ("create view v as select email from customers", "a view over masked data"),
        ("create index on customers (lower(email))", "computes on them in clear"),
        ("create function f() returns int language sql as 'select 1'", "what the gateway does not see"),
        ("alter table customers rename to c", "what the gateway does not see"),
        ("do $$ begin end $$", "what the gateway does not see"),
        ("insert into customers (id, email) values (1, '*********.com')", "would write a masked value into customers.email"),
        ("insert into customers select * from customers", "would write a masked value into customers.email"),
        ("execute nothing", "has not prepared"),
    ],
)
def test_what_cannot_be_judged_says_why(text: str, why: str) -> None:
    assert why in problems(text)


def test_accesses_of_what_the_statement_sets_off() -> None:
    written = {access.resource for access in compiled("update audited set id = 2 where id = 1").facts.accesses if access.verb == "write"}
    assert written == {"public.audited", "public.orders"}
    assert {a.resource for a in compiled("select pays()").facts.accesses} >= {"public.orders", "public.pays"}
    assert "delete" in compiled("select pays()").facts.kinds
    assert not problems("select totals()")


def test_a_materialized_view_is_masked_by_lineage() -> None:
    sql = compiled("select * from directory").sql
    assert 'CASE WHEN governed."mail" IS NULL' in sql and 'CASE WHEN governed."size" IS NULL' in sql
    assert 'governed."id", ' in sql and 'governed."kind" FROM' in sql


def test_row_filters() -> None:
    assert 'WHERE ("governed".customer_id = 7' in compiled("select * from orders", FILTERED).sql
    sql = compiled("delete from orders o where o.id = 1 returning id", FILTERED).sql
    assert " ".join(sql.split()) == 'delete from orders o where ("o".customer_id = 7 ) AND ( o.id = 1 ) returning id'
    assert "only some rows exist for you" in problems("insert into orders values (1)", FILTERED)


def test_grouping_by_a_key_groups_by_what_is_used() -> None:
    assert compiled("select id, name from customers group by id").sql.endswith('group by id, "customers"."name" ')


def test_relations_of_an_open_transaction() -> None:
    naming = Naming(database="shop", created=frozenset({("public", "mine")}))
    assert not compiled("select * from mine", naming=naming).facts.unjudged
    with pytest.raises(SyntaxProblem):
        compiled("select * from mine")
    unsure = replace(naming, is_sure=False)
    assert "COMMIT first" in compiled("select * from orders", naming=unsure).facts.unjudged


@given(st.integers(0, 10**9), st.text("abc xyz", max_size=9))
def test_the_same_statement_with_other_literals(number: int, word: str) -> None:
    """A shared plan is what a compilation would have given."""
    template = "select email, note from customers where id = {} and note <> '{}' limit {}"
    first, text = compiled(template.format(1, "x", 2)), template.format(number, word, number)
    shape = normal(text)
    assert first.spans is not None and shape is not None
    shared, fresh = with_literals(first, text, shape.spans), compiled(text)
    assert (shared.sql, shared.splices, shared.limitable, shared.facts) == (fresh.sql, fresh.splices, fresh.limitable, fresh.facts)
    position = fresh.sql.index(" and note") + 2
    assert shared.original_position(position) == text.index(" and note") + 2


@pytest.mark.parametrize(
    "text",
    [
        "select E'a' from t where x = 1",
        "select 1 -- c",
        "select $$a$$, 1",
        "select U&'a', 1",
        "select 'a\\', 1",
        'select "a, 1',
        "select x",
    ],
)
def test_what_could_be_misread_is_not_shared(text: str) -> None:
    assert normal(text) is None


@given(st.text("ab'\"1 ,=.$-", max_size=40))
def test_texts_with_the_same_shape_differ_in_their_literals_only(text: str) -> None:
    shape = normal(text)
    if shape is None:
        return
    raw, at, out = text.encode(), 0, b""
    for start, stop in shape.spans:
        piece = raw[start:stop].decode()
        assert piece.replace(".", "").isdigit() or (piece[0] == piece[-1] == "'" and "'" not in piece[1:-1])
        out += raw[at:start] + (b"\x01" if piece[0] == "'" else b"\x02")
        at = stop
    assert (out + raw[at:]).decode() == shape.key


def test_a_temporary_table_hides_others_only_from_where_the_path_puts_it() -> None:
    behind = Naming(database="shop", search_path=("public", "pg_temp"), temp_relations=frozenset({"customers"}))
    for text in ("copy customers to stdout", "select email from customers"):
        assert compiled(text, naming=behind).sql != text
    before = Naming(database="shop", temp_relations=frozenset({"customers"}))
    assert compiled("copy customers to stdout", naming=before).sql == 'copy pg_temp."customers" to stdout'


@pytest.mark.parametrize(
    "text",
    [
        "select (1).dynamic",
        "select f.dynamic from orders as f",
        "select ('govern.hash_key'::text).current_setting",
        "select f.current_setting from (values ('govern.hash_key')) as f",
        "select (o).mails from orders o",
        "update customers set note = customers.upper where id = 1",
        "update customers set note = 'n' where id = 1 returning customers.to_json",
        "update customers set note = 'n' where id = 1 returning public.customers.row_to_json",
        "update customers c set note = 'n' where c.upper = 'x'",
        "update customers set note = 'n' where id = 1 returning old.to_json",
        "update customers set note = 'n' where id = 1 returning with (old as o) upper(o)",
        "update customers set note = 'n' where id = 1 returning with (new as o) o::text",
        "update customers set note = 'n' where id = 1 returning with (old as o) o.email",
    ],
)
def test_a_function_in_the_notation_of_a_column_is_a_call(text: str) -> None:
    assert problems(text)


@pytest.mark.parametrize(
    "text",
    [
        "select o.note, (o).total from orders o",
        "update customers c set note = 'n' where c.id = 1 returning c.id, old.note, new.name, c.ctid",
        "update customers set note = 'n' where id = 1 returning with (old as o) o.note",
    ],
)
def test_columns_in_the_notation_of_columns_are_columns(text: str) -> None:
    assert not problems(text)


def test_arguments_of_a_function_that_is_inlined_are_judged() -> None:
    assert problems("select m.* from orders o, mails_of(o.dynamic) m")
    assert not problems("select m.* from orders o, mails_of(o.note) m")
    assert problems("update customers set note = 'n' where exists (select from mails_of(customers.email))")
