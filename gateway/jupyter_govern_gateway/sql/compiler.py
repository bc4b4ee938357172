"""Compile a statement: read → judge → splice. Pure; the target is never asked here.

Statements that touch nothing governed come back as they are. What cannot be judged comes back as it is too, with `facts.unjudged`
set: policy refuses it wherever a mask, block or approve rule could apply, so it is never sent unmasked where something is masked.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from jupyter_govern.errors import Blocked
from jupyter_govern.model import Facts
from jupyter_govern_gateway.policy.standing import Standing
from jupyter_govern_gateway.sql import effects as fx
from jupyter_govern_gateway.sql.analysis import MAX_VIEW_DEPTH, Analysis
from jupyter_govern_gateway.sql.catalog import Catalog, Relation
from jupyter_govern_gateway.sql.copying import CopyInto
from jupyter_govern_gateway.sql.governed import Governed, governed
from jupyter_govern_gateway.sql.naming import Naming
from jupyter_govern_gateway.sql.normal import moved, normal
from jupyter_govern_gateway.sql.outputs import MaskedOutput, masked_outputs
from jupyter_govern_gateway.sql.placeholders import Written
from jupyter_govern_gateway.sql.predicates import has_alternatives
from jupyter_govern_gateway.sql.reader import Statement, kind_of, read
from jupyter_govern_gateway.sql.splice import Splice, original_position, spliced
from jupyter_govern_gateway.sql.statements import cell_report, judge


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiled:
    """A statement (or several in one text) as it goes to the target, and what it is."""

    source: str
    sql: str
    facts: Facts
    effects: tuple[fx.SessionEffect, ...] = ()
    statement_count: int = 1
    is_cell_report: str | None = None
    touches_masked: bool = False
    may_quote_raw: bool = False
    masked_outputs: tuple[MaskedOutput, ...] = ()
    masked_origins: frozenset[tuple[int, int]] = frozenset()
    splices: tuple[Splice, ...] = ()
    limitable: tuple[int, int] | None = None
    """Bytes of `sql` that hold the one query whose rows a limit would bound."""
    written_parameters: tuple[Written, ...] = ()
    """Bound parameters that become values of masked columns."""
    copies: tuple[CopyInto | None, ...] = ()
    """Of each COPY FROM STDIN, in order: where masked columns are written."""
    runs_own_code: bool = False
    """Functions that somebody has made are called, by views, defaults and checks too: the planner could run them."""
    spans: tuple[tuple[int, int], ...] | None = None
    """Where the literals of `source` stand, if the same text with other literals compiles the same way; else None."""

    def original_position(self, position: int) -> int:
        """A position in `sql` (1-based characters, as in an ErrorResponse) as one in the person's own text."""
        return original_position(self.source, self.sql, list(self.splices), position)

    def limited(self, rows: int) -> str:
        """`sql` with its one query bound to so many rows; "" where it is not one query whose rows go to the client."""
        if self.limitable is None:
            return ""
        raw = self.sql.encode()
        start, stop = self.limitable
        query = raw[start:stop].decode()
        return f"{raw[:start].decode()}SELECT * FROM (\n{query}\n) AS governed_limit LIMIT {rows}{raw[stop:].decode()}"


def compile_statement(text: str, *, catalog: Catalog, naming: Naming, standing: Standing, takes_unknown: bool = False) -> Compiled:
    """Raises SyntaxProblem (UnknownName for names that the catalog lacks). takes_unknown: where the standing is unbounded, such
    names are left to the target: they may have been made in the transaction that is still open, which no catalog shows."""
    statements = read(text)
    payload = cell_report(statements)
    if payload is not None:
        return Compiled(source=text, sql=text, facts=Facts(kinds=frozenset({"set"})), is_cell_report=payload)
    scope = governed(catalog, standing)
    analysis = Analysis(text, scope, naming)
    analysis.looks_at_content = bool(standing.content)
    analysis.takes_unknown = takes_unknown and standing.unbounded
    effects: list[fx.SessionEffect] = []
    for statement in statements:
        with analysis.apart():
            done = judge(analysis, statement)
        effects += done
        analysis.naming = _after(analysis.naming, done)
    if "sets-search-path" in analysis.traits:
        analysis.traits.discard("sets-search-path")
        effects.append(fx.SetSearchPath(path=None, local=False))
    facts = analysis.facts()
    sql = text if facts.unjudged or not analysis.splices else spliced(text, analysis.splices)
    return Compiled(
        source=text,
        sql=sql,
        facts=facts,
        effects=tuple(effects),
        statement_count=len(statements),
        touches_masked=bool(analysis.touched),
        may_quote_raw=analysis.may_quote_raw,
        masked_outputs=_outputs(analysis, statements),
        masked_origins=scope.origins,
        splices=tuple(analysis.splices) if sql is not text else (),
        limitable=_limitable(text, sql, statements, analysis),
        written_parameters=tuple(analysis.written_parameters),
        copies=tuple(analysis.copies),
        runs_own_code=analysis.runs_own_code,
        spans=_spans(text, statements, analysis),
    )


SHAREABLE = frozenset({"select", "insert", "update", "delete", "merge"})


def _spans(text: str, statements: list[Statement], analysis: Analysis) -> tuple[tuple[int, int], ...] | None:
    """Literals decide nothing in these statements, unless the analysis has looked at one, or at both arms of an OR of a change."""
    if len(statements) != 1 or analysis.reads_literals or not analysis.kinds <= SHAREABLE or not analysis.kinds:
        return None
    if analysis.kinds != {"select"} and has_alternatives(statements[0].tree):
        return None
    shape = normal(text)
    if shape is None or any(start < splice.stop and splice.start < stop for splice in analysis.splices for start, stop in shape.spans):
        return None
    return shape.spans


def with_literals(compiled: Compiled, text: str, spans: tuple[tuple[int, int], ...]) -> Compiled:
    """The compiled form of the same statement with other literals; `compiled.spans` must not be None."""
    old = compiled.spans
    assert old is not None  # noqa: S101 - the caller looked
    splices = tuple(Splice(moved(s.start, old, spans), moved(s.stop, old, spans), s.text) for s in compiled.splices)
    sql = spliced(text, list(splices)) if splices else text
    limitable = compiled.limitable
    if limitable is not None:
        added = len(compiled.sql.encode()) - len(compiled.source.encode())
        limitable = moved(limitable[0], old, spans), moved(limitable[1] - added, old, spans) + len(sql.encode()) - len(text.encode())
    return replace(compiled, source=text, sql=sql, splices=splices, limitable=limitable, spans=spans)


def expand_view(outer: Analysis, view: Relation) -> str:
    """The compiled text of a governed view's definition, whose names are all in full. Its accesses are the statement's."""
    if len(outer.views) >= MAX_VIEW_DEPTH or view.key in outer.views:
        raise Blocked(f"view {view.name} is nested too deeply to be masked")
    naming = replace(outer.naming, search_path=(), temp_relations=frozenset(), prepared=())
    inner = Analysis(view.definition, outer.governed, naming, views=(*outer.views, view.key))
    for statement in read(view.definition):
        inner.walk(statement.tree)
    outer.problems += inner.problems
    outer.touched |= inner.touched
    outer.traits |= inner.traits
    outer.kinds |= inner.kinds
    outer.functions |= inner.functions
    outer.runs_own_code |= inner.runs_own_code
    for access in inner.facts().accesses:
        outer.access(access.verb, access.resource, writes=access.columns)
    return spliced(view.definition, inner.splices)


def _after(naming: Naming, effects: list[fx.SessionEffect]) -> Naming:
    """What the next statement of the same text sees."""
    for effect in effects:
        match effect:
            case fx.SetSearchPath():
                naming = replace(naming, search_path=effect.path if effect.path is not None else ())
            case fx.TempCreated():
                naming = replace(naming, temp_relations=naming.temp_relations | {effect.name})
            case fx.TempDropped():
                naming = replace(naming, temp_relations=naming.temp_relations - {effect.name})
            case fx.Prepared():
                naming = replace(naming, prepared=(*((n, f) for n, f in naming.prepared if n != effect.name), (effect.name, effect.facts)))
            case fx.Deallocated():
                kept = tuple((n, f) for n, f in naming.prepared if effect.name is not None and n != effect.name)
                naming = replace(naming, prepared=kept)
            case fx.CatalogChanged(created=created, dropped=dropped, is_sure=is_sure):
                made = (naming.created | frozenset(created)) - frozenset(dropped)
                naming = replace(naming, created=made, is_sure=naming.is_sure and is_sure)
            case fx.DiscardAll():
                naming = replace(naming, temp_relations=frozenset(), prepared=())
            case _:
                pass
    return naming


def _outputs(analysis: Analysis, statements: list[Statement]) -> tuple[MaskedOutput, ...]:
    if not analysis.touched or len(statements) != 1:
        return ()
    scope: Governed = analysis.governed
    masked = {column: mask for key in sorted(analysis.touched) for column, mask in scope.masks.get(key, {}).items()}
    return masked_outputs(statements[0].tree, masked, frozenset(name for _, name in analysis.touched))


def _limitable(text: str, sql: str, statements: list[Statement], analysis: Analysis) -> tuple[int, int] | None:
    """Only for one plain query: its locks and its INTO would not survive being wrapped."""
    if len(statements) != 1 or statements[0].kind != "select_stmt" or analysis.facts().unjudged:
        return None
    tree = statements[0].tree
    if tree.HasField("into_clause") or tree.locking_clause or kind_of(tree) != "SelectStmt" or analysis.kinds != {"select"}:
        return None
    added = len(sql.encode()) - len(text.encode())
    return statements[0].start, statements[0].stop + added
