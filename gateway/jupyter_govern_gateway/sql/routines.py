"""Code that a statement sets off: functions, procedures, triggers, rules. What it names is what it may read and write.

Read by its tokens, not by its meaning: every relation that the code names counts, everything that it calls is read too, and what
runs text as SQL cannot be judged. So the answer errs to the side of more. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from jupyter_govern.errors import SyntaxProblem
from jupyter_govern_gateway.sql import functions
from jupyter_govern_gateway.sql.calls import value_of_type
from jupyter_govern_gateway.sql.catalog import Catalog, Function, RelationName
from jupyter_govern_gateway.sql.governed import DATA_CATALOGS, Governed
from jupyter_govern_gateway.sql.predicates import Written, restricts
from jupyter_govern_gateway.sql.reader import Token, read, tokens

if TYPE_CHECKING:
    from jupyter_govern_gateway.sql.analysis import Analysis

LANGUAGES: Final = frozenset({"sql", "plpgsql"})
WRITES: Final = frozenset({"insert", "update", "delete", "merge"})
DEFINES: Final = frozenset(
    "alter call checkpoint cluster comment copy create discard do drop fetch grant import listen load lock move notify prepare reassign"
    " refresh reindex reset revoke security set truncate unlisten vacuum".split()
)
"""Words that begin a statement of their own kind."""
HARMLESS: Final = frozenset({"fetch", "move", "lock"})
OPENERS: Final = frozenset({"", ";", "begin", "then", "else", "loop", "atomic", ">>", "also", "instead", "("})
"""What stands before the first word of a statement."""
SPEAKS: Final = frozenset({"raise", "perform", "call", "notify", "pg_notify", "set_config", "dblink", "assert"})
"""Words by which a trigger could tell what is in a row."""


@dataclass(frozen=True, slots=True)
class Mention:
    schema: str
    name: str
    is_written: bool


@dataclass(frozen=True, slots=True)
class Code:
    """What a piece of code names. problem: why it cannot be judged, or ""."""

    mentions: tuple[Mention, ...] = ()
    calls: tuple[tuple[str, str], ...] = ()
    kinds: frozenset[str] = frozenset()
    words: frozenset[str] = frozenset()
    operators: frozenset[str] = frozenset()
    writes_all_rows: bool = False
    problem: str = ""


@lru_cache(maxsize=4096)
def read_code(body: str, language: str) -> Code:
    """What the code names."""
    if language not in LANGUAGES:
        return Code(problem=f"is written in {language}, which the gateway does not read")
    try:
        found = tokens(body)
    except SyntaxProblem:
        return Code(problem="cannot be read")
    words = [_word(token) for token in found]
    if any(token.text[:2].lower() == "u&" for token in found):
        return Code(problem="has names written with escapes")
    if "execute" in words:
        return Code(problem="runs SQL that it puts together as text")
    mentions, calls = [], []
    for at, word in enumerate(words):
        if word and at and found[at - 1].text == ".":
            calls.append(("", word))  # `x.name` calls a function where x has no such column
            continue
        if not word:
            continue
        parts, stop = _name(found, words, at)
        schema, name = parts[-2] if len(parts) > 1 else "", parts[-1]
        if stop < len(found) and found[stop].text == "(":
            calls.append((schema, name))
        mentions.append(Mention(schema, name, _is_written(words, at)))
        if len(parts) > 1:
            mentions.append(Mention("", parts[0], is_written=False))
    kinds = {word for at, word in enumerate(words) if word in WRITES and not (word == "update" and _is_lock(words, at))}
    kinds |= {word for at, word in enumerate(words) if word in DEFINES and _opens(found, words, at)} - HARMLESS
    return Code(
        mentions=tuple(dict.fromkeys(mentions)),
        calls=tuple(dict.fromkeys(calls)),
        kinds=frozenset(kinds),
        words=frozenset(words),
        operators=frozenset(token.text for token in found if not token.text[:1].isalnum() and token.text[:1] not in "\"'_$"),
        writes_all_rows=_writes_all_rows(body, found, words),
    )


def _word(token: Token) -> str:
    """An identifier or keyword, folded as PostgreSQL folds it; "" for anything else."""
    text = token.text
    if text.startswith('"'):
        return text[1:-1].replace('""', '"')
    return text.lower() if (text[0].isalpha() or text[0] == "_" or ord(text[0]) > 127) and not text.endswith("'") else ""


def _name(found: list[Token], words: list[str], at: int) -> tuple[list[str], int]:
    parts = [words[at]]
    at += 1
    while at + 1 < len(found) and found[at].text == "." and words[at + 1]:
        parts.append(words[at + 1])
        at += 2
    return parts[-3:], at


def _is_written(words: list[str], at: int) -> bool:
    before = words[at - 1] if at else ""
    if before in ("into", "update", "truncate", "table", "copy", "only"):
        return True
    return before == "from" and at > 1 and words[at - 2] == "delete"


def _is_lock(words: list[str], at: int) -> bool:
    return at > 0 and words[at - 1] in ("for", "key", "no", "on", "do", "after", "before")


def _opens(found: list[Token], words: list[str], at: int) -> bool:
    before = "" if at == 0 else words[at - 1] or found[at - 1].text
    return before in OPENERS


def _writes_all_rows(body: str, found: list[Token], words: list[str]) -> bool:
    """Whether some UPDATE, DELETE or MERGE in it has no WHERE that restricts, as far as can be told."""
    raw = body.encode()
    # what a CTE of the body reads is not looked at: it may be the very rows that are written
    ctes = {found[at - 1].text.strip('"') for at, token in enumerate(found) if at and token.text.lower() == "as"}
    for at, word in enumerate(words):
        if word not in ("update", "delete", "merge") or _is_lock(words, at):
            continue
        stop = next((token.start for token in found[at:] if token.text == ";"), len(raw))
        try:
            statements = read(raw[found[at].start : stop].decode())
        except SyntaxProblem:
            return True
        for statement in statements:
            if statement.kind not in ("update_stmt", "delete_stmt", "merge_stmt"):
                return True
            clause = statement.tree.join_condition if statement.kind == "merge_stmt" else statement.tree.where_clause
            own = frozenset({statement.tree.relation.relname, *ctes})
            if not restricts(clause, Written(readers=own)):
                return True
    return False


def relations_named(catalog: Catalog, code: Code) -> dict[RelationName, bool]:
    """The relations that these words could mean, in any schema, and whether they are written."""
    found: dict[RelationName, bool] = {}
    for mention in code.mentions:
        for schema in catalog.schemas_of.get(mention.name, ()):
            if mention.schema in ("", schema):
                found[schema, mention.name] = found.get((schema, mention.name), False) or mention.is_written
    return found


def functions_called(catalog: Catalog, code: Code) -> list[Function]:
    return [f for schema, name in code.calls for f in catalog.functions.get(name, ()) if schema in ("", f.schema)]


def reaches_masked(governed: Governed, function: Function, seen: frozenset[tuple[str, str]] = frozenset()) -> bool:
    """Whether the function, or what it calls, names something that is masked, or cannot be read."""
    if function.schema in ("pg_catalog", "information_schema") or function.extension or (function.schema, function.name) in seen:
        return False
    code = read_code(function.body, function.language)
    if code.problem or any(governed.touches(key) or key[1] in DATA_CATALOGS for key in relations_named(governed.catalog, code)):
        return True
    seen |= {(function.schema, function.name)}
    called = functions_called(governed.catalog, code)
    return any(functions.server_data(f) for f in called) or any(reaches_masked(governed, f, seen) for f in called)


def run_code(analysis: Analysis, label: str, body: str, language: str, *, sees_masked_row: bool = False) -> None:
    """Judge code that the statement sets off: its accesses, kinds and traits are the statement's."""
    if (label, body) in analysis.ran:
        return
    analysis.ran.add((label, body))
    code = read_code(body, language)
    if code.problem:
        analysis.note(f"{label} {code.problem}")
        return
    if code.operators & analysis.catalog.user_operators:
        analysis.note(f"{label} uses operators that run code which the gateway does not read")
    if sees_masked_row and code.words & (SPEAKS | WRITES | DEFINES):
        analysis.note(f"{label} could move masked values of the row that it is called for")
    analysis.kinds |= code.kinds
    if code.kinds & DEFINES:
        analysis.note(f"{label} does more than reading and writing rows ({', '.join(sorted(code.kinds & DEFINES))})")
    if code.writes_all_rows:
        analysis.traits.add("without-where")
    _relations(analysis, label, code)
    for function in functions_called(analysis.catalog, code):
        run_function(analysis, function)
    for name in sorted(code.words & analysis.catalog.type_code.keys()):
        for each in analysis.catalog.type_code[name]:
            run_expression(analysis, *each)


def run_expression(analysis: Analysis, label: str, body: str) -> None:
    """Judge an expression that its owner has put into a table or type: calling what it calls needs no right of the actor's."""
    with analysis.without_executing():
        run_code(analysis, label, body, "sql")


def _relations(analysis: Analysis, label: str, code: Code) -> None:
    from jupyter_govern_gateway.sql.writes import written_by_code

    for key, is_written in sorted(relations_named(analysis.catalog, code).items()):
        if key[0] in ("pg_catalog", "information_schema"):
            if key[1] in DATA_CATALOGS and analysis.governed.active:
                analysis.note(f"{label} reads {key[1]}, which can hold masked data")
            continue
        if analysis.governed.touches(key):
            analysis.note(f"{label} reads {key[1]}, which holds masked data, in clear")
        analysis.access("read", ".".join(key), key)
        if is_written and code.kinds:
            written_by_code(analysis, key)


def run_function(analysis: Analysis, function: Function) -> None:
    """A call of one of these: pg_catalog's by its name, others by what they name."""
    analysis.functions.add(f"{function.schema}.{function.name}")
    if function.schema in ("pg_catalog", "information_schema") or function.extension:
        if why := functions.problem_of(function):
            analysis.note(why)
        return
    analysis.runs_own_code = True
    analysis.access("execute", f"{function.schema}.{function.name}")
    for _, type_sql, _ in function.arguments:
        value_of_type(analysis, type_sql.removesuffix("[]").rpartition(".")[2].strip('"'))
    run_code(analysis, f"function {function.schema}.{function.name}", function.body, function.language)
