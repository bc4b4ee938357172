"""Which columns of a stored query (a materialized view) hold something masked. By names, without scopes: it errs to the side of
more, never of less. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from jupyter_govern_gateway.policy.standing import MaskPattern
from jupyter_govern_gateway.sql.outputs import default_name
from jupyter_govern_gateway.sql.reader import Tree, children, kind_of, strings, unwrap

Tainted = Mapping[str, MaskPattern]
"""Name of a column → the mask of what is in it."""


def tainted_outputs(tree: Tree, tainted: Tainted, relations: frozenset[str]) -> dict[int, MaskPattern]:
    """The outputs of a query, by position from 0, that are made of a tainted column of these relations."""
    if not tainted:
        return {}
    strictest = next(iter(tainted.values()))
    known: dict[str, MaskPattern] = dict(tainted)
    for name in relations | _aliases(tree, relations):
        known.setdefault(name, strictest)  # naming it alone reads the whole row
    before = -1
    while before != len(known):
        before = len(known)
        _spread(tree, known)
    found = _outputs(tree, known, tainted)
    if _through_function(tree, known):
        # the columns of what a function in FROM gives have names of their own
        width = len(tree.target_list) if not tree.HasField("larg") else len(_leftmost(tree).target_list)
        found = {position: replace(strictest, format="redact", path=()) for position in range(width)} | found
    return found


def _through_function(node: Tree, known: Tainted) -> bool:
    if kind_of(node) in ("RangeFunction", "RangeTableFunc", "JsonTable") and mentioned(node, known) is not None:
        return True
    return any(_through_function(child, known) for _, child in children(node))


def _leftmost(tree: Tree) -> Tree:
    return _leftmost(tree.larg) if tree.HasField("larg") else tree


def _aliases(node: Tree, relations: frozenset[str]) -> frozenset[str]:
    found: set[str] = set()
    if kind_of(node) == "RangeVar" and node.relname in relations and node.HasField("alias"):
        found.add(node.alias.aliasname)
    for _, child in children(node):
        found |= _aliases(child, relations)
    return frozenset(found)


def _spread(node: Tree, known: dict[str, MaskPattern]) -> None:
    """Names that anything tainted gets on its way: outputs of subqueries, aliases of whatever mentions it."""
    kind = kind_of(node)
    if kind == "SelectStmt":
        for item in node.target_list:
            target = unwrap(item)
            if (mask := mentioned(target, known)) is not None:
                known.setdefault(target.name or default_name(unwrap(target.val)), mask)
    elif kind == "CommonTableExpr" and (mask := mentioned(node.ctequery, known)) is not None:
        for name in [node.ctename, *strings(node.aliascolnames)]:
            known.setdefault(name, mask)
    elif kind in ("RangeSubselect", "RangeFunction", "RangeTableFunc", "JsonTable", "JoinExpr", "RangeVar") and node.HasField("alias"):
        mask = known.get(node.relname) if kind == "RangeVar" else mentioned(node, known)
        if mask is not None:
            for name in [node.alias.aliasname, *strings(node.alias.colnames)]:
                known.setdefault(name, mask)
    for _, child in children(node):
        _spread(child, known)


def mentioned(node: Tree, known: Tainted) -> MaskPattern | None:
    inner = unwrap(node)
    if inner is None:
        return None
    if kind_of(inner) == "ColumnRef":
        if inner.fields and inner.fields[-1].WhichOneof("node") == "a_star":
            return next(iter(known.values()))
        return known.get(strings(inner.fields)[-1])  # a relation's name alone is its whole row; before a column it says nothing
    for _, child in children(inner):
        if (mask := mentioned(child, known)) is not None:
            return mask
    return None


def _outputs(tree: Tree, known: Tainted, plain: Tainted) -> dict[int, MaskPattern]:
    if tree.HasField("larg"):
        return _outputs(tree.rarg, known, plain) | _outputs(tree.larg, known, plain)
    found: dict[int, MaskPattern] = {}
    for position, item in enumerate(tree.target_list):
        value = unwrap(unwrap(item).val)
        mask = mentioned(value, known) if value is not None else None
        if mask is None:
            continue
        name = strings(value.fields)[-1] if kind_of(value) == "ColumnRef" else ""
        # the column as it is keeps its mask; what is computed from it has no format of its own
        found[position] = plain[name] if name in plain else replace(mask, format="redact", path=())
    return found
