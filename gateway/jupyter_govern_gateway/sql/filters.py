"""Row filters: the operator's condition as SQL that means the same wherever it stands. Pure text."""

from __future__ import annotations

from functools import lru_cache

from jupyter_govern.errors import SyntaxProblem
from jupyter_govern_gateway.sql.masks import quoted
from jupyter_govern_gateway.sql.reader import Token, Tree, children, kind_of, read, strings
from jupyter_govern_gateway.sql.splice import Splice, spliced

BEFORE = "SELECT 1 WHERE "
SIMPLE = frozenset(
    "SelectStmt ResTarget A_Const A_Expr ColumnRef BoolExpr NullTest BooleanTest TypeCast TypeName String Integer Float Boolean List"
    " FuncCall CoalesceExpr CaseExpr CaseWhen A_ArrayExpr SQLValueFunction".split()
)


class BadFilter(ValueError):
    """The condition is not one that the gateway can apply."""


@lru_cache(maxsize=1024)
def condition(text: str, alias: str) -> str:
    """The condition with its columns as `alias.column`. Raises BadFilter."""
    whole = f"{BEFORE}({text}\n)"
    try:
        statements = read(whole)
    except SyntaxProblem as problem:
        raise BadFilter(f"the row filter cannot be read: {problem.message}") from problem
    if len(statements) != 1 or statements[0].kind != "select_stmt":
        raise BadFilter("the row filter is more than one condition")
    tree = statements[0].tree
    if {field for field, _ in children(tree)} - {"target_list", "where_clause"}:
        raise BadFilter("the row filter is more than one condition")
    splices: list[Splice] = []
    _qualify(tree, alias, splices)
    return spliced(whole, splices)[len(BEFORE) :]


def _qualify(node: Tree, alias: str, splices: list[Splice]) -> None:
    kind = kind_of(node)
    if kind not in SIMPLE:
        raise BadFilter(f"the row filter has a {kind}: columns, constants, operators and PostgreSQL's own functions only")
    if kind == "ColumnRef":
        if len(strings(node.fields)) != 1 or not strings(node.fields)[0]:
            raise BadFilter("the row filter names columns without their table")
        splices.append(Splice(node.location, node.location, f"{quoted(alias)}."))
        return
    if kind == "FuncCall" and len(strings(node.funcname)) == 1:
        splices.append(Splice(node.location, node.location, "pg_catalog."))
    for _, child in children(node):
        _qualify(child, alias, splices)


def problem_of(text: str) -> str:
    """Why this condition cannot be applied, or ""."""
    try:
        condition(text, "t")
    except BadFilter as problem:
        return str(problem)
    return ""


def restricting(found: list[Token], end: int, behind: int, text: str) -> list[Splice]:
    """Splices that add the condition to the UPDATE or DELETE whose relation stands before this byte; `end` is the text's."""
    depth, where, stop = 0, None, end
    for token in found:
        if token.start < behind:
            continue
        word = token.text.lower()
        if depth == 0 and (word in (";", "returning") or word == ")"):
            stop = token.start
            break
        depth += {"(": 1, ")": -1}.get(word, 0)
        if depth == 0 and word == "where" and where is None:
            where = token.stop
    if where is None:
        return [Splice(stop, stop, f" WHERE {text} ")]
    return [Splice(where, where, f" {text} AND ("), Splice(stop, stop, "\n) ")]
