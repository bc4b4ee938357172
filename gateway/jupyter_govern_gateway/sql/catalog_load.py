"""Reads a target's catalog. Blocks: called in a worker thread. The only I/O of this package."""

from __future__ import annotations

import hashlib
from typing import Any, Final

import psycopg

from jupyter_govern_gateway.sql import catalog_expressions as expressions
from jupyter_govern_gateway.sql.catalog import Catalog, Column, Function, Hook, Relation, RelationName

HARMLESS_EXTENSIONS: Final = frozenset(
    "btree_gin btree_gist citext cube earthdistance fuzzystrmatch hstore intarray isn ltree pg_trgm pgcrypto plpgsql seg unaccent"
    " uuid-ossp vector".split()
)
"""Extensions whose functions and operators compute on their arguments only."""
CONNECT_SECONDS: Final = 10

RELATIONS: Final = """
select c.oid::int8, n.nspname, c.relname, c.relkind::text,
       case when c.relkind in ('v', 'm') then pg_get_viewdef(c.oid) else '' end
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S') and n.nspname !~ '^pg_toast' and n.nspname !~ '^pg_temp_'
order by 1"""
COLUMNS: Final = """
select a.attrelid::int8, a.attname, a.attnum::int4, format_type(a.atttypid, a.atttypmod),
       case when bn.nspname = 'pg_catalog' then b.typname else '' end,
       case when b.typname in ('varchar', 'bpchar') and a.atttypmod > 4 then a.atttypmod - 4 else 0 end, t.typcategory = 'A', t.typname
from pg_attribute a
join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
join pg_type t on t.oid = a.atttypid
join pg_type b on b.oid = case when t.typtype = 'd' then t.typbasetype else t.oid end join pg_namespace bn on bn.oid = b.typnamespace
where a.attnum > 0 and not a.attisdropped and c.relkind in ('r', 'p', 'v', 'm', 'f') and n.nspname !~ '^pg_(toast|temp)'
order by a.attrelid, a.attnum"""
INHERITANCE: Final = "select inhrelid::int8, inhparent::int8 from pg_inherits order by 1, 2"
DEPENDENCIES: Final = """
select distinct r.ev_class::int8, d.refobjid::int8
from pg_depend d join pg_rewrite r on r.oid = d.objid
where d.classid = 'pg_rewrite'::regclass and d.refclassid = 'pg_class'::regclass and d.refobjid <> r.ev_class order by 1, 2"""
CASCADES: Final = """
select confrelid::int8, conrelid::int8, confdeltype in ('c', 'n', 'd'), confupdtype in ('c', 'n', 'd'),
       array(select a.attname::text from pg_attribute a where a.attrelid = confrelid and a.attnum = any (confkey))
from pg_constraint where contype = 'f' order by 1, 2"""
FUNCTIONS: Final = """
select n.nspname, p.proname, p.prokind::text, l.lanname, p.provolatile::text, coalesce(e.extname, ''), p.proretset,
       case when n.nspname = 'pg_catalog' or e.oid is not null then ''
            else coalesce(nullif(p.prosrc, ''), pg_get_function_sqlbody(p.oid), '') end,
       case when n.nspname = 'pg_catalog' or e.oid is not null then null else p.proargnames end, p.proargmodes::text[],
       case when n.nspname = 'pg_catalog' or e.oid is not null then null
            else array(select format_type(t, null) from unnest(coalesce(p.proallargtypes, p.proargtypes::oid[]))
                       with ordinality u(t, i) order by i) end,
       (select c.oid::int8 from pg_type y join pg_class c on c.oid = y.typrelid where y.oid = p.prorettype and c.relkind <> 'c')
from pg_proc p join pg_namespace n on n.oid = p.pronamespace join pg_language l on l.oid = p.prolang
left join pg_depend d on d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e'
left join pg_extension e on e.oid = d.refobjid
order by 1, 2, p.oid"""
OPERATORS: Final = """
select distinct o.oprname, coalesce(e.extname, '')
from pg_operator o join pg_namespace n on n.oid = o.oprnamespace
left join pg_depend d on d.classid = 'pg_operator'::regclass and d.objid = o.oid and d.deptype = 'e'
left join pg_extension e on e.oid = d.refobjid
where n.nspname <> 'pg_catalog' order by 1"""
KEYS: Final = """
select i.indrelid::int8, array(select a.attname::text from pg_attribute a where a.attrelid = i.indrelid and a.attnum = any (i.indkey))
from pg_index i where i.indisprimary and i.indimmediate order by 1"""
TRIGGERS: Final = """
select g.tgrelid::int8, g.tgname, g.tgtype::int4, l.lanname, p.prosrc
from pg_trigger g join pg_proc p on p.oid = g.tgfoid join pg_language l on l.oid = p.prolang
where not g.tgisinternal and g.tgenabled <> 'D' order by 1, 2"""
RULES: Final = """
select r.ev_class::int8, r.rulename, r.ev_type::text, pg_get_ruledef(r.oid)
from pg_rewrite r where r.rulename <> '_RETURN' and r.ev_enabled <> 'D' order by 1, 2"""
TRIGGER_EVENTS: Final = {4: "insert", 8: "delete", 16: "update", 32: "truncate"}
RULE_EVENTS: Final = {"2": "update", "3": "insert", "4": "delete"}
LOAD_TRIES: Final = 5
"""How often a catalog is read that changes while it is read; then it counts as unreadable (fail closed)."""
SQL_BODY: Final = "pg_get_function_sqlbody(p.oid)"
SCHEMAS: Final = "select nspname from pg_namespace order by 1"
TYPES: Final = """
select t.typname, t.typtype::text from pg_type t join pg_namespace n on n.oid = t.typnamespace
where n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_(toast|temp)' and t.typcategory <> 'A' order by 1"""


def load_catalog(conninfo: str) -> Catalog:
    """Read it all in one snapshot. Raises psycopg.Error where the target does not answer."""
    for _ in range(LOAD_TRIES - 1):
        try:
            return _load(conninfo)
        except psycopg.InternalError:
            continue  # pg_get_viewdef and its like see what is there now: an object of the snapshot was dropped meanwhile
    return _load(conninfo)


def _load(conninfo: str) -> Catalog:
    with psycopg.connect(
        conninfo, autocommit=False, connect_timeout=CONNECT_SECONDS, application_name="jupyter-govern catalog"
    ) as connection:
        connection.execute("set transaction isolation level repeatable read, read only")
        connection.execute("set local search_path = ''")  # so that view definitions name everything in full
        rows = {
            name: connection.execute(query).fetchall()
            for name, query in (
                ("relations", RELATIONS),
                ("columns", COLUMNS),
                ("inheritance", INHERITANCE),
                ("dependencies", DEPENDENCIES),
                ("cascades", CASCADES),
                ("functions", FUNCTIONS if connection.info.server_version >= 140000 else FUNCTIONS.replace(SQL_BODY, "''")),
                ("operators", OPERATORS),
                ("types", TYPES),
                ("triggers", TRIGGERS),
                ("keys", KEYS),
                ("rules", RULES),
                ("schemas", SCHEMAS),
                *expressions.QUERIES.items(),
            )
        }
    return build_catalog(rows)


def build_catalog(rows: dict[str, list[Any]]) -> Catalog:
    names: dict[int, RelationName] = {oid: (schema, name) for oid, schema, name, _, _ in rows["relations"]}
    columns: dict[int, list[Column]] = {}
    made_of = expressions.made_of(rows.get("generated", ()))
    for oid, name, attnum, type_sql, base, length, is_array, type_name in rows["columns"]:
        columns.setdefault(oid, []).append(
            Column(
                name=name,
                attnum=attnum,
                type_sql=type_sql,
                base=base,
                length=length,
                is_array=is_array,
                type_name=type_name,
                made_of=made_of.get((oid, name), frozenset()),
            )
        )
    parents, children, sources = (
        _pairs(rows["inheritance"], names),
        _pairs([(b, a) for a, b in rows["inheritance"]], names),
        _pairs(rows["dependencies"], names),
    )
    cascades: dict[int, list[tuple[RelationName, str, frozenset[str]]]] = {}
    for parent, child, on_delete, on_update, keys in rows["cascades"]:
        cascades.setdefault(parent, []).extend(
            (names[child], event, frozenset(keys)) for event, on in (("delete", on_delete), ("update", on_update)) if on and child in names
        )
    hooks = _hooks(rows)
    indexed, checks = expressions.indexed(rows.get("indexed", ())), expressions.checks(rows.get("checks", ()))
    keys = {oid: frozenset(names) for oid, names in rows["keys"]}
    relations = {
        (schema, name): Relation(
            oid=oid,
            schema=schema,
            name=name,
            kind=kind,
            definition=(definition or "").rstrip().rstrip(";"),
            columns=tuple(columns.get(oid, ())),
            parents=parents.get(oid, ()),
            children=children.get(oid, ()),
            depends_on=sources.get(oid, ()),
            cascades=tuple(cascades.get(oid, ())),
            hooks=tuple(hooks.get(oid, ())),
            key_columns=keys.get(oid, frozenset()),
            indexed=indexed.get(oid, frozenset()),
            checks=tuple(checks.get(oid, ())),
        )
        for oid, schema, name, kind, definition in rows["relations"]
    }
    functions: dict[str, list[Function]] = {}
    for schema, name, kind, language, volatility, extension, returns_set, body, arg_names, modes, types, returns in rows["functions"]:
        functions.setdefault(name, []).append(
            Function(
                schema=schema,
                name=name,
                kind=kind,
                language=language,
                volatility=volatility,
                extension=extension,
                returns_set=returns_set,
                body=body,
                arguments=_arguments(arg_names, modes, types),
                returns=names.get(returns),
            )
        )
    return Catalog(
        version=hashlib.sha256(repr(rows).encode()).hexdigest()[:16],
        relations=relations,
        functions={name: tuple(found) for name, found in functions.items()},
        schemas=frozenset(name for (name,) in rows["schemas"]),
        user_operators=frozenset(name for name, extension in rows["operators"] if extension not in HARMLESS_EXTENSIONS),
        user_types=dict(rows["types"]),
        type_code=expressions.type_code(rows.get("type_code", ()), rows.get("type_parts", ())),
    )


def _arguments(names: list[str] | None, modes: list[str] | None, types: list[str] | None) -> tuple[tuple[str, str, str], ...]:
    types = types or []
    return tuple(zip(names or [""] * len(types), types, modes or ["i"] * len(types), strict=False))


def _hooks(rows: dict[str, list[Any]]) -> dict[int, list[Hook]]:
    found = expressions.computed(rows.get("computed", ()))
    for oid, name, kinds, language, body in rows["triggers"]:
        events = frozenset(event for bit, event in TRIGGER_EVENTS.items() if kinds & bit)
        found.setdefault(oid, []).append(Hook(label=f"trigger {name}", events=events, body=body, language=language))
    for oid, name, kind, text in rows["rules"]:
        action = text.partition(" DO ")[2]
        events = frozenset({RULE_EVENTS.get(kind, "select")})
        found.setdefault(oid, []).append(Hook(label=f"rule {name}", events=events, body=action, language="sql"))
    return found


def _pairs(rows: list[tuple[int, int]], names: dict[int, RelationName]) -> dict[int, tuple[RelationName, ...]]:
    found: dict[int, list[RelationName]] = {}
    for one, other in rows:
        if other in names:
            found.setdefault(one, []).append(names[other])
    return {oid: tuple(many) for oid, many in found.items()}
