"""Does a WHERE clause restrict anything? Pure, on the tree. What is not sure to restrict does not (fail closed)."""

from __future__ import annotations

from jupyter_govern_gateway.sql.reader import Tree, children, kind_of, strings, unwrap


def restricts(clause: Tree | None) -> bool:
    """Whether a predicate keeps rows out that another could let in: a column against something else than itself."""
    node = unwrap(clause) if clause is not None else None
    if node is None:
        return False
    match kind_of(node):
        case "BoolExpr":
            parts = [restricts(argument) for argument in node.args]
            return all(parts) if node.boolop == _OR else any(parts)
        case "CurrentOfExpr":
            return True
        case "NullTest":
            return node.nulltesttype == _IS_NULL and bool(_columns(node))
        case "A_Expr":
            return _compares(node)
        case _:
            return bool(_columns(node))


_OR = 2  # BoolExprType: OR_EXPR (libpg_query counts from 1: AND, OR, NOT)
_IS_NULL = 1  # NullTestType: IS_NULL


def _compares(node: Tree) -> bool:
    left, right = _columns(node.lexpr), _columns(node.rexpr)
    if not left and not right:
        return False
    # a column against something computed from itself can hold for every row, whatever constants stand beside it
    return left != right


def _columns(node: Tree) -> frozenset[tuple[str, ...]]:
    """The columns named anywhere inside, by all parts of their names but a table's."""
    inner = unwrap(node)
    if inner is None:
        return frozenset()
    if kind_of(inner) == "ColumnRef":
        return frozenset({tuple(strings(inner.fields)[-1:])})
    found: frozenset[tuple[str, ...]] = frozenset()
    for _, child in children(inner):
        found |= _columns(child)
    return found

