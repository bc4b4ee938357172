"""Does a WHERE clause restrict which rows are changed? Pure, on the tree. What is not sure to restrict does not (fail closed).

It restricts where a column of the target is compared with something that is not made of the target's own rows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from jupyter_govern_gateway.sql.reader import Tree, children, kind_of, strings, unwrap

_AND, _OR, _NOT = 1, 2, 3  # BoolExprType (libpg_query counts from 1)
_IS_NULL = 1  # NullTestType: IS_NULL
_EXISTS = 1  # SubLinkType: EXISTS_SUBLINK
_COMPLEMENTS = ({"=", "<>"}, {"=", "!="}, {"<", ">="}, {">", "<="}, {"~~", "!~~"}, {"~~*", "!~~*"}, {"~", "!~"})


@dataclass(frozen=True, slots=True)
class Written:
    """The relation that is changed. names: what it is called in the statement. columns: None where they are not known.

    readers: the names by which all of its rows may be read: its own, and those of its family, of views and of CTEs over it.

    is_read_too: the statement names it a second time, so that a comparison with another column may be one with itself.
    """

    names: frozenset[str] = frozenset()
    columns: frozenset[str] | None = None
    readers: frozenset[str] = frozenset()
    is_read_too: bool = False


ANYTHING = Written()


def restricts(clause: Tree | None, written: Written = ANYTHING) -> bool:
    """Whether a predicate keeps rows of the target out that another could let in."""
    node = unwrap(clause) if clause is not None else None
    if node is None:
        return False
    match kind_of(node):
        case "BoolExpr":
            return _combined(node, written)
        case "CurrentOfExpr":
            return True
        case "NullTest":
            return node.nulltesttype == _IS_NULL and bool(_columns(node, written))
        case "A_Expr":
            return _compares(node, written)
        case "SubLink":
            return _asks(node, written)
        case "TypeCast" | "BooleanTest":
            return restricts(node.arg, written)
        case "ColumnRef" | "FuncCall":
            return bool(_columns(node, written))
        case _:  # CASE, COALESCE and the like can be true of everything
            return False


def _combined(node: Tree, written: Written) -> bool:
    if node.boolop == _NOT:
        inner = unwrap(node.args[0])
        if kind_of(inner) == "NullTest":
            return inner.nulltesttype != _IS_NULL and bool(_columns(inner, written))
        if kind_of(inner) == "BoolExpr" and inner.boolop == _AND:  # NOT (a AND b) is NOT a OR NOT b
            return _any_of(inner, written)
        return restricts(inner, written)
    return _any_of(node, written) if node.boolop == _OR else any(restricts(argument, written) for argument in node.args)


def _any_of(node: Tree, written: Written) -> bool:
    """Whether what fits any of the arms is not all."""
    return all(restricts(argument, written) for argument in node.args) and not _covers_all([unwrap(each) for each in node.args])


def _covers_all(arms: list[Tree]) -> bool:
    """`x = 1 OR x <> 1`: two arms that are each other's complement."""
    comparisons = [arm for arm in arms if kind_of(arm) == "A_Expr"]
    for i, one in enumerate(comparisons):
        for other in comparisons[i + 1 :]:
            operators = {strings(one.name)[-1], strings(other.name)[-1]}
            if operators in _COMPLEMENTS and _shape(one.lexpr) == _shape(other.lexpr) and _shape(one.rexpr) == _shape(other.rexpr):
                return True
    return False


def has_alternatives(node: Tree) -> bool:
    """Whether there is an OR, or a NOT, anywhere inside: whether its arms cover all is told by their constants."""
    if kind_of(node) == "BoolExpr" and node.boolop in (_OR, _NOT):
        return True
    return any(has_alternatives(child) for _, child in children(node))


def _shape(node: Tree) -> str:
    """A node's text without the places where its parts stand."""
    return "\n".join(line for line in str(node).splitlines() if "location" not in line)


def _compares(node: Tree, written: Written) -> bool:
    left, right = _columns(node.lexpr, written), _columns(node.rexpr, written)
    if not left and not right:
        return False
    if left and right:
        # a column against something computed from itself can hold for every row, whatever constants stand beside it
        return left != right
    other = node.rexpr if left else node.lexpr
    if queries := _queries(other):
        return all(_is_another(query, written) for query in queries)
    return not (written.is_read_too and _all_columns(other))


def _asks(node: Tree, written: Written) -> bool:
    """EXISTS, IN, ANY, ALL with a subquery."""
    query = unwrap(node.subselect)
    if node.sub_link_type == _EXISTS:
        if names_relation(query, written.readers):
            written = replace(written, is_read_too=True)
        return restricts(query.where_clause if kind_of(query) == "SelectStmt" else None, written)
    return bool(_columns(node.testexpr, written)) and _is_another(node, written)


def _is_another(node: Tree, written: Written) -> bool:
    """A subquery over something else; one over the target itself must restrict in its turn."""
    return not passes_all(unwrap(node.subselect), written.readers)


def passes_all(query: Tree, readers: frozenset[str]) -> bool:
    """Whether a query may give every row of what one of these names reads."""
    if not names_relation(query, readers):
        return False
    return kind_of(query) != "SelectStmt" or not restricts(query.where_clause, Written(readers=readers, is_read_too=True))


def _queries(node: Tree) -> list[Tree]:
    """The subqueries anywhere inside, those inside of them apart."""
    inner = unwrap(node)
    if inner is None:
        return []
    if kind_of(inner) == "SubLink":
        return [inner]
    return [query for _, child in children(inner) for query in _queries(child)]


def names_relation(node: Tree, names: frozenset[str]) -> bool:
    """Whether a relation of one of these names is read anywhere inside."""
    inner = unwrap(node)
    if inner is None:
        return False
    if kind_of(inner) == "RangeVar" and inner.relname in names:
        return True
    return any(names_relation(child, names) for _, child in children(inner))


def _columns(node: Tree, written: Written) -> frozenset[str]:
    """The target's columns that are named inside, subqueries apart."""
    return frozenset(parts[-1] for parts in _references(node) if _is_own(parts, written))


def _all_columns(node: Tree) -> bool:
    return bool(_references(node))


def _is_own(parts: tuple[str, ...], written: Written) -> bool:
    if len(parts) > 1 and written.names:
        return parts[-2] in written.names
    return written.columns is None or parts[-1] in written.columns


def _references(node: Tree) -> frozenset[tuple[str, ...]]:
    inner = unwrap(node)
    if inner is None or kind_of(inner) == "SubLink":
        return frozenset()
    if kind_of(inner) == "ColumnRef":
        return frozenset({tuple(strings(inner.fields))})
    found: frozenset[tuple[str, ...]] = frozenset()
    for _, child in children(inner):
        found |= _references(child)
    return found
