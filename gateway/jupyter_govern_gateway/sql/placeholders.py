"""Masked values that are about to be written back over the real ones: the classic way to destroy data. Pure.

Told by how a value looks (what the mask of its column shows) and by where it comes from (a masked column of something that is read).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from jupyter_govern_gateway.policy.standing import MaskPattern
from jupyter_govern_gateway.sql.catalog import Column, Relation
from jupyter_govern_gateway.sql.given import Tables, given, read, rows, tables
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
    known = tables(node, analysis.cte_nodes)
    assigned = [(name, value) for name, value in _assignments(node) if name in masks]
    if kind_of(node) == "InsertStmt" and node.HasField("select_stmt"):
        assigned += _inserted(analysis, unwrap(node.select_stmt), node, target, known)
    for name, value in assigned:
        for each in given(value, known):
            _check_given(analysis, target, columns[name], masks[name], each)
        _check_read(analysis, target, name, value, known)


def _assignments(node: Tree) -> list[tuple[str, Tree]]:
    """Columns and the expressions that become their values."""
    found: list[tuple[str, Tree]] = []
    kind = kind_of(node)
    sets = list(node.target_list) if kind == "UpdateStmt" else []
    if kind == "InsertStmt" and node.HasField("on_conflict_clause"):
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


def _inserted(analysis: Analysis, query: Tree, node: Tree, target: Relation, known: Tables) -> list[tuple[str, Tree]]:
    """The values of masked columns that a query gives; what may read others is noted."""
    names = [unwrap(item).name for item in node.cols] or [column.name for column in target.columns]
    masks = analysis.governed.masks[target.key]
    found = rows(query, known)
    values = [(name, value) for row in found for name, value in zip(names, row, strict=False) if name in masks]
    has_star = any("a_star" in str(unwrap(item).val) for item in query.target_list)
    if query.values_lists or (has_star and all(len(row) >= len(names) for row in found)):
        return values
    _check_query(analysis, query, names, target, has_star=has_star)
    return [(name, value) for name, whole in values for value in given(whole, known)]


def _check_query(analysis: Analysis, query: Tree, names: list[str], target: Relation, *, has_star: bool) -> None:
    masks = analysis.governed.masks[target.key]
    tainted = {name: mask for found in analysis.governed.masks.values() for name, mask in found.items()}
    outputs = tainted_outputs(query, tainted, analysis.governed.names)
    if has_star and outputs:
        analysis.note(explanation(next(iter(masks)), target.name, next(iter(masks.values()))))
        return
    for position in outputs:
        if position < len(names) and names[position] in masks:
            analysis.note(explanation(names[position], target.name, masks[names[position]]))


def _check_given(analysis: Analysis, target: Relation, column: Column, mask: MaskPattern, value: Tree) -> None:
    if kind_of(value) == "ParamRef":
        analysis.written_parameters.append(Written(number=value.number, column=column, mask=mask))
        return
    analysis.reads_literals = True
    text = constant(value)
    if text is not None and looks_masked(text, column, mask):
        analysis.note(explanation(column.name, target.name, mask))


def _check_read(analysis: Analysis, target: Relation, column: str, value: Tree, known: Tables) -> None:
    if kind_of(value) == "ColumnRef" and strings(value.fields)[0] == "excluded":
        return  # what the INSERT itself brings, which was looked at
    tainted = {name: mask for found in analysis.governed.masks.values() for name, mask in found.items()}
    if any(mentioned(leaf, tainted) is not None for leaf in read(value, known)):
        analysis.note(explanation(column, target.name, analysis.governed.masks[target.key][column]))
