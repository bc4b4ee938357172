"""A call of a SQL function in FROM, whose body reads masked data: the body, masked, stands in its place.

Only where it certainly means the same: one function of that name, one SELECT, plain arguments, names of columns known. Everything
else keeps the call, which is refused.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from jupyter_govern.errors import SyntaxProblem
from jupyter_govern_gateway.sql.catalog import Function
from jupyter_govern_gateway.sql.masks import quoted
from jupyter_govern_gateway.sql.reader import Statement, Tree, children, kind_of, read, strings, unwrap
from jupyter_govern_gateway.sql.routines import reaches_masked, read_code, relations_named
from jupyter_govern_gateway.sql.splice import Splice, spliced

if TYPE_CHECKING:
    from jupyter_govern_gateway.sql.analysis import Analysis

BODY = "governed_body"
PLAIN = frozenset({"A_Const", "ParamRef", "ColumnRef"})


def inline(analysis: Analysis, node: Tree) -> bool:
    """Put the masked body in the place of a RangeFunction; False: nothing was done."""
    call = _only_call(node)
    function = _only_function(analysis, call) if call is not None else None
    if call is None or function is None or not reaches_masked(analysis.governed, function):
        return False
    outputs = _outputs(analysis, function)
    body = _body(analysis, function, call, len(outputs)) if outputs else None
    if body is None:
        return False
    start, stop = _place(analysis, call)
    names = ", ".join(f"c{i}" for i in range(len(outputs)))
    items = ", ".join(f"{BODY}.c{i}::{type_} AS {quoted(name)}" for i, (name, type_) in enumerate(outputs))
    lateral = "" if node.lateral else "LATERAL "
    alias = "" if node.HasField("alias") else f" AS {quoted(function.name)}"
    analysis.splices.append(Splice(start, stop, f"{lateral}(SELECT {items} FROM ({body}) AS {BODY}({names})){alias}"))
    analysis.access("execute", f"{function.schema}.{function.name}")
    analysis.functions.add(f"{function.schema}.{function.name}")
    analysis.runs_own_code = True
    for argument in (_bare(each) for each in call.args):
        if kind_of(argument) == "ColumnRef":
            analysis.column(argument)
    return True


def _only_call(node: Tree) -> Tree | None:
    if node.ordinality or node.is_rowsfrom or node.coldeflist or len(node.functions) != 1:
        return None
    items = list(unwrap(node.functions[0]).items)
    call = unwrap(items[0]) if items else None
    if call is None or kind_of(call) != "FuncCall" or call.agg_order or call.agg_star or call.agg_distinct or call.func_variadic:
        return None
    return call if all(_is_plain(_bare(argument)) for argument in call.args) else None


def _is_plain(argument: Tree) -> bool:
    return kind_of(argument) in PLAIN and (kind_of(argument) != "ColumnRef" or len(argument.fields) <= 2)


def _bare(argument: Tree) -> Tree:
    inner = unwrap(argument)
    return _bare(inner.arg) if kind_of(inner) == "TypeCast" else inner


def _only_function(analysis: Analysis, call: Tree) -> Function | None:
    parts = strings(call.funcname)
    known = analysis.catalog.functions.get(parts[-1], ())
    if len(known) != 1 or known[0].language != "sql" or known[0].kind != "f" or not known[0].body:
        return None
    return known[0] if len(parts) == 1 or parts[-2] == known[0].schema else None


def _outputs(analysis: Analysis, function: Function) -> list[tuple[str, str]]:
    """Names and types of the columns that the call gives."""
    if function.returns is not None and (relation := analysis.catalog.relations.get(function.returns)) is not None:
        return [(column.name, column.type_sql) for column in relation.columns]
    return [(name, type_) for name, type_, mode in function.arguments if mode in ("t", "o", "b") and name]


def _body(analysis: Analysis, function: Function, call: Tree, width: int) -> str | None:
    from jupyter_govern_gateway.sql.analysis import Analysis as Inner

    inputs = [(name, type_) for name, type_, mode in function.arguments if mode in ("i", "b")]
    try:
        statements = read(function.body)
    except SyntaxProblem:
        return None
    if len(inputs) != len(call.args) or len(statements) != 1 or not _fits(statements[0], width):
        return None
    key = (function.schema, function.name)
    if key in analysis.views:
        return None
    naming = replace(analysis.naming, temp_relations=frozenset(), prepared=())
    inner = Inner(function.body, analysis.governed, naming, views=(*analysis.views, key))
    values = [f"({_text(analysis, argument)})::{type_}" for argument, (_, type_) in zip(call.args, inputs, strict=True)]
    if not _substitute(inner, function, statements[0].tree, [name for name, _ in inputs], values):
        return None
    inner.walk(statements[0].tree)
    analysis.problems += inner.problems
    analysis.touched |= inner.touched
    analysis.traits |= inner.traits
    analysis.kinds |= inner.kinds
    analysis.functions |= inner.functions
    for access in inner.facts().accesses:
        analysis.access(access.verb, access.resource)
    return spliced(function.body[: statements[0].stop], inner.splices).rstrip().rstrip(";")


def _fits(statement: Statement, width: int) -> bool:
    tree = statement.tree
    if statement.kind != "select_stmt" or not tree.target_list or tree.HasField("into_clause") or tree.locking_clause:
        return False
    stars = [item for item in tree.target_list if "a_star" in str(unwrap(item).val)]
    return len(tree.target_list) == 1 if stars else len(tree.target_list) == width


def _text(analysis: Analysis, argument: Tree) -> str:
    """The argument as it stands in the text."""
    start = _first(argument)
    depth = 0
    stop = start
    for token in analysis.tokens:
        if token.start < start:
            continue
        if depth == 0 and token.text in (",", ")"):
            break
        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(token.text, 0)
        stop = token.stop
    return analysis.raw[start:stop].decode()


def _first(argument: Tree) -> int:
    inner = unwrap(argument)
    places: list[int] = [inner.location] if getattr(inner, "location", -1) >= 0 else []
    if kind_of(inner) == "TypeCast":
        places.append(_first(inner.arg))
    return min(places)


def _place(analysis: Analysis, call: Tree) -> tuple[int, int]:
    at = analysis.token_at[call.location]
    start, depth = analysis.tokens[at].start, 0
    for token in analysis.tokens[at:]:
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        if token.text == ")" and depth == 0:
            return start, token.stop
    raise ValueError("a call without its end")


def _substitute(inner: Analysis, function: Function, tree: Tree, names: list[str], values: list[str]) -> bool:
    """Parameters of the body as the arguments; False where a name could also be a column's."""
    named = relations_named(inner.catalog, read_code(function.body, "sql"))
    columns = {column.name for key in named for column in inner.catalog.relations[key].columns}
    if columns & {name for name in names if name}:
        return False
    return _replace(inner, function, tree, names, values)


def _replace(inner: Analysis, function: Function, node: Tree, names: list[str], values: list[str]) -> bool:
    kind = kind_of(node)
    if kind == "ParamRef":
        if not 1 <= node.number <= len(values):
            return False
        inner.splices.append(_over(inner, node.location, 1, values[node.number - 1]))
        return True
    if kind == "ColumnRef":
        parts = strings(node.fields)
        if parts[-1] in names and parts[-1]:
            if len(parts) > 2 or (len(parts) == 2 and parts[0] != function.name):
                return False
            inner.splices.append(_over(inner, node.location, len(parts), values[names.index(parts[-1])]))
        return True
    return all(_replace(inner, function, child, names, values) for _, child in children(node))


def _over(inner: Analysis, location: int, parts: int, text: str) -> Splice:
    at = inner.token_at[location]
    return Splice(location, inner.tokens[at + 2 * (parts - 1)].stop, text)
