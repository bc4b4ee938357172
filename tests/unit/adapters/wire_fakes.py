"""In-memory stand-ins for the parts that the wire asks: a compiler that knows a few words, and a door with a real gate behind it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_govern.errors import Blocked, SyntaxProblem
from jupyter_govern.model import Access, Actor, Decision, Facts, Limit, Operation, RuleRef
from jupyter_govern_gateway.adapters.postgresql.naming import Belief
from jupyter_govern_gateway.approvals import Approvals
from jupyter_govern_gateway.gate import Gate
from jupyter_govern_gateway.identity.tokens import Token
from jupyter_govern_gateway.recorder.recorder import Recorder
from jupyter_govern_gateway.sql import effects as fx
from jupyter_govern_gateway.sql.naming import Naming

ANA = Actor(subject="ana", groups=frozenset({"analysts"}))
RULE = RuleRef(name="no drops", because="tables are dear")
TOKEN = Token(id="t1", subject="ana", groups=ANA.groups, kind="person", issued_at=0.0, expires_at=9e9)
MASKED_ORIGIN = (16384, 2)


@dataclass(frozen=True, kw_only=True)
class MaskedOutput:
    name: str
    rule: str
    format: str


@dataclass(frozen=True, kw_only=True)
class FakeCompiled:
    sql: str
    facts: Facts
    effects: tuple[Any, ...] = ()
    statement_count: int = 1
    is_cell_report: str | None = None
    touches_masked: bool = False
    may_quote_raw: bool = False
    masked_outputs: tuple[MaskedOutput, ...] = ()
    masked_origins: frozenset[tuple[int, int]] = frozenset({MASKED_ORIGIN})
    shift: int = 0
    written_parameters: tuple[Any, ...] = ()
    copies: tuple[Any, ...] = ()
    spans: Any = None

    def original_position(self, position: int) -> int:
        return max(position - self.shift, 0)

    def limited(self, rows: int) -> str:
        return f"SELECT * FROM ({self.sql}) AS limited LIMIT {rows}" if "select" in self.facts.kinds else ""


def compile_text(text: str) -> FakeCompiled:
    """`customers` becomes a subquery, `blocked` is refused by the compiler, `syntax` cannot be parsed."""
    if "syntax" in text:
        raise SyntaxProblem('syntax error at or near "syntax"', text.index("syntax") + 1)
    if "unreadable" in text:
        raise Blocked("unreadable statements are refused", hint="Write it plainly.")
    found = re.fullmatch(r"SET govern\.cell (?:TO|=) '(.*)'", text, re.DOTALL)
    word = (re.match(r"\s*(\w+)", text) or ["", ""])[1].lower()
    facts = Facts(kinds=frozenset({word} if word else ()), accesses=(Access(verb="read", resource="public.t"),))
    if found:
        return FakeCompiled(sql=text, facts=facts, is_cell_report=found[1].replace("''", "'"))
    effects: list[Any] = []
    if prepared := re.match(r"PREPARE (\w+) AS (.*)", text):
        effects.append(fx.Prepared(name=prepared[1], facts=compile_text(prepared[2]).facts))
    if path := re.match(r"SET search_path TO (\w+)", text):
        effects.append(fx.SetSearchPath(path=(path[1],), local=False))
    sql = text.replace("customers", "(SELECT id, mask(email) FROM public.customers) customers")
    masked = sql != text
    return FakeCompiled(
        sql=sql,
        facts=facts,
        effects=tuple(effects),
        statement_count=text.count(";") + 1,
        touches_masked=masked,
        may_quote_raw=masked and word in ("insert", "update"),
        masked_outputs=(MaskedOutput(name="email", rule="hide mail", format="partial"),) if masked else (),
        shift=len(sql) - len(text),
    )


def decide(facts: Facts) -> Decision:
    """drop is blocked, delete needs approval, `limited` has limits, everything else passes."""
    if "drop" in facts.kinds:
        return Decision(effect="block", rules=(RULE,), reason="DROP is blocked", hint="Ask a dba.")
    if "delete" in facts.kinds:
        return Decision(effect="approve", rules=(RULE,), reason="ask", approver_groups=frozenset({"dba"}), approval_seconds=30.0)
    limits = (Limit(rule=RULE, rows=2),) if facts.kinds & {"table", "fetch", "copy"} else ()
    return Decision(effect="allow", rules=(RULE,), reason="fine", limits=limits)


@dataclass(kw_only=True)
class House:
    """A real gate with a real recorder below `directory`."""

    gate: Gate
    recorder: Recorder
    approvals: Approvals


def make_house(directory: Path, clock: Callable[[], float] = time.time) -> House:
    directory.mkdir(exist_ok=True)
    recorder = Recorder(directory, clock)
    approvals = Approvals(
        log=recorder.log, clock=clock, number_file=directory / "number", url=lambda n: f"https://gate.example/approvals/{n}"
    )
    return House(gate=Gate(recorder=recorder, approvals=approvals, clock=clock), recorder=recorder, approvals=approvals)


@dataclass(kw_only=True)
class FakeDoor:
    """A door whose compiler answers at once, unless `slow`."""

    house: House
    record: Any
    masks: bool = True
    judged: bool = True
    slow: bool = False
    decide_with: Callable[[Facts], Decision] = decide
    known: dict[str, FakeCompiled] = field(default_factory=dict)
    notes: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    asked: list[Operation] = field(default_factory=list)
    current: object = field(default_factory=object)

    def stamp(self) -> object:
        return self.current

    def has_masks(self) -> bool:
        return self.masks

    def is_judged(self) -> bool:
        return self.judged

    def naming(self, belief: Belief, prepared: Any) -> Naming:
        return Naming(database="shop", search_path=belief.path, temp_relations=belief.temporary, prepared=prepared, user="gateway")

    def scanner(self) -> None:
        return None

    def speaks_masked(self, pid: int) -> bool:
        return False

    def look_up(self, text: str, naming: Naming) -> Any:
        if text in self.known:
            return self.known[text]
        if self.slow or "syntax" in text or "unreadable" in text:
            return None
        return compile_text(text)

    def decide(self, facts: Facts) -> Decision:
        return self.decide_with(facts)

    def ask(self, plan: Any, parameters: Any, formats: Any, cell: Any) -> Any:
        operation = Operation(
            id=f"{self.record.id}.{len(self.asked) + 1}",
            session=self.record.id,
            actor=ANA,
            target="shop",
            protocol="postgresql",
            statement=plan.text,
            facts=plan.facts,
            parameters=parameters,
            parameter_formats=formats,
            cell=cell,
            rewritten=plan.sent,
        )
        self.asked.append(operation)
        return self.house.gate.ask_now(operation, plan.decision, self.record)

    def note(self, kind: str, detail: dict[str, Any]) -> None:
        self.notes.append((kind, detail))
        self.record.note(kind, detail)
