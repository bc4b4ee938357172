"""What a view runs and reads when it is read: its functions, operators and types are called by whoever reads it. By its tree; pure."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from jupyter_govern.errors import SyntaxProblem
from jupyter_govern_gateway.sql.calls import note_traits, operator, value_of_type
from jupyter_govern_gateway.sql.catalog import Relation
from jupyter_govern_gateway.sql.reader import Tree, children, kind_of, read, strings

if TYPE_CHECKING:
    from jupyter_govern_gateway.sql.analysis import Analysis

SYSTEM = ("pg_catalog", "information_schema")


@dataclass(frozen=True, slots=True)
class ViewCode:
    """functions, operators: parts of their names. reads: relations of pg_catalog. problem: why it cannot be read, or ""."""

    functions: frozenset[tuple[str, ...]] = frozenset()
    operators: frozenset[tuple[str, ...]] = frozenset()
    types: frozenset[str] = frozenset()
    reads: frozenset[str] = frozenset()
    problem: str = ""


@lru_cache(maxsize=4096)
def view_code(definition: str) -> ViewCode:
    """The definition names everything in full, but for what is PostgreSQL's own (see catalog_load)."""
    try:
        statements = read(definition)
    except SyntaxProblem:
        return ViewCode(problem="has a definition that the gateway cannot read")
    found: dict[str, set[tuple[str, ...]]] = {"FuncCall": set(), "operator": set(), "TypeName": set(), "RangeVar": set()}
    for statement in statements:
        _collect(statement.tree, found)
    return ViewCode(
        functions=frozenset(found["FuncCall"]),
        operators=frozenset(found["operator"]),
        types=frozenset(parts[-1] for parts in found["TypeName"]),
        reads=frozenset(name for schema, name in found["RangeVar"] if schema in ("", "pg_catalog")),
    )


def _collect(node: Tree, found: dict[str, set[tuple[str, ...]]]) -> None:
    match kind_of(node):
        case "FuncCall":
            found["FuncCall"].add(tuple(strings(node.funcname)))
        case "TypeName":
            found["TypeName"].add(tuple(strings(node.names)))
        case "RangeVar":
            found["RangeVar"].add((node.schemaname, node.relname))
        case "A_Expr":
            found["operator"].add(tuple(strings(node.name)))
        case "SubLink" if node.oper_name:
            found["operator"].add(tuple(strings(node.oper_name)))
    for _, child in children(node):
        _collect(child, found)


def run_view(analysis: Analysis, relation: Relation) -> None:
    """Judge what reading a view runs, those that it is made of included. Calling it needs no right of the actor's."""
    for key in sorted(analysis.catalog.sources(relation.key)):
        found = analysis.catalog.relations[key]
        if key[0] in SYSTEM or not (found.kind == "v" or key == relation.key) or ("view", ".".join(key)) in analysis.ran:
            continue
        analysis.ran.add(("view", ".".join(key)))
        code = view_code(found.definition)
        if code.problem:
            analysis.note(f"view {found.name} {code.problem}")
        with analysis.without_executing():
            _run(analysis, code)


def _run(analysis: Analysis, code: ViewCode) -> None:
    from jupyter_govern_gateway.sql.routines import run_function

    for parts in sorted(code.functions):
        schema = parts[-2] if len(parts) > 1 else "pg_catalog"
        note_traits(analysis, parts[-1])
        for function in analysis.catalog.functions.get(parts[-1], ()):
            if function.schema == schema:
                run_function(analysis, function)
    for parts in sorted(code.operators):
        if len(parts) > 1:
            operator(analysis, list(parts))
    for name in sorted(code.types):
        value_of_type(analysis, name)
