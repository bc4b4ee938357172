"""Masked values that are about to be written back over the real ones: the classic way to destroy data. Pure.

Told by how a value looks (what the mask of its column shows) and by where it comes from (a masked column of something that is read).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from jupyter_govern_gateway.policy.standing import MaskPattern
from jupyter_govern_gateway.sql.catalog import Column, Relation
from jupyter_govern_gateway.sql.lineage import mentioned, tainted_outputs
from jupyter_govern_gateway.sql.masks import CONSTANTS, DOT, REDACTED, TEXT_TYPES
from jupyter_govern_gateway.sql.reader import Tree, constant, kind_of, strings, unwrap

if TYPE_CHECKING:
    from jupyter_govern_gateway.sql.analysis import Analysis

_HEX: Final = re.compile(r"[0-9a-f]{8,32}")
NUMBERS: Final = frozenset({"int2", "int4", "int8", "numeric", "float4", "float8", "money", "oid", "bool"})
"""Their mask is a value that real data has too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A bound parameter (from 1) that becomes the value of a masked column."""

    number: int
    column: Column
    mask: MaskPattern


def looks_masked(value: str, column: Column, mask: MaskPattern) -> bool:
    """Whether this is what the mask of this column shows, rather than a value of its own."""
    if column.base not in TEXT_TYPES:
        shown = CONSTANTS.get(column.base, "").strip("'")
        return (bool(shown) and column.base not in NUMBERS and REDACTED not in shown and value.strip() == shown) or REDACTED in value
    text = value.rstrip(" ") if column.base == "bpchar" else value
    if REDACTED in text or (len(text) >= 3 and text == REDACTED[: len(text)]):
        return True
    if mask.format == "hash" and len(text) == min(column.length or 32, 32) and _HEX.fullmatch(text) is not None:
        return True
    dots = len(text) - len(text.lstrip(DOT))
    return dots >= 3 and dots * 2 >= len(text)


def explanation(column: str, relation: str, mask: MaskPattern) -> str:
    return (
        f"it would write a masked value into {relation}.{column}, over the real one (rule {mask.rule.name!r} hides that column from you);"
        " leave the column out"
    )


def check(analysis: Analysis, node: Tree, target: Relation) -> None:
    """Note values that are masked and would be written into masked columns; remember parameters to look at when they are bound."""
    masks = analysis.governed.masks.get(target.key, {})
    if not masks:
        return
    columns = {column.name: column for column in target.columns}
    for name, value in _assignments(analysis, node, target):
        if name in masks and name in columns and value is not None:
            _check_value(analysis, target, columns[name], masks[name], value)


def _assignments(analysis: Analysis, node: Tree, target: Relation) -> list[tuple[str, Tree]]:
    """Columns and the expressions that become their values."""
    found: list[tuple[str, Tree]] = []
    kind = kind_of(node)
    sets = list(node.target_list) if kind == "UpdateStmt" else []
    if kind == "InsertStmt":
        found += _inserted(analysis, node, target)
        if node.HasField("on_conflict_clause"):
            sets += list(node.on_conflict_clause.target_list)
    for clause in node.merge_when_clauses if kind == "MergeStmt" else ():
        act = unwrap(clause)
        named = [(unwrap(item).name, unwrap(item)) for item in act.target_list]
        found += list(zip([n for n, _ in named], [unwrap(value) for value in act.values], strict=False))
        found += [(name, unwrap(item.val)) for name, item in named if item.HasField("val")]
    for item in sets:
        one = unwrap(item)
        found.append((one.name, unwrap(one.val)))
    return found


def _inserted(analysis: Analysis, node: Tree, target: Relation) -> list[tuple[str, Tree]]:
    names = [unwrap(item).name for item in node.cols] or [column.name for column in target.columns]
    query = unwrap(node.select_stmt) if node.HasField("select_stmt") else None
    if query is None:
        return []
    if query.values_lists:
        rows = [unwrap(row).items for row in query.values_lists]
        return [(name, unwrap(value)) for row in rows for name, value in zip(names, row, strict=False)]
    _check_query(analysis, query, names, target)
    return []


def _check_query(analysis: Analysis, query: Tree, names: list[str], target: Relation) -> None:
    masks = analysis.governed.masks[target.key]
    tainted = {name: mask for found in analysis.governed.masks.values() for name, mask in found.items()}
    outputs = tainted_outputs(query, tainted, analysis.governed.names)
    has_star = any("a_star" in str(unwrap(item).val) for item in query.target_list)
    if has_star and outputs:
        analysis.note(explanation(next(iter(masks)), target.name, next(iter(masks.values()))))
        return
    for position in outputs:
        if position < len(names) and names[position] in masks:
            analysis.note(explanation(names[position], target.name, masks[names[position]]))


def _check_value(analysis: Analysis, target: Relation, column: Column, mask: MaskPattern, value: Tree) -> None:
    inner = value
    while kind_of(inner) == "TypeCast":
        inner = unwrap(inner.arg)
    if kind_of(inner) == "ParamRef":
        analysis.written_parameters.append(Written(number=inner.number, column=column, mask=mask))
        return
    if kind_of(inner) == "A_Const":
        analysis.reads_literals = True
        text = constant(inner)
        if text is not None and looks_masked(text, column, mask):
            analysis.note(explanation(column.name, target.name, mask))
        return
    if kind_of(inner) == "ColumnRef" and strings(inner.fields)[0] == "excluded":
        return  # what the INSERT itself brings, which was looked at
    tainted = {name: known for found in analysis.governed.masks.values() for name, known in found.items()}
    if mentioned(inner, tainted) is not None:
        analysis.note(explanation(column.name, target.name, mask))
