"""Queries for what a target computes by itself: generated columns, defaults, constraints, indexes, domains, casts. Rows into values."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from jupyter_govern_gateway.sql.catalog import Check, Hook, TypeCode

OWN_OIDS: Final = 16384
"""From here on objects are not PostgreSQL's own."""
_DEPENDS: Final = f"""exists (select from pg_depend d where d.classid = %s and d.objid = %s and d.refobjid >= {OWN_OIDS}
  and d.refclassid in ('pg_proc'::regclass, 'pg_operator'::regclass, 'pg_type'::regclass))"""
GENERATED: Final = """
select a.attrelid::int8, a.attname,
       array(select s.attname::text from pg_depend d join pg_attribute s on s.attrelid = a.attrelid and s.attnum = d.refobjsubid
             where d.refclassid = 'pg_class'::regclass and d.refobjid = a.attrelid and d.refobjsubid <> a.attnum
               and (d.classid = 'pg_attrdef'::regclass and d.objid = f.oid
                    or d.classid = 'pg_class'::regclass and d.objid = a.attrelid and d.objsubid = a.attnum))
from pg_attribute a join pg_attrdef f on f.adrelid = a.attrelid and f.adnum = a.attnum
where a.attgenerated <> '' order by 1, 2"""
_MEMBERS: Final = """array(select a.attname::text from pg_attribute a where a.attrelid = {relation} and a.attnum > 0
  and (a.attnum = any ({key}) or exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = {index}
       and d.refclassid = 'pg_class'::regclass and d.refobjid = {relation} and d.refobjsubid = a.attnum)))"""
INDEXED: Final = f"""
select i.indrelid::int8, {_MEMBERS.format(relation="i.indrelid", key="i.indkey", index="i.indexrelid")}
from pg_index i where i.indrelid >= {OWN_OIDS} order by 1, i.indexrelid"""
CHECKS: Final = f"""
select c.conrelid::int8, c.conname, c.contype = 'x', {_MEMBERS.format(relation="c.conrelid", key="c.conkey", index="c.conindid")}
from pg_constraint c where c.contype in ('c', 'x') and c.conrelid <> 0 order by 1, 2"""
COMPUTED: Final = f"""
select f.adrelid::int8, 'the default of ' || a.attname, pg_get_expr(f.adbin, f.adrelid)
from pg_attrdef f join pg_attribute a on a.attrelid = f.adrelid and a.attnum = f.adnum
where {_DEPENDS % ("'pg_attrdef'::regclass", "f.oid")}
union all
select c.conrelid::int8, 'constraint ' || c.conname, pg_get_expr(c.conbin, c.conrelid) from pg_constraint c
where c.contype = 'c' and c.conrelid <> 0 and {_DEPENDS % ("'pg_constraint'::regclass", "c.oid")}
union all
select i.indrelid::int8, 'index ' || c.relname,
       concat_ws(' and ', pg_get_expr(i.indexprs, i.indrelid), pg_get_expr(i.indpred, i.indrelid))
from pg_index i join pg_class c on c.oid = i.indexrelid where {_DEPENDS % ("'pg_class'::regclass", "i.indexrelid")}
  and (i.indexprs is not null or i.indpred is not null)
order by 1, 2"""
TYPE_CODE: Final = f"""
select t.typname, 'domain ' || t.typname, pg_get_expr(c.conbin, 0) from pg_constraint c join pg_type t on t.oid = c.contypid
where {_DEPENDS % ("'pg_constraint'::regclass", "c.oid")}
union all
select t.typname, 'the cast to ' || t.typname, quote_ident(n.nspname) || '.' || quote_ident(p.proname) || '()'
from pg_cast k join pg_type t on t.oid = k.casttarget join pg_proc p on p.oid = k.castfunc join pg_namespace n on n.oid = p.pronamespace
where k.castfunc >= {OWN_OIDS}
union all
select t.typname, 'the default of domain ' || t.typname, pg_get_expr(t.typdefaultbin, 0) from pg_type t
where t.typtype = 'd' and t.typdefaultbin is not null and {_DEPENDS % ("'pg_type'::regclass", "t.oid")}
order by 1, 2, 3"""
TYPE_PARTS: Final = f"""
select t.typname, b.typname from pg_type t join pg_type b on b.oid in (t.typbasetype, t.typelem) where t.oid >= {OWN_OIDS}
union
select t.typname, b.typname from pg_type t join pg_attribute a on a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped
join pg_type b on b.oid = a.atttypid where t.oid >= {OWN_OIDS} and b.oid >= {OWN_OIDS}
union
select t.typname, b.typname from pg_range r join pg_type t on t.oid = r.rngtypid join pg_type b on b.oid = r.rngsubtype
where t.oid >= {OWN_OIDS} order by 1, 2"""
QUERIES: Final = {
    "generated": GENERATED,
    "indexed": INDEXED,
    "checks": CHECKS,
    "computed": COMPUTED,
    "type_code": TYPE_CODE,
    "type_parts": TYPE_PARTS,
}
WRITING: Final = frozenset({"insert", "update"})


def made_of(rows: Iterable[Any]) -> dict[tuple[int, str], frozenset[str]]:
    """For each generated column, the columns of its relation that it is computed from."""
    return {(oid, name): frozenset(sources) for oid, name, sources in rows}


def indexed(rows: Iterable[Any]) -> dict[int, frozenset[str]]:
    """For each relation, the columns that some index of it holds or computes on."""
    found: dict[int, frozenset[str]] = {}
    for oid, names in rows:
        found[oid] = found.get(oid, frozenset()) | frozenset(names)
    return found


def checks(rows: Iterable[Any]) -> dict[int, list[Check]]:
    found: dict[int, list[Check]] = {}
    for oid, name, excludes, columns in rows:
        found.setdefault(oid, []).append(Check(name=name, columns=frozenset(columns), excludes=excludes))
    return found


def computed(rows: Iterable[Any]) -> dict[int, list[Hook]]:
    """Expressions that run when a row is written and call code that somebody made."""
    found: dict[int, list[Hook]] = {}
    for oid, label, body in rows:
        found.setdefault(oid, []).append(Hook(label=label, events=WRITING, body=body, language="sql", is_expression=True))
    return found


def type_code(code: Iterable[Any], parts: Iterable[Any]) -> dict[str, TypeCode]:
    """For each type, what runs when a value becomes one of it: its own code, that of its base, its elements and its fields."""
    own: dict[str, set[tuple[str, str]]] = {}
    inside: dict[str, set[str]] = {}
    for name, label, body in code:
        own.setdefault(name, set()).add((label, body))
    for name, part in parts:
        inside.setdefault(name, set()).add(part)
    found = {}
    for name in own.keys() | inside.keys():
        reached = set().union(*(own.get(each, set()) for each in _closure(name, inside)))
        if reached:
            found[name] = tuple(sorted(reached))
    return found


def _closure(name: str, inside: dict[str, set[str]]) -> set[str]:
    seen: set[str] = set()
    todo = [name]
    while todo:
        if (each := todo.pop()) not in seen:
            seen.add(each)
            todo.extend(inside.get(each, ()))
    return seen
