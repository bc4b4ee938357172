"""CREATE, DROP, TRUNCATE and their like: what they define, and that nothing masked ends up where no mask covers it."""

from __future__ import annotations

from dataclasses import replace
from itertools import takewhile

from jupyter_govern_gateway.sql import effects as fx
from jupyter_govern_gateway.sql.analysis import NO_CTES, Analysis
from jupyter_govern_gateway.sql.calls import value_of_type
from jupyter_govern_gateway.sql.catalog import Relation
from jupyter_govern_gateway.sql.reader import Tree, children, kind_of, strings, unwrap
from jupyter_govern_gateway.sql.splice import Splice
from jupyter_govern_gateway.sql.unknown import UnknownName
from jupyter_govern_gateway.sql.views import run_view
from jupyter_govern_gateway.sql.writes import write_target

CASCADE = 2  # DropBehavior: DROP_CASCADE


def created(analysis: Analysis, node: Tree) -> fx.SessionEffect:
    """What is new in the session when this relation has been made."""
    if node.relpersistence == "t" or node.schemaname.startswith("pg_temp"):
        return fx.TempCreated(name=node.relname)
    path = (schema for schema in analysis.naming.schemas() if schema != "pg_catalog" and schema in analysis.catalog.schemas)
    schema = node.schemaname or next(path, "public")
    return fx.CatalogChanged(created=((schema, node.relname),), is_sure=True)


def create_relation(analysis: Analysis, node: Tree) -> fx.SessionEffect:
    """The relation that CREATE TABLE, CREATE TABLE AS, SELECT INTO or CREATE VIEW makes."""
    effect = created(analysis, node)
    if isinstance(effect, fx.CatalogChanged):
        for key in effect.created:
            analysis.access("define", ".".join(key), key)
    else:
        analysis.access("define", f"pg_temp.{node.relname}")
    return effect


def create_table(analysis: Analysis, node: Tree) -> list[fx.SessionEffect]:
    effect = create_relation(analysis, node.relation)
    for parent in (unwrap(item) for item in node.inh_relations):
        found = analysis.find(parent)
        if isinstance(found, Relation) and analysis.governed.touches(found.key):
            analysis.note(f"a child table of {found.name}, which has masked columns")
    _sees_itself(analysis, effect)
    for field, child in children(node):
        if field in ("table_elts", "constraints", "partbound", "partspec"):
            _element(analysis, child)
    return [effect]


def _sees_itself(analysis: Analysis, effect: fx.SessionEffect) -> None:
    """A foreign key may refer to the table that is being made."""
    naming = analysis.naming
    if isinstance(effect, fx.CatalogChanged):
        analysis.naming = replace(naming, created=naming.created | frozenset(effect.created))
    elif isinstance(effect, fx.TempCreated):
        analysis.naming = replace(naming, temp_relations=naming.temp_relations | {effect.name})


def _element(analysis: Analysis, node: Tree) -> None:
    if kind_of(node) == "TableLikeClause":
        found = analysis.find(node.relation)  # copies a shape, no data
        for column in found.columns if isinstance(found, Relation) else ():
            value_of_type(analysis, column.type_name)
        return
    for field, child in children(node):
        if field == "pktable":
            found = analysis.find(child)
            if isinstance(found, Relation) and analysis.governed.touches(found.key):
                analysis.note(f"a foreign key to {found.name}, which has masked columns")
        elif kind_of(child) in ("Constraint", "ColumnDef"):
            _element(analysis, child)
        else:
            analysis.walk(child)


def create_table_as(analysis: Analysis, node: Tree) -> list[fx.SessionEffect]:
    effect = create_relation(analysis, node.into.rel)
    query = unwrap(node.query)
    before = set(analysis.touched)
    if kind_of(query) == "ExecuteStmt":
        from jupyter_govern_gateway.sql.statements import execute

        execute(analysis, query)
    else:
        analysis.walk(query)
    typed_like(analysis)
    if node.objtype == _MATVIEW and analysis.touched - before:
        analysis.note("a materialized view over masked data")
    return [effect]


def typed_like(analysis: Analysis) -> None:
    """A new relation takes the types of what is read for it, and what is written there later is not known to be of them."""
    for access in analysis.facts().accesses:
        schema, _, name = access.resource.partition(".")
        found = analysis.catalog.relations.get((schema, name)) if analysis.catalog.type_code else None
        for column in found.columns if found is not None else ():
            value_of_type(analysis, column.type_name)


_MATVIEW = 24  # ObjectType: OBJECT_MATVIEW


def create_view(analysis: Analysis, node: Tree) -> list[fx.SessionEffect]:
    effect = create_relation(analysis, node.view)
    before = set(analysis.touched)
    analysis.walk(unwrap(node.query))
    if analysis.touched - before and not isinstance(effect, fx.TempCreated):
        analysis.note("a view over masked data; a temporary one may be made")
    if isinstance(effect, fx.TempCreated) and analysis.governed.active:
        _read_only(analysis, node)
    if isinstance(effect, fx.CatalogChanged):
        effect = replace(effect, is_sure=False)  # until it is committed, nobody knows which relations a write through it changes
    return [effect]


def _read_only(analysis: Analysis, node: Tree) -> None:
    """A temporary view becomes one that cannot be written through: the catalog does not know what is behind it."""
    if node.with_check_option > 1:  # NO_CHECK_OPTION is 1
        analysis.note("a temporary view with CHECK OPTION, through which other relations would be written")
        return
    after = [token for token in analysis.tokens if token.start >= node.view.location]
    depth = at = 0
    while depth or after[at].text.lower() != "as":
        depth += {"(": 1, ")": -1}.get(after[at].text, 0)
        at += 1
    start = after[at].stop
    stop = list(takewhile(lambda token: token.text != ";", after[at:]))[-1].stop
    analysis.splices.append(Splice(start, start, " SELECT * FROM ("))
    analysis.splices.append(Splice(stop, stop, "\n) AS governed_view"))


def create_index(analysis: Analysis, node: Tree) -> list[fx.SessionEffect]:
    found = analysis.find(node.relation)
    if isinstance(found, str):
        analysis.access("define", f"pg_temp.{node.relation.relname}")
    else:
        analysis.access("define", f"{found.schema}.{found.name}", found.key)
        if analysis.governed.touches(found.key):
            analysis.note(f"an index on {found.name}, which has masked columns, computes on them in clear")
    for field, child in children(node):
        if field in ("index_params", "where_clause"):
            analysis.walk(child)
    return []


def truncate(analysis: Analysis, node: Tree) -> list[fx.SessionEffect]:
    for item in node.relations:
        found = write_target(analysis, unwrap(item), events=("truncate", "delete") if node.behavior == CASCADE else ("truncate",))
        if found is not None and found.key in analysis.governed.filters:
            analysis.note(f"TRUNCATE of {found.name}, of which only some rows exist for you")
    return []


def drop(analysis: Analysis, node: Tree) -> list[fx.SessionEffect]:
    """Names that do not exist stay names: the target says so itself."""
    if node.behavior == CASCADE:
        analysis.traits.add("cascade")
    done: list[fx.SessionEffect] = []
    dropped: list[tuple[str, str]] = []
    for item in node.objects:
        inner = unwrap(item)
        parts = strings(inner.items) if kind_of(inner) == "List" else strings(getattr(inner, "objname", ()))
        if not parts:
            continue
        name, schema = parts[-1], parts[-2] if len(parts) > 1 else ""
        schema = schema or _home(analysis, name)
        if schema.startswith("pg_temp"):
            analysis.access("define", f"pg_temp.{name}")
            done.append(fx.TempDropped(name=name))
        else:
            analysis.access("define", f"{schema}.{name}")
            dropped.append((schema, name))
    return [*done, fx.CatalogChanged(dropped=tuple(dropped), is_sure=True)]


def _home(analysis: Analysis, name: str) -> str:
    """The schema in which an unqualified name is found."""
    for schema in analysis.naming.schemas():
        if (schema, name) in analysis.catalog.relations or (schema == "pg_temp" and name in analysis.naming.temp_relations):
            return schema
    return "public"


def lock(analysis: Analysis, node: Tree) -> list[fx.SessionEffect]:
    for item in node.relations:
        found = analysis.find(unwrap(item), NO_CTES)
        if isinstance(found, Relation):
            analysis.access("read", f"{found.schema}.{found.name}", found.key)
    return []


def cluster(analysis: Analysis, node: Tree) -> list[fx.SessionEffect]:
    """Rows are put in the order of an index: which lies before which would tell what a masked column holds."""
    if not node.HasField("relation"):
        analysis.access("define", "*")
        if analysis.governed.active:
            analysis.note("CLUSTER of all tables, of which some have masked columns; name the table")
        return []
    found = analysis.find(node.relation)
    if isinstance(found, str):
        analysis.access("define", f"pg_temp.{node.relation.relname}")
        return []
    analysis.access("define", f"{found.schema}.{found.name}", found.key)
    if any(analysis.governed.touches(key) for key in analysis.catalog.family(found.key)):
        analysis.note(f"CLUSTER of {found.name}, which has masked columns, would put its rows in an order that tells them")
    return [fx.CatalogChanged(is_sure=True)]


def refresh(analysis: Analysis, node: Tree) -> list[fx.SessionEffect]:
    """What the view of it runs, runs."""
    named_relations(analysis, node)
    found = analysis.find(node.relation)
    if isinstance(found, Relation) and found.definition:
        run_view(analysis, found)
    return [fx.CatalogChanged(is_sure=True)]


def named_relations(analysis: Analysis, node: Tree) -> None:
    """For statements that name relations without reading their data: who may define there may do this."""
    for _, child in children(node):
        if kind_of(child) != "RangeVar":
            named_relations(analysis, child)
            continue
        try:
            found = analysis.find(child)
        except UnknownName:
            continue
        resource = f"pg_temp.{child.relname}" if isinstance(found, str) else f"{found.schema}.{found.name}"
        analysis.access("define", resource)
