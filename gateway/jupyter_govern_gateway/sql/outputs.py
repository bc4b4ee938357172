"""Which result columns hold something masked: for display only, so a best effort by names. Pure, on the tree."""

from __future__ import annotations

from dataclasses import dataclass

from jupyter_govern_gateway.policy.standing import MaskPattern
from jupyter_govern_gateway.sql.reader import Tree, children, kind_of, strings, unwrap


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskedOutput:
    name: str
    rule: str
    format: str
    column: str


Origins = dict[str, MaskPattern]
"""Masked column or output name → its mask."""


ROW = "row of "
"""Before the name of a governed relation or its alias: naming it alone reads the whole row."""


def masked_outputs(tree: Tree, masked: Origins, rows: frozenset[str]) -> tuple[MaskedOutput, ...]:
    """The outputs of a query that carry a masked column, through any depth of subqueries (names are followed, not scopes).

    rows: names of the governed relations that it reads.
    """
    if not masked:
        return ()
    known = dict(masked)
    whole = next(iter(masked.values()))
    known.update({ROW + name: whole for name in rows | _aliases(tree, rows)})
    for _ in range(4):  # names renamed in a CTE and again outside: a fixed point after a few rounds
        before = len(known)
        _follow(tree, known)
        if len(known) == before:
            break
    found = {}
    for name, origin in _top(tree, known).items():
        found[name] = MaskedOutput(name=name, rule=origin.rule.name, format=origin.format, column=origin.column)
    return tuple(found.values())


def _aliases(node: Tree, rows: frozenset[str]) -> frozenset[str]:
    found: frozenset[str] = frozenset()
    if kind_of(node) == "RangeVar" and node.relname in rows and node.HasField("alias"):
        found = frozenset({node.alias.aliasname})
    for _, child in children(node):
        found |= _aliases(child, rows)
    return found


def _follow(node: Tree, known: Origins) -> None:
    if kind_of(node) == "SelectStmt":
        for target in node.target_list:
            _output(unwrap(target), known, known)
    elif kind_of(node) == "CommonTableExpr" and node.aliascolnames:
        query = unwrap(node.ctequery)
        for target, alias in zip(getattr(query, "target_list", ()), strings(node.aliascolnames), strict=False):
            if (mask := _carried(unwrap(target), known)) is not None:
                known.setdefault(alias, mask)
    for _, child in children(node):
        _follow(child, known)


def _top(tree: Tree, known: Origins) -> Origins:
    found: Origins = {}
    kind = kind_of(tree)
    if kind in ("ExplainStmt", "PrepareStmt", "DeclareCursorStmt", "CreateTableAsStmt"):
        return found
    if kind == "SelectStmt":
        if tree.HasField("larg"):
            return _top(tree.larg, known) | _top(tree.rarg, known)
        for target in tree.target_list:
            _output(unwrap(target), known, found)
    return found


def _output(target: Tree, known: Origins, found: Origins) -> None:
    value = unwrap(target.val)
    if value is not None and kind_of(value) == "ColumnRef" and value.fields[-1].WhichOneof("node") == "a_star":
        for name, origin in tuple(known.items()):
            if not name.startswith(ROW):
                found.setdefault(name, origin)
        return
    mask = _carried(value, known) if value is not None else None
    if mask is not None:
        found.setdefault(target.name or default_name(value), mask)


def _carried(node: Tree | None, known: Origins) -> MaskPattern | None:
    if node is None:
        return None
    if kind_of(node) == "ColumnRef":
        parts = strings(node.fields)
        if parts[-1] in known:
            return known[parts[-1]]
        # a whole row, as in row_to_json(c): any of its columns
        return known.get(ROW + parts[0]) if len(parts) == 1 else None
    for _, child in children(node):
        if (mask := _carried(child, known)) is not None:
            return mask
    return None


def default_name(node: Tree) -> str:
    """How PostgreSQL names an output without AS (FigureColname)."""
    match kind_of(node):
        case "ColumnRef":
            return strings(node.fields)[-1] or "?column?"
        case "FuncCall":
            return strings(node.funcname)[-1]
        case "TypeCast":
            inner = unwrap(node.arg)
            name = default_name(inner) if inner is not None else "?column?"
            return name if name != "?column?" else strings(node.type_name.names)[-1]
        case "CollateClause" | "A_Indirection":
            return default_name(unwrap(node.arg))
        case "CaseExpr":
            return "case"
        case "CoalesceExpr":
            return "coalesce"
        case "RowExpr":
            return "row"
        case "A_ArrayExpr":
            return "array"
        case _:
            return "?column?"
