"""From a statement's bytes to its Plan: one dictionary look-up where the session has seen it, else the gateway's cache,
else a compilation that the driver has done in a worker.

Asks the Door; knows no messages and no sockets.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from jupyter_govern.errors import Blocked, SyntaxProblem
from jupyter_govern.model import Cell, Decision, Facts
from jupyter_govern_gateway.adapters.postgresql.entries import Plan, Refusal
from jupyter_govern_gateway.adapters.postgresql.naming import SessionNaming
from jupyter_govern_gateway.adapters.postgresql.refusals import BAD_TEXT, refusal_of
from jupyter_govern_gateway.codecs.postgresql.encodings import codec_for
from jupyter_govern_gateway.net.bounds import MAX_PLAN_KEY, MAX_PLANS_PER_SESSION
from jupyter_govern_gateway.sql.effects import TransactionBoundary
from jupyter_govern_gateway.sql.normal import Normal, normal
from jupyter_govern_gateway.sql.unknown import UnknownName

if TYPE_CHECKING:
    from jupyter_govern_gateway.adapters.postgresql.door import Door
    from jupyter_govern_gateway.sql.compiler import Compiled
    from jupyter_govern_gateway.sql.naming import Naming

UNREAD = Facts(kinds=frozenset())
MAX_CELL_TEXT = 1024
_SET_ENCODING = re.compile(r"""\s*set\s+(?:session\s+|local\s+)?(?:client_encoding\s*(?:to|=)|names)\s*['"]?([\w-]+)""", re.IGNORECASE)


class Planner:
    """The plans of one session."""

    def __init__(self, door: Door, naming: SessionNaming, codec: str) -> None:
        self.door = door
        self.naming = naming
        self.codec = codec
        self.prepared_facts: dict[str, Facts] = {}
        self._plans: dict[bytes, Plan] = {}
        self._shapes: dict[str, Plan] = {}
        self._stamp = door.stamp()
        self._naming_version = naming.version
        self._fresh: tuple[str, object, Compiled | Blocked | SyntaxProblem] | None = None
        self._asked_under: object = None
        self._named: tuple[int, Naming] | None = None
        self.stamp: object = object()

    def current(self) -> object:
        """Another object whenever the same text could mean or be allowed something else."""
        stamp = self.door.stamp()
        if stamp is not self._stamp or self._naming_version != self.naming.version:
            self._stamp, self._naming_version = stamp, self.naming.version
            self._forget()
        return self.stamp

    def set_codec(self, codec: str) -> None:
        """The client's encoding changed, and with it what its bytes mean."""
        self.codec = codec
        self._forget()

    def _forget(self) -> None:
        self._plans.clear()
        self._shapes.clear()
        self.stamp = object()

    def find(self, raw: bytes) -> Plan | None:
        """The plan of this text, or None where it must be compiled first (`ask_for`, then `fresh`)."""
        self.current()
        plan = self._plans.get(raw)
        if plan is not None:
            return plan
        try:
            text = raw.decode(self.codec)
        except UnicodeDecodeError:
            return self._unreadable()
        is_plain = not _depends_on_prepared(text)
        shape = normal(text) if is_plain and self._fresh is None else None
        if shape is not None and (known := self._shapes.get(shape.key)) is not None:
            return self._with_literals(known, text, raw)
        found = self._take_fresh(text) or self.door.look_up(text, self.naming_for(text))
        if found is None:
            return None
        if isinstance(found, Blocked | SyntaxProblem):
            return self._refused(text, found)
        plan = self._plan(text, found)
        if is_plain:
            self._keep(plan, raw, shape)
        return plan

    def _keep(self, plan: Plan, raw: bytes, shape: Normal | None) -> None:
        """For the next time: of statements that go as they came and are the same whatever their literals, one for all of them."""
        if shape is not None and plan.unchanged and plan.refusal is None and plan.compiled is not None and plan.compiled.spans is not None:
            if len(self._shapes) >= MAX_PLANS_PER_SESSION:
                del self._shapes[next(iter(self._shapes))]
            self._shapes[shape.key] = plan
        elif len(raw) <= MAX_PLAN_KEY:
            if len(self._plans) >= MAX_PLANS_PER_SESSION:
                del self._plans[next(iter(self._plans))]
            self._plans[raw] = plan

    def _with_literals(self, known: Plan, text: str, raw: bytes) -> Plan:
        """The plan of the same statement with other literals."""
        plan = Plan(text, known.facts, known.decision)
        plan.compiled, plan.effects, plan.sql, plan.unchanged = known.compiled, known.effects, raw, True
        plan.row_limit, plan.row_rule = known.row_limit, known.row_rule
        plan.seconds, plan.second_rule = known.seconds, known.second_rule
        plan.may_copy_in = known.may_copy_in
        assert known.compiled is not None  # noqa: S101 - only such plans are kept
        plan.changes_session = _changes_session(text, known.compiled)
        return plan

    def ask_for(self, raw: bytes) -> str:
        """The text to compile; what it gives counts only if nothing has changed by then."""
        self._asked_under = self.current()
        return raw.decode(self.codec)

    def naming_for(self, text: str) -> Naming:
        """What the session is believed to be. Prepared statements are named only where the text could run one:
        otherwise every new name would make every cached statement unknown."""
        if _depends_on_prepared(text):
            return self.door.naming(self.naming.belief, tuple(self.prepared_facts.items()))
        if self._named is None or self._named[0] != self.naming.version:
            self._named = (self.naming.version, self.door.naming(self.naming.belief, ()))
        return self._named[1]

    def fresh(self, text: str, found: Compiled | Blocked | SyntaxProblem) -> None:
        """The compilation that was asked for is done; it counts for the next `find`."""
        self._fresh = (text, self._asked_under, found)

    def _take_fresh(self, text: str) -> Compiled | Blocked | SyntaxProblem | None:
        fresh, self._fresh = self._fresh, None
        if fresh is not None and fresh[0] == text and fresh[1] is self.current():
            return fresh[2]
        return None

    def _unreadable(self) -> Plan:
        plan = Plan("", UNREAD, _block("the statement is not text in the session's client_encoding"))
        plan.refusal = Refusal(BAD_TEXT, plan.decision.reason)
        return plan

    def _refused(self, text: str, problem: Blocked | SyntaxProblem) -> Plan:
        refusal = refusal_of(problem)
        facts = Facts(kinds=frozenset(), unjudged=refusal.message)
        rules = problem.rules if isinstance(problem, Blocked) else ()
        reason = refusal.message if isinstance(problem, Blocked) else f"syntax error: {refusal.message}"
        plan = Plan(text, facts, replace(_block(reason), rules=rules, hint=refusal.hint))
        plan.refusal = refusal
        if isinstance(problem, UnknownName):
            refusal.probe = text.encode(self.codec)
        return plan

    def _plan(self, text: str, compiled: Compiled) -> Plan:
        if compiled.is_cell_report is not None:
            return self._cell_report(text, compiled.is_cell_report)
        if (encoding := _unreadable_encoding(text)) is not None:
            return self._refused(text, SyntaxProblem(f"client_encoding {encoding} is not supported by the gateway", 0, "0A000"))
        plan = Plan(text, compiled.facts, self.door.decide(compiled.facts))
        plan.compiled, plan.effects = compiled, compiled.effects
        sql = self._limit(plan, compiled)
        plan.unchanged = sql == text
        plan.sent = "" if plan.unchanged else sql
        try:
            plan.sql = sql.encode(self.codec)
        except UnicodeEncodeError:
            # only what we splice in can fail here: names of columns that the client's encoding lacks
            return self._refused(text, Blocked("the masked statement cannot be written in the session's client_encoding"))
        plan.may_copy_in = "copy" in compiled.facts.kinds
        plan.changes_session = _changes_session(text, compiled)
        return plan

    def inner(self, plan: Plan, facts: Facts) -> Plan:
        """Running what SQL's PREPARE prepared: the same text, the facts of the statement inside."""
        made = Plan(plan.text, facts, self.door.decide(facts))
        made.compiled, made.sql, made.sent = plan.compiled, plan.sql, plan.sent
        return made

    def _limit(self, plan: Plan, compiled: Compiled) -> str:
        rows = min((limit for limit in plan.decision.limits if limit.rows > 0), key=lambda limit: limit.rows, default=None)
        seconds = min((li for li in plan.decision.limits if li.seconds > 0), key=lambda li: li.seconds, default=None)
        if seconds is not None:
            plan.seconds, plan.second_rule = seconds.seconds, seconds.rule
        if rows is None:
            return compiled.sql
        plan.row_limit, plan.row_rule = rows.rows, rows.rule
        limited = compiled.limited(rows.rows)
        if not limited:
            return compiled.sql
        plan.position_shift = limited.find(compiled.sql.rstrip("; \t\r\n"))
        return limited

    def _cell_report(self, text: str, payload: str) -> Plan:
        plan = Plan(text, UNREAD, _block(""))
        cell = read_cell(payload)
        if cell is None:
            plan.refusal = Refusal("22023", "govern.cell wants a JSON object with the fields of a notebook cell")
        plan.cell = cell
        return plan


def read_cell(payload: str) -> Cell | None:
    """The cell that a kernel reports; None where it is not one. Reported, never proof."""
    try:
        said: Any = json.loads(payload)
        if not isinstance(said, dict):
            return None
        words = {key: str(said.get(key, ""))[:MAX_CELL_TEXT] for key in ("notebook", "cell_id", "source_sha256", "kernel_id")}
        return Cell(**words, execution_count=int(said.get("execution_count") or 0))
    except (ValueError, TypeError, OverflowError, RecursionError):
        return None


def _unreadable_encoding(text: str) -> str | None:
    """The encoding that a plain SET would change to, where we could not read what comes then. Other ways to set it end the session."""
    found = _SET_ENCODING.match(text)
    return found.group(1) if found is not None and codec_for(found.group(1)) is None and found.group(1).lower() != "default" else None


def _block(reason: str) -> Decision:
    return Decision(effect="block", rules=(), reason=reason)


def _depends_on_prepared(text: str) -> bool:
    # EXECUTE is a keyword: however the statement is written, the word is in it
    return "execute" in text.lower()


def _changes_session(text: str, compiled: Compiled) -> bool:
    if any(not isinstance(effect, TransactionBoundary) or effect.action == "rollback-to" for effect in compiled.effects):
        return True
    lowered = text.lower()
    return "encoding" in lowered or " names" in lowered
