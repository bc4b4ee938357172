"""Which literals and parameters may become a value: through casts, CASE, COALESCE, subqueries, lists of VALUES and CTEs. By names,
without scopes: it errs to the side of more. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from jupyter_govern_gateway.sql.outputs import default_name
from jupyter_govern_gateway.sql.reader import Tree, children, kind_of, strings, unwrap

Tables = Mapping[str, Mapping[str, list[Tree]]]
"""What subqueries and CTEs are called → their columns in order → the expressions that give them their values."""
_NULLIF: Final = 6
"""A_Expr_Kind (libpg_query counts AEXPR_OP as 1)."""


def tables(node: Tree, ctes: Iterable[Tree]) -> Tables:
    """Those inside a statement, and CTEs (CommonTableExpr) that it sees."""
    found: dict[str, dict[str, list[Tree]]] = {}
    for cte in ctes:
        if kind_of(query := unwrap(cte.ctequery)) == "SelectStmt":
            found[cte.ctename] = _columns(query, strings(cte.aliascolnames), found)
    _collect(node, found)
    return found


def rows(query: Tree, known: Tables) -> list[list[Tree]]:
    """The outputs of a query, for each of the queries it is made of; up to a star that cannot be told."""
    if query.HasField("larg"):
        return rows(query.larg, known) + rows(query.rarg, known)
    if query.values_lists:
        return [[unwrap(value) for value in unwrap(row).items] for row in query.values_lists]
    outputs: list[Tree] = []
    for item in query.target_list:
        value = unwrap(unwrap(item).val)
        if not _is_star(value):
            outputs.append(value)
        elif table := known.get(_starred(value, query)):
            return [[*outputs, *row] for row in _crosswise(table)]
        else:
            break
    return [outputs]


def given(value: Tree, known: Tables) -> list[Tree]:
    """The A_Const and ParamRef nodes that may become this value."""
    return [leaf for leaf in _leaves(value, known, set()) if kind_of(leaf) in ("A_Const", "ParamRef")]


def read(value: Tree, known: Tables) -> list[Tree]:
    """What this value is made of otherwise: columns of relations, calls, operators, conditions."""
    return [leaf for leaf in _leaves(value, known, set()) if kind_of(leaf) not in ("A_Const", "ParamRef")]


def _leaves(value: Tree, known: Tables, seen: set[tuple[str, ...]]) -> Iterator[Tree]:
    kind = kind_of(value)
    if kind == "ColumnRef":
        name = tuple(strings(value.fields))
        behind = _behind(name, known)
        if not behind or len(name) == 1:  # which may be a relation's as well
            yield value
        if name not in seen:  # a recursive CTE comes back to itself
            seen.add(name)
            for part in behind:
                yield from _leaves(part, known, seen)
    elif parts := _parts(value, kind, known):
        for part in parts:
            yield from _leaves(part, known, seen)
    else:
        yield value


def _parts(value: Tree, kind: str, known: Tables) -> list[Tree]:
    match kind:
        case "TypeCast" | "CollateClause":
            return [unwrap(value.arg)]
        case "CaseExpr":
            otherwise = [unwrap(value.defresult)] if value.HasField("defresult") else []
            return [unwrap(unwrap(when).result) for when in value.args] + otherwise
        case "CoalesceExpr" | "MinMaxExpr":
            return [unwrap(part) for part in value.args]
        case "A_Expr" if value.kind == _NULLIF:
            return [unwrap(value.lexpr)]
        case "SubLink":
            return _outputs(value, 0, known)
        case "MultiAssignRef":  # a part of (a, b) = (1, 2), or of (a, b) = (SELECT …)
            source, at = unwrap(value.source), value.colno - 1
            if kind_of(source) == "SubLink":
                return _outputs(source, at, known)
            return [unwrap(part) for part in source.args[at : at + 1]] if kind_of(source) == "RowExpr" else []
        case _:
            return []


def _outputs(link: Tree, at: int, known: Tables) -> list[Tree]:
    return [row[at] for row in rows(unwrap(link.subselect), known) if at < len(row)]


def _behind(name: tuple[str, ...], known: Tables) -> list[Tree]:
    """The expressions behind `column` or `table.column`."""
    if len(name) > 2:
        return []
    asked = [known.get(name[0], {})] if len(name) == 2 else list(known.values())
    return [value for columns in asked for value in columns.get(name[-1], ())]


def _collect(node: Tree, found: dict[str, dict[str, list[Tree]]]) -> None:
    for _, child in children(node):
        _collect(child, found)
    if not node.DESCRIPTOR.fields_by_name.get("alias") or not node.HasField("alias"):
        return
    if kind_of(node) == "RangeSubselect":
        found[node.alias.aliasname] = _columns(unwrap(node.subquery), strings(node.alias.colnames), found)
    elif kind_of(node) == "RangeVar" and node.relname in found:
        table = found[node.relname]
        named = [*strings(node.alias.colnames), *list(table)[len(node.alias.colnames) :]]
        found[node.alias.aliasname] = dict(zip(named, table.values(), strict=False))


def _columns(query: Tree, names: list[str], known: Tables) -> dict[str, list[Tree]]:
    found: dict[str, list[Tree]] = {}
    own = _own_names(query, known)
    for row in rows(query, known):
        for at, value in enumerate(row):
            name = names[at] if at < len(names) else own[at] if at < len(own) else f"column{at + 1}"
            found.setdefault(name, []).append(value)
    return found


def _own_names(query: Tree, known: Tables) -> list[str]:
    while query.HasField("larg"):
        query = query.larg
    found: list[str] = []
    for item in query.target_list:
        one = unwrap(item)
        value = unwrap(one.val)
        if _is_star(value):
            found += known.get(_starred(value, query), {})
        else:
            found.append(one.name or default_name(value))
    return found


def _is_star(value: Tree) -> bool:
    return kind_of(value) == "ColumnRef" and value.fields[-1].WhichOneof("node") == "a_star"


def _starred(value: Tree, query: Tree) -> str:
    """Which table `x.*` means, or `*` where there is one only."""
    if len(value.fields) > 1:
        return strings(value.fields)[0]
    source = unwrap(query.from_clause[0]) if len(query.from_clause) == 1 else None
    if source is None or kind_of(source) not in ("RangeSubselect", "RangeVar"):
        return ""
    return str(source.alias.aliasname if source.HasField("alias") else getattr(source, "relname", ""))


def _crosswise(table: Mapping[str, list[Tree]]) -> list[list[Tree]]:
    """Rows that together hold every value of every column at its place."""
    longest = max((len(values) for values in table.values()), default=0)
    return [[values[min(at, len(values) - 1)] for values in table.values()] for at in range(longest)]
