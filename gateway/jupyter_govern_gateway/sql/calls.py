"""Names in expressions: functions, in each of their notations, operators, and the code behind types. The tree is analysis.py's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from jupyter_govern_gateway.sql import functions, settings
from jupyter_govern_gateway.sql.catalog import Function
from jupyter_govern_gateway.sql.masks import quoted
from jupyter_govern_gateway.sql.reader import Tree, constant, kind_of, strings, unwrap
from jupyter_govern_gateway.sql.splice import Splice
from jupyter_govern_gateway.sql.unknown import UNDEFINED_FUNCTION, UnknownName

if TYPE_CHECKING:
    from jupyter_govern_gateway.sql.analysis import Analysis

ANYTHING: Final = "*"
"""The name of what is not known: only a rule that allows everything allows it."""


def call(analysis: Analysis, node: Tree) -> None:
    """A FuncCall; its arguments are walked by the caller."""
    parts = strings(node.funcname)
    name, schema = parts[-1], parts[-2] if len(parts) > 1 else None
    if analysis.guard is not None and name in analysis.guard[0]:
        analysis.note(f"{name}(…) could read the masked column {name} in clear")
    note_traits(analysis, name)
    if name in functions.SETTINGS:
        _setting_function(analysis, name, node)
    known = analysis.catalog.functions.get(name, ())
    if not known and _column_as_function(analysis, node, parts):
        return
    if not any(schema in (None, f.schema) for f in known):
        if analysis.takes_unknown:
            analysis.access("execute", ANYTHING)
            analysis.functions.add(ANYTHING)
            return
        raise UnknownName(f"function {'.'.join(parts)} does not exist", analysis.position(node.location), UNDEFINED_FUNCTION)
    _run(analysis, tuple(candidate for candidate in known if schema in (None, candidate.schema)))


def call_as_field(analysis: Analysis, name: str) -> None:
    """`x.name`, which calls the function `name` with x where x has no such column (PostgreSQL's "functional notation").

    What x has is not looked up: a column that is called like a function which must not be called is refused (fail closed).
    """
    note_traits(analysis, name)
    if name in functions.SETTINGS:
        analysis.note(f"{name} in the notation of a column")
    _run(analysis, analysis.catalog.functions.get(name, ()))


def shorten(analysis: Analysis, node: Tree, parts: list[str]) -> None:
    """`schema.relation.column` as `relation.column`: the subquery in the relation's place has no schema."""
    if not analysis.governed.touches((parts[-3], parts[-2])):
        return
    at = analysis.token_at[node.location]
    analysis.splices.append(Splice(node.location, analysis.tokens[at + 2 * (len(parts) - 2)].start, ""))


def operator(analysis: Analysis, parts: list[str]) -> None:
    if len(parts) > 1 and parts[0] != "pg_catalog":
        analysis.note(f"operator {'.'.join(parts)} runs code that the gateway does not read")
    elif len(parts) == 1 and parts[0] in analysis.catalog.user_operators:
        analysis.note(f"operator {parts[0]} may run code that the gateway does not read")


def value_of_type(analysis: Analysis, name: str) -> None:
    """A value becomes one of this type: the checks of domains and the functions of casts run."""
    from jupyter_govern_gateway.sql.routines import run_expression

    for label, body in analysis.catalog.type_code.get(name, ()):
        run_expression(analysis, label, body)


def note_traits(analysis: Analysis, name: str) -> None:
    if functions.server_file(name):
        analysis.traits.add("server-file")
    if name in functions.DYNAMIC:
        analysis.traits.add("dynamic")


def _run(analysis: Analysis, candidates: tuple[Function, ...]) -> None:
    from jupyter_govern_gateway.sql.routines import run_function

    for candidate in candidates:
        run_function(analysis, candidate)


def _column_as_function(analysis: Analysis, node: Tree, parts: list[str]) -> bool:
    """`email(c)` reads the column of a row: written as `(c).email`, which subqueries have too."""
    argument = unwrap(node.args[0]) if len(parts) == 1 and len(node.args) == 1 else None
    if argument is None or kind_of(argument) != "ColumnRef" or len(strings(argument.fields)) != 1:
        return False
    if strings(argument.fields)[0] not in analysis.sources:
        return False
    at = analysis.token_at[node.location]
    closing = next(token for token in analysis.tokens[at:] if token.text == ")")
    analysis.splices.append(Splice(node.location, analysis.tokens[at].stop, ""))
    analysis.splices.append(Splice(closing.stop, closing.stop, f".{quoted(parts[0])}"))
    return True


def _setting_function(analysis: Analysis, name: str, node: Tree) -> None:
    analysis.reads_literals = True
    setting = constant(node.args[0]) if node.args else None
    if setting is None and name == "current_setting" and node.args:
        _fence_setting(analysis, node)
    elif setting is None:
        analysis.note(f"{name} with a name that is not a constant")
    elif setting.lower().startswith(settings.OWN):
        analysis.note("settings that begin with govern. are the gateway's own")
    elif name == "set_config":
        value = constant(node.args[1]) if len(node.args) > 1 else None
        if why := settings.refusal(setting, value):
            analysis.note(why)
        if setting.lower() == "search_path":
            analysis.traits.add("sets-search-path")


def _fence_setting(analysis: Analysis, node: Tree) -> None:
    """A computed name is turned into one that does not exist where it is the gateway's own."""
    opening = next(i for i, token in enumerate(analysis.tokens) if token.start >= node.location and token.text == "(")
    depth, at = 0, opening + 1
    while depth or analysis.tokens[at].text not in (",", ")"):
        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(analysis.tokens[at].text, 0)
        at += 1
    start, stop = analysis.tokens[opening].stop, analysis.tokens[at].start
    analysis.splices.append(Splice(start, start, "pg_catalog.regexp_replace(("))
    analysis.splices.append(Splice(stop, stop, ")::text, '^govern[.]', 'refused.', 'i')"))
