"""INSERT, UPDATE, DELETE, MERGE: what they write, through views and foreign keys too, and that they read nothing masked in clear.

The relation that is written cannot be replaced by a subquery: reading one of its masked columns is refused instead.
"""

from __future__ import annotations

from collections.abc import Iterable

from jupyter_govern_gateway.sql.analysis import Analysis, Ctes
from jupyter_govern_gateway.sql.calls import value_of_type
from jupyter_govern_gateway.sql.catalog import Relation, RelationName
from jupyter_govern_gateway.sql.filters import condition, restricting
from jupyter_govern_gateway.sql.masks import quoted
from jupyter_govern_gateway.sql.placeholders import check
from jupyter_govern_gateway.sql.predicates import Written, names_relation, passes_all, restricts
from jupyter_govern_gateway.sql.reader import Tree, children, kind_of, read, unwrap
from jupyter_govern_gateway.sql.relations import SYSTEM_COLUMNS, qualified
from jupyter_govern_gateway.sql.routines import run_code, run_expression
from jupyter_govern_gateway.sql.views import run_view

SOURCES = frozenset({"from_clause", "using_clause", "source_relation", "select_stmt"})
"""Fields that cannot see the target's columns."""
EVENTS = {"InsertStmt": ("insert",), "UpdateStmt": ("update",), "DeleteStmt": ("delete",)}
MERGED = {3: "update", 4: "insert", 5: "delete"}
"""CmdType (libpg_query counts CMD_UNKNOWN as 1)."""
VALUES = frozenset({"insert", "update"})
ALL_EVENTS = ("insert", "update", "delete", "truncate")


def write(analysis: Analysis, node: Tree, ctes: Ctes) -> None:
    """Judge one of the four statements; `node` may stand in a CTE of another."""
    kind = kind_of(node)
    analysis.kinds.add(kind.removesuffix("Stmt").lower())
    inner = analysis.with_clause(node, ctes)
    changed = _changed(kind, node)
    target = write_target(analysis, node.relation, events=_events(kind, node), changed=changed, columns=_columns(kind, node))
    guard = _guard(analysis, node, target)
    if target is not None:
        check(analysis, node, target)
        compared(analysis, target, changed)
    if target is not None and target.key in analysis.governed.filters:
        _filter(analysis, node, target)
    for field, child in children(node):
        if field in ("with_clause", "relation"):
            continue
        if field in SOURCES or not guard[0]:
            with analysis.unguarded():
                analysis.walk(child, inner)
        else:
            with analysis.guarded(*guard):
                analysis.walk(child, inner)
    note_without_where(analysis, kind, node, target)


def _events(kind: str, node: Tree) -> tuple[str, ...]:
    """What can happen to rows: a MERGE does what its actions say."""
    if kind == "MergeStmt":
        return tuple(sorted({MERGED[clause.command_type] for clause in _actions(node)}))
    upsert = ("update",) if kind == "InsertStmt" and node.on_conflict_clause.target_list else ()
    return EVENTS[kind] + upsert


def _actions(node: Tree) -> list[Tree]:
    """The WHEN clauses of a MERGE that do something."""
    return [clause for clause in map(unwrap, node.merge_when_clauses) if clause.command_type in MERGED]


def _named(items: Iterable[Tree]) -> frozenset[str]:
    return frozenset(unwrap(item).name for item in items)


def _changed(kind: str, node: Tree) -> frozenset[str]:
    """The columns of rows that are there already, which an UPDATE, an upsert or a MERGE sets."""
    match kind:
        case "UpdateStmt":
            return _named(node.target_list)
        case "InsertStmt":
            return _named(node.on_conflict_clause.target_list)
        case "MergeStmt":
            return _named(item for clause in _actions(node) if MERGED[clause.command_type] == "update" for item in clause.target_list)
        case _:
            return frozenset()


def _columns(kind: str, node: Tree) -> frozenset[str] | None:
    """The columns that are given values; None for all of them."""
    match kind:
        case "UpdateStmt":
            return _changed(kind, node)
        case "InsertStmt" if node.cols:
            return _named(node.cols) | _changed(kind, node)
        case "MergeStmt":
            acts = _actions(node)
            return _named(item for clause in acts for item in clause.target_list) if all(clause.target_list for clause in acts) else None
        case _:
            return None


def write_target(
    analysis: Analysis,
    node: Tree,
    *,
    events: tuple[str, ...],
    changed: frozenset[str] | None = None,
    columns: frozenset[str] | None = None,
) -> Relation | None:
    """The relation that is written; None for a temporary one. Notes all that is written with it.

    columns: those that are given values, where the statement names them.
    """
    found = analysis.find(node)
    if isinstance(found, str):
        analysis.access("write", f"pg_temp.{node.relname}")
        analysis.pin_target(node, f"pg_temp.{quoted(node.relname)}")
        return None
    _note_written(analysis, found, events, changed, columns)
    if found.key in analysis.governed.derived or found.key in analysis.governed.opaque:
        analysis.note(f"a write through {found.name}, a view over masked data")
    if found.key in analysis.governed.masks:
        analysis.touched.add(found.key)
        analysis.may_quote_raw = True
    analysis.pin_target(node, qualified(found))
    return found


def _filter(analysis: Analysis, node: Tree, target: Relation) -> None:
    """Only rows that exist for the actor are updated or deleted."""
    kind = kind_of(node)
    clause = unwrap(node.where_clause) if kind in ("UpdateStmt", "DeleteStmt") else None
    if kind not in ("UpdateStmt", "DeleteStmt") or (clause is not None and kind_of(clause) == "CurrentOfExpr"):
        analysis.note(f"{kind.removesuffix('Stmt').upper()} of {target.name}, of which only some rows exist for you")
        return
    alias = node.relation.alias.aliasname if node.relation.HasField("alias") else node.relation.relname
    text = " AND ".join(condition(each, alias) for each in analysis.governed.filters[target.key])
    for splice in restricting(analysis.tokens, len(analysis.raw), node.relation.location, text):
        analysis.splices.append(splice)
    analysis.touched.add(target.key)


def written_by_code(analysis: Analysis, key: RelationName) -> None:
    """Code that the statement sets off writes this relation, in a way that is not known."""
    if (found := analysis.catalog.relations.get(key)) is not None:
        _note_written(analysis, found, ALL_EVENTS)


def _note_written(
    analysis: Analysis,
    relation: Relation,
    events: tuple[str, ...],
    changed: frozenset[str] | None = None,
    columns: frozenset[str] | None = None,
) -> None:
    """The accesses, and the code of triggers and rules that the write sets off."""
    if relation.key not in analysis.catalog.relations:  # made in this transaction
        analysis.access("write", f"{relation.schema}.{relation.name}", writes=columns)
    same = {relation.key, *analysis.catalog.family(relation.key)} if relation.kind != "v" else set()
    for key in sorted(written(analysis, relation, events, changed)):
        if key[0] in ("pg_catalog", "information_schema"):
            # UPDATE pg_settings is a SET, and a row of pg_proc is code: neither is judged as such
            analysis.note(f"a write of the system catalog {key[1]}")
        fired = frozenset(events) if key == relation.key else frozenset(ALL_EVENTS)
        found = analysis.catalog.relations[key]
        hooks = [hook for hook in found.hooks if hook.events & fired and not hook.is_expression]
        if fired & VALUES:
            _expressions(analysis, found)
        if found.kind == "v":
            run_view(analysis, found)
        # a trigger can give any column of the row a value; what is behind a view or a foreign key is written under other names
        analysis.access("write", ".".join(key), key, writes=columns if key in same and not hooks else None)
        masked = key in analysis.governed.masks
        for hook in hooks:
            run_code(analysis, f"{hook.label} on {key[1]}", hook.body, hook.language, sees_masked_row=masked)


def _expressions(analysis: Analysis, relation: Relation) -> None:
    """What a row that is put there makes run: defaults, checks, indexes, the types of its columns."""
    for hook in relation.hooks:
        if hook.is_expression:
            run_expression(analysis, f"{hook.label} on {relation.name}", hook.body)
    for column in relation.columns:
        value_of_type(analysis, column.type_name)


def compared(analysis: Analysis, target: Relation, changed: frozenset[str]) -> None:
    """A constraint over a masked column, which fails or not by what that holds, would answer questions about it.

    changed: the columns of rows that are there already which the statement sets.
    """
    for key in sorted(analysis.catalog.family(target.key)):
        for each in analysis.catalog.relations[key].checks:
            hidden = each.columns & analysis.governed.masks.get(key, {}).keys()
            if hidden and each.excludes:
                analysis.note(f"constraint {each.name} would compare with the masked values of other rows of {key[1]}")
            elif changed & each.columns and hidden - changed:
                analysis.note(f"constraint {each.name} would compare what is written with the masked {', '.join(sorted(hidden - changed))}")


def written(analysis: Analysis, relation: Relation, events: tuple[str, ...], changed: frozenset[str] | None = None) -> set[RelationName]:
    """The relation, what a view stands for, its family, and what foreign keys write when its rows go or change.

    changed: the columns that an UPDATE sets.
    """
    catalog = analysis.catalog
    todo = [relation.key]
    seen: set[RelationName] = set()
    while todo:
        key = todo.pop()
        if key in seen or (found := catalog.relations.get(key)) is None:
            continue
        seen.add(key)
        todo.extend(catalog.sources(key) | catalog.family(key))
        for child, event, keys in found.cascades:
            # a cascade that deletes or changes rows sets off the child's own cascades of both kinds
            is_hit = event in events and (event != "update" or changed is None or bool(changed & keys))
            if is_hit or key != relation.key:
                todo.append(child)
    return seen


def known_columns(target: Relation | None) -> frozenset[str]:
    """What of a row of it can be named without reading the whole row."""
    return frozenset(column.name for column in target.columns) | frozenset(SYSTEM_COLUMNS) if target is not None else frozenset()


def _guard(analysis: Analysis, node: Tree, target: Relation | None) -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    """The masked columns of what is written, all names that its rows go by, and its columns."""
    if target is None:
        return frozenset(), frozenset(), frozenset()
    relation = node.relation
    names = {relation.relname, "excluded", "old", "new"}
    if relation.HasField("alias"):
        names.add(relation.alias.aliasname)
    if node.HasField("returning_clause"):  # RETURNING WITH (OLD AS o)
        names |= {unwrap(option).value for option in node.returning_clause.options}
    return frozenset(analysis.governed.masks.get(target.key, {})), frozenset(names), known_columns(target)


def note_without_where(analysis: Analysis, kind: str, node: Tree, target: Relation | None) -> None:
    """The trait of a statement that changes rows whatever they hold."""
    readers: frozenset[str] | None = None
    if kind in ("UpdateStmt", "DeleteStmt"):
        clause = node.where_clause if node.HasField("where_clause") else None
    elif kind == "MergeStmt":
        if not {"update", "delete"}.intersection(_events(kind, node)):
            return
        clause = node.join_condition
    elif node.HasField("on_conflict_clause") and node.on_conflict_clause.target_list and node.HasField("select_stmt"):
        # INSERT INTO t SELECT … FROM t ON CONFLICT DO UPDATE changes what the SELECT finds
        query, readers = unwrap(node.select_stmt), _readers(analysis, node, target)
        if not names_relation(query, readers):
            return
        clause = query.where_clause if query.HasField("where_clause") else None
    else:
        return
    if readers is None:
        readers = _readers(analysis, node, target)
    if not restricts(clause, _written(kind, node, target, readers)):
        analysis.traits.add("without-where")


def _readers(analysis: Analysis, node: Tree, target: Relation | None) -> frozenset[str]:
    """The names by which all rows of the target may be read: its family, and views and CTEs over it that keep none of them out."""
    names = {node.relation.relname}
    todo = [(cte.ctename, unwrap(cte.ctequery)) for cte in analysis.cte_nodes]
    if target is not None:
        catalog = analysis.catalog
        family = catalog.family(target.key) | {target.key}
        names |= {name for _, name in family}
        named = _relation_names(node).union(*(_relation_names(query) for _, query in todo))
        views = [r for r in catalog.relations.values() if r.definition and r.name in named and catalog.sources(r.key) & family]
        todo += [(view.name, statement.tree) for view in views for statement in read(view.definition)]
    while found := [each for each in todo if passes_all(each[1], frozenset(names))]:
        names |= {name for name, _ in found}
        todo = [each for each in todo if each not in found]
    return frozenset(names)


def _relation_names(node: Tree) -> frozenset[str]:
    own = frozenset({node.relname}) if kind_of(node) == "RangeVar" else frozenset()
    return own.union(*(_relation_names(child) for _, child in children(node)))


def _written(kind: str, node: Tree, target: Relation | None, readers: frozenset[str]) -> Written:
    relation = node.relation
    columns = frozenset(column.name for column in target.columns) if target is not None and target.columns else None
    others = [child for field, child in children(node) if field not in ("relation", "where_clause", "join_condition")]
    return Written(
        names=frozenset({relation.alias.aliasname if relation.HasField("alias") else relation.relname}),
        columns=columns,
        readers=readers,
        is_read_too=kind == "InsertStmt" or any(names_relation(child, readers) for child in others),
    )
