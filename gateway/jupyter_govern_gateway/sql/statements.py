"""The statement kinds, one function each: what it does, and what it changes in the session."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal

from jupyter_govern_gateway.sql import definitions, settings
from jupyter_govern_gateway.sql import effects as fx
from jupyter_govern_gateway.sql.analysis import Analysis
from jupyter_govern_gateway.sql.copying import copy_into
from jupyter_govern_gateway.sql.grammar import shape_of
from jupyter_govern_gateway.sql.masks import quoted
from jupyter_govern_gateway.sql.reader import Statement, Tree, constant, kind_of, unwrap
from jupyter_govern_gateway.sql.relations import SOURCE, NamePlace, masked_select, qualified
from jupyter_govern_gateway.sql.splice import Splice
from jupyter_govern_gateway.sql.writes import compared, known_columns, write_target

SET_VALUE, SET_DEFAULT, SET_CURRENT, SET_MULTI, RESET, RESET_ALL = range(1, 7)  # VariableSetKind
SAVEPOINTS: Final[dict[int, Literal["savepoint", "release", "rollback-to"]]] = {5: "savepoint", 6: "release", 7: "rollback-to"}
"""TransactionStmtKind"""
COMMIT_PREPARED: Final = 9
"""TransactionStmtKind, as the above."""
DISCARD_ALL, DISCARD_TEMP = 1, 4  # DiscardMode
DEFAULT_PATH: Final = ("$user", "public")
Effects = list[fx.SessionEffect]
NAMES_STAY: Final = frozenset(
    "create_seq_stmt alter_seq_stmt create_enum_stmt grant_stmt comment_stmt refresh_mat_view_stmt reindex_stmt vacuum_stmt".split()
)
"""Data definition after which every name of a relation still means the same."""


def judge(analysis: Analysis, statement: Statement) -> Effects:
    """Judge one statement of a text; returns its effects on the session."""
    shape = shape_of(statement.kind)
    analysis.look_ahead(statement.tree)
    if statement.kind not in ("select_stmt", "explain_stmt", "prepare_stmt", "execute_stmt", "declare_cursor_stmt"):
        analysis.kinds.add("revoke" if statement.kind.startswith("grant") and not _is_grant(statement.tree) else shape.kind)
    # the errors of what orders, rebuilds or fills anew name keys and rows
    analysis.may_quote_raw |= shape.verb == "define" and analysis.governed.active
    if (handler := HANDLERS.get(statement.kind)) is not None:
        return handler(analysis, statement.tree)
    if shape.how == "refuse" or (shape.how == "admin" and analysis.governed.active):
        analysis.note(f"{statement.kind.removesuffix('_stmt').replace('_', ' ').upper()} can do what the gateway does not see")
    if shape.verb in ("define", "execute"):
        definitions.named_relations(analysis, statement.tree)
        if not analysis.facts().accesses:
            analysis.access(shape.verb, "*")
    return [fx.CatalogChanged(is_sure=statement.kind in NAMES_STAY)] if shape.verb == "define" else []


def _is_grant(tree: Tree) -> bool:
    return bool(getattr(tree, "is_grant", True))


def _query(analysis: Analysis, tree: Tree) -> Effects:
    into = kind_of(tree) == "SelectStmt" and tree.HasField("into_clause")
    analysis.walk(tree)
    if not into:
        return []
    definitions.typed_like(analysis)
    return [definitions.created(analysis, tree.into_clause.rel)]


def _explain(analysis: Analysis, tree: Tree) -> Effects:
    """Without ANALYZE nothing runs: what it would write is only looked at."""
    options = {unwrap(option).defname.lower(): unwrap(option) for option in tree.options}
    analyze = "analyze" in options and _is_on(options["analyze"])
    query = unwrap(tree.query)
    if kind_of(query) not in ("SelectStmt", "InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"):
        _nested(analysis, query)
        analysis.kinds.add("explain")
        return []
    analysis.walk(query)
    if analyze:
        analysis.kinds.add("explain")
        return []
    analysis.kinds.clear()
    analysis.kinds.add("explain")
    analysis.traits.discard("without-where")
    analysis.only_read()
    return []


def _is_on(option: Tree) -> bool:
    argument = unwrap(option.arg) if option.HasField("arg") else None
    if argument is None:
        return True
    text = argument.sval if kind_of(argument) == "String" else constant(option.arg)
    if kind_of(argument) == "Integer":
        text = str(argument.ival)
    return (text or "true").lower() not in ("false", "off", "0", "no")


def _nested(analysis: Analysis, query: Tree) -> None:
    """A statement inside another: CREATE TABLE AS, EXECUTE, DECLARE below EXPLAIN."""
    match kind_of(query):
        case "ExecuteStmt":
            execute(analysis, query)
        case "CreateTableAsStmt":
            analysis.kinds.add("create")
            definitions.create_table_as(analysis, query)
        case "DeclareCursorStmt":
            _declare(analysis, query)
        case other:
            analysis.note(f"{other} inside another statement")


def _prepare(analysis: Analysis, tree: Tree) -> Effects:
    """What is prepared is decided when it is executed; here only that it can be judged."""
    analysis.walk(unwrap(tree.query))
    inner = analysis.facts()
    analysis.kinds.clear()
    analysis.kinds.add("prepare")
    analysis.traits.clear()
    analysis.forget_accesses()
    return [fx.Prepared(name=tree.name, facts=inner)]


def execute(analysis: Analysis, tree: Tree) -> Effects:
    for parameter in tree.params:
        analysis.walk(unwrap(parameter))
    known = dict(analysis.naming.prepared).get(tree.name)
    if known is None:
        analysis.kinds.add("execute")
        analysis.note(f"EXECUTE of {tree.name!r}, which this session has not prepared through the gateway")
    else:
        analysis.take(known)
    return []


def _declare(analysis: Analysis, tree: Tree) -> Effects:
    analysis.walk(unwrap(tree.query))
    return []


def _deallocate(analysis: Analysis, tree: Tree) -> Effects:
    return [fx.Deallocated(name=None if tree.isall else tree.name)]


def _transaction(analysis: Analysis, tree: Tree) -> Effects:
    if tree.kind == COMMIT_PREPARED:
        return [fx.CatalogChanged()]  # of whatever was defined in it
    return [fx.TransactionBoundary(action=SAVEPOINTS.get(tree.kind, "other"), savepoint=tree.savepoint_name)]


def _set(analysis: Analysis, tree: Tree) -> Effects:
    name = tree.name.lower()
    if tree.kind == RESET_ALL:
        return [fx.SetSearchPath(path=DEFAULT_PATH, local=False)]
    if tree.kind == SET_MULTI:  # SET TRANSACTION, SET SESSION CHARACTERISTICS
        if name == "transaction snapshot":
            analysis.note("SET TRANSACTION SNAPSHOT")
        return []
    constants = [constant(argument) for argument in tree.args]
    value = ",".join(c for c in constants if c is not None) if constants and None not in constants else None
    if why := settings.refusal(name, value if tree.kind == SET_VALUE else "on"):
        analysis.note(why)
    if name != "search_path":
        return []
    path = tuple(c for c in constants if c is not None) if tree.kind == SET_VALUE and None not in constants else None
    return [fx.SetSearchPath(path=DEFAULT_PATH if tree.kind in (RESET, SET_DEFAULT) else path, local=tree.is_local)]


def _show(analysis: Analysis, tree: Tree) -> Effects:
    if tree.name.lower().startswith(settings.OWN):
        analysis.note("settings that begin with govern. are the gateway's own")
    return []


def _discard(analysis: Analysis, tree: Tree) -> Effects:
    if tree.target == DISCARD_ALL:
        return [fx.DiscardAll(), fx.SetSearchPath(path=DEFAULT_PATH, local=False)]
    if tree.target == DISCARD_TEMP:
        return [fx.TempDropped(name=name) for name in sorted(analysis.naming.temp_relations)]
    return []


def _copy(analysis: Analysis, tree: Tree) -> Effects:
    if tree.is_program:
        analysis.traits.add("program")
        analysis.access("execute", "*")
    elif tree.filename:
        analysis.traits.add("server-file")
        analysis.access("execute", "*")
    if analysis.looks_at_content and not tree.is_from:
        _plain_copy(analysis, tree)
    if not tree.HasField("relation"):
        analysis.walk(unwrap(tree.query))
        return []
    if tree.is_from:
        columns = frozenset(unwrap(item).sval for item in tree.attlist) or None
        found = write_target(analysis, tree.relation, events=("insert",), columns=columns)
        if found is not None:
            compared(analysis, found, frozenset())
        if not tree.is_program and not tree.filename:
            analysis.copies.append(copy_into(analysis, tree, found) if found is not None else None)
        if found is not None and found.key in analysis.governed.filters:
            analysis.note(f"COPY into {found.name}, of which only some rows exist for you")
        masks = frozenset(analysis.governed.masks.get(found.key, {})) if found is not None else frozenset()
        with analysis.guarded(masks, frozenset({tree.relation.relname}), known_columns(found)):
            if tree.HasField("where_clause"):
                analysis.walk(unwrap(tree.where_clause))
    else:
        _copy_out(analysis, tree)
    return []


def _plain_copy(analysis: Analysis, tree: Tree) -> None:
    """A delimiter or quote that could stand inside of what is looked for would hide it from the detectors."""
    for item in tree.options:
        option = unwrap(item)
        value = unwrap(option.arg) if option.HasField("arg") else None
        text = value.sval if value is not None and kind_of(value) == "String" else ""
        if option.defname.lower() in ("delimiter", "quote", "escape") and text not in PLAIN_COPY:
            analysis.note(f"COPY with {option.defname.upper()} {text!r} where content is looked for; use a tab, comma, semicolon or bar")


PLAIN_COPY: Final = frozenset("\t,;|\"'\\^~")


def _copy_out(analysis: Analysis, tree: Tree) -> None:
    """COPY of a governed relation becomes COPY of the query that masks it; COPY of a table leaves its children out."""
    found = analysis.find(tree.relation)
    if isinstance(found, str):
        analysis.access("read", f"pg_temp.{tree.relation.relname}")
        analysis.pin_target(tree.relation, f"pg_temp.{quoted(tree.relation.relname)}")
        return
    analysis.access("read", f"{found.schema}.{found.name}", found.key)
    if not analysis.governed.touches(found.key):
        analysis.pin_target(tree.relation, qualified(found))
        return
    analysis.touched.add(found.key)
    if found.key in analysis.governed.derived or found.key in analysis.governed.opaque:
        analysis.note(f"COPY of {found.name}, a view over masked data: use COPY (SELECT …)")
        return
    parts = 1 + bool(tree.relation.schemaname) + bool(tree.relation.catalogname)
    place = NamePlace(analysis.tokens, analysis.token_at[tree.relation.location], parts)
    stop, columns = place.stop, None
    if tree.attlist:
        columns = tuple(unwrap(item).sval for item in tree.attlist)
        stop = next(token.stop for token in analysis.tokens if token.start >= stop and token.text == ")")
    only = "" if found.kind == "p" else "ONLY "
    source = f"{only}{qualified(found)} AS {SOURCE}"
    unknown = [c for c in columns or () if all(c != known.name for known in found.columns)]
    if unknown:
        # the target's own error: it finds no such column either
        select = f"SELECT {quoted(unknown[0])} FROM {source}"
    else:
        select = masked_select(analysis.governed, found, source=source, columns=columns)
    analysis.splices.append(Splice(place.start, stop, f"({select})"))


HANDLERS: Final[dict[str, Callable[[Analysis, Tree], Effects]]] = {
    "select_stmt": _query,
    "insert_stmt": _query,
    "update_stmt": _query,
    "delete_stmt": _query,
    "merge_stmt": _query,
    "explain_stmt": _explain,
    "prepare_stmt": _prepare,
    "execute_stmt": execute,
    "declare_cursor_stmt": _declare,
    "deallocate_stmt": _deallocate,
    "transaction_stmt": _transaction,
    "variable_set_stmt": _set,
    "variable_show_stmt": _show,
    "discard_stmt": _discard,
    "copy_stmt": _copy,
    "create_stmt": definitions.create_table,
    "create_table_as_stmt": definitions.create_table_as,
    "view_stmt": definitions.create_view,
    "index_stmt": definitions.create_index,
    "truncate_stmt": definitions.truncate,
    "drop_stmt": definitions.drop,
    "lock_stmt": definitions.lock,
    "cluster_stmt": definitions.cluster,
    "refresh_mat_view_stmt": definitions.refresh,
}


def cell_report(statements: list[Statement]) -> str | None:
    """The payload where the whole text is `SET govern.cell TO '…'`."""
    if len(statements) != 1 or statements[0].kind != "variable_set_stmt":
        return None
    tree = statements[0].tree
    if tree.kind != SET_VALUE or tree.name.lower() != "govern.cell" or len(tree.args) != 1:
        return None
    return constant(tree.args[0])
