"""A catalog without a database, and a compiler over it, for unit tests."""

from __future__ import annotations

from jupyter_govern.model import RuleRef
from jupyter_govern_gateway.policy.standing import MaskPattern, RowFilter, Standing
from jupyter_govern_gateway.sql.catalog import Catalog, Column, Function, Hook, Relation
from jupyter_govern_gateway.sql.compiler import Compiled, compile_statement
from jupyter_govern_gateway.sql.naming import Naming

RULE = RuleRef(name="contact data", because="the privacy notice")


def columns(spec: str) -> tuple[Column, ...]:
    """`id:int4 email:text`."""
    pairs = [word.split(":") for word in spec.split()]
    return tuple(Column(name=name, attnum=i, type_sql=base, base=base) for i, (name, base) in enumerate(pairs, 1))


def own(name: str, language: str, body: str) -> tuple[Function, ...]:
    return (Function(schema="public", name=name, kind="f", language=language, volatility="v", body=body),)


def builtin(*names: str) -> dict[str, tuple[Function, ...]]:
    return {name: (Function(schema="pg_catalog", name=name, kind="f", language="internal", volatility="i"),) for name in names}


CUSTOMERS = Relation(
    oid=100,
    schema="public",
    name="customers",
    kind="r",
    columns=columns("id:int4 name:text email:text note:text"),
    key_columns=frozenset({"id"}),
)
ORDERS = Relation(oid=101, schema="public", name="orders", kind="r", columns=columns("id:int4 customer_id:int4 total:numeric note:text"))
TRIGGER = Hook(
    label="trigger t", events=frozenset({"update"}), body="begin insert into orders values (1); return new; end", language="plpgsql"
)
AUDITED = Relation(
    oid=102,
    schema="public",
    name="audited",
    kind="r",
    columns=columns("id:int4"),
    hooks=(
        Hook(
            label="trigger t", events=frozenset({"update"}), body="begin insert into orders values (1); return new; end", language="plpgsql"
        ),
    ),
)
DIRECTORY = Relation(
    oid=103,
    schema="public",
    name="directory",
    kind="m",
    columns=columns("id:int4 mail:text size:int4 kind:text"),
    depends_on=(("public", "customers"),),
    definition="SELECT customers.id, customers.email AS mail, length(customers.email) AS size, 'x'::text AS kind FROM public.customers",
)
FUNCTIONS = {
    **builtin("upper", "count", "length", "max", "lower"),
    "mails": own("mails", "sql", "select email from customers"),
    "mails_of": (
        Function(
            schema="public",
            name="mails_of",
            kind="f",
            language="sql",
            volatility="v",
            body="select email from customers where note = a",
            arguments=(("a", "text", "i"), ("mail", "text", "t")),
        ),
    ),
    "totals": own("totals", "sql", "select max(total) from orders"),
    "pays": own("pays", "plpgsql", "begin delete from orders where id = 1; end"),
    "dynamic": own("dynamic", "plpgsql", "begin execute 'x'; end"),
}
CATALOG = Catalog(
    version="1", relations={r.key: r for r in (CUSTOMERS, ORDERS, AUDITED, DIRECTORY)}, functions=FUNCTIONS, schemas=frozenset({"public"})
)
MASKED = Standing(
    masks=(MaskPattern(rule=RULE, schema="public", relation="customers", column="email", format="partial"),), judged=True, key="masked"
)
FILTERED = Standing(
    masks=(), judged=True, key="filtered", filters=(RowFilter(rule=RULE, schema="public", relation="orders", condition="customer_id = 7"),)
)
OPEN = Standing(masks=(), judged=False, key="open")
UNBOUNDED = Standing(masks=(), judged=False, key="unbounded", unbounded=True)


def compiled(text: str, standing: Standing = MASKED, naming: Naming | None = None) -> Compiled:
    return compile_statement(text, catalog=CATALOG, naming=naming or Naming(database="shop"), standing=standing)


def problems(text: str, standing: Standing = MASKED) -> str:
    return compiled(text, standing).facts.unjudged
