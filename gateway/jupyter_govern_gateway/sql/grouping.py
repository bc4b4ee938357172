"""GROUP BY a primary key: PostgreSQL lets the other columns of that table stand beside it. The subquery in a masked table's place has
no key, so its columns that are used are grouped by too, which changes no group.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from jupyter_govern_gateway.sql.catalog import Relation
from jupyter_govern_gateway.sql.masks import quoted
from jupyter_govern_gateway.sql.reader import Tree, children, kind_of, strings, unwrap
from jupyter_govern_gateway.sql.splice import Splice
from jupyter_govern_gateway.sql.unknown import UnknownName

if TYPE_CHECKING:
    from jupyter_govern_gateway.sql.analysis import Analysis, Ctes

UNGROUPABLE: Final = frozenset({"json", "xml", "point", "polygon", "box", "path", "circle", "lseg", "line"})
ENDS: Final = frozenset({"having", "window", "order", "limit", "offset", "fetch", "for", "union", "intersect", "except", ")", ";"})
PLACES: Final = ("target_list", "having_clause", "sort_clause", "window_clause", "distinct_clause")

Named = tuple[str, ...]


def group_by_whole_rows(analysis: Analysis, node: Tree, ctes: Ctes) -> None:
    """Add the used columns of each governed relation whose key is grouped by."""
    grouped = _grouped(node)
    if grouped is None:
        return
    analysis.reads_literals |= any(kind_of(unwrap(item)) == "A_Const" for item in node.group_clause)
    relations = _relations(analysis, node, ctes)
    used = _used(node)
    added: list[str] = []
    for alias, relation in relations:
        if not analysis.governed.touches(relation.key) or not relation.key_columns:
            continue
        others = [other for name, other in relations if name != alias]
        if not all(_is_grouped(column, alias, others, grouped) for column in relation.key_columns):
            continue
        for column in relation.columns:
            is_used = any(_means(named, column.name, alias, others) for named in used)
            if is_used and column.base not in UNGROUPABLE and not _is_grouped(column.name, alias, others, grouped):
                added.append(f"{quoted(alias)}.{quoted(column.name)}")
    if added:
        stop = _end(analysis, node)
        analysis.splices.append(Splice(stop, stop, ", " + ", ".join(added) + " "))


def _grouped(node: Tree) -> set[Named] | None:
    """The columns of GROUP BY; None where it is more than a list."""
    found: set[Named] = set()
    for item in node.group_clause:
        inner = unwrap(item)
        if kind_of(inner) == "GroupingSet":
            return None
        if kind_of(inner) == "A_Const" and inner.WhichOneof("val") == "ival" and 1 <= inner.ival.ival <= len(node.target_list):
            inner = unwrap(unwrap(node.target_list[inner.ival.ival - 1]).val)
        if kind_of(inner) == "ColumnRef":
            found.add(tuple(strings(inner.fields)))
    return found


def _relations(analysis: Analysis, node: Tree, ctes: Ctes) -> list[tuple[str, Relation]]:
    """The relations of FROM, by what they are called in it."""
    found: list[tuple[str, Relation]] = []
    todo = [unwrap(item) for item in node.from_clause]
    while todo:
        item = todo.pop()
        if kind_of(item) == "JoinExpr":
            todo += [unwrap(item.larg), unwrap(item.rarg)]
        elif kind_of(item) == "RangeVar":
            try:
                relation = analysis.find(item, ctes)
            except UnknownName:
                continue
            if isinstance(relation, Relation):
                alias = item.alias.aliasname if item.HasField("alias") else item.relname
                found.append((alias, _renamed(relation, strings(item.alias.colnames) if item.HasField("alias") else [])))
    return found


def _renamed(relation: Relation, names: list[str]) -> Relation:
    """With its first columns called what the alias calls them."""
    if not names:
        return relation
    new = {column.name: name for column, name in zip(relation.columns, names, strict=False)}
    columns = tuple(replace(column, name=new.get(column.name, column.name)) for column in relation.columns)
    return replace(relation, columns=columns, key_columns=frozenset(new.get(name, name) for name in relation.key_columns))


def _used(node: Tree) -> set[Named]:
    found: set[Named] = set()
    todo = [child for field, child in children(node) if field in PLACES]
    while todo:
        item = todo.pop()
        if kind_of(item) == "ColumnRef":
            is_star = item.fields[-1].WhichOneof("node") == "a_star"
            found.add((*strings(item.fields)[:-1], "*") if is_star else tuple(strings(item.fields)))
        todo += [child for _, child in children(item)]
    return found


def _means(named: Named, column: str, alias: str, others: list[Relation]) -> bool:
    if named[-1] not in (column, "*"):
        return len(named) == 1 and named[0] == alias  # the whole row
    if len(named) > 1:
        return named[-2] == alias
    return named[-1] == "*" or not any(known.name == column for other in others for known in other.columns)


def _is_grouped(column: str, alias: str, others: list[Relation], grouped: set[Named]) -> bool:
    return any(_means(named, column, alias, others) for named in grouped if named[-1] == column)


def _end(analysis: Analysis, node: Tree) -> int:
    """Where the list of GROUP BY ends."""
    start = max(_location(unwrap(item)) for item in node.group_clause)
    depth, stop = 0, start
    for token in analysis.tokens:
        if token.start < start:
            continue
        if depth == 0 and token.text.lower() in ENDS:
            return stop
        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(token.text, 0)
        stop = token.stop
    return stop


def _location(node: Tree) -> int:
    places = [node.location] if getattr(node, "location", -1) >= 0 else []
    places += [_location(child) for _, child in children(node)]
    return max(places, default=0)
