"""Where a message asks for something: its plan, its permit, or the refusal in its place; and the waits for both.

A message that must wait is taken up again from its start, so each question here may be asked twice: the answer that was
waited for is kept until the message comes back for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from jupyter_govern.errors import Blocked
from jupyter_govern.model import Decision, Facts
from jupyter_govern_gateway.adapters.postgresql import exchange as x
from jupyter_govern_gateway.adapters.postgresql.entries import E_PARSE, E_QUERY, E_SYNC, Entry, Plan, Refusal, Run
from jupyter_govern_gateway.adapters.postgresql.refusals import INSUFFICIENT_PRIVILEGE, QUERY_CANCELED, refusal_of
from jupyter_govern_gateway.adapters.steps import NeedApproval, NeedDisk, NeedPlan, StartTimer
from jupyter_govern_gateway.codecs.postgresql import frontend
from jupyter_govern_gateway.gate import Pending, Permit

if TYPE_CHECKING:
    from jupyter_govern.errors import SyntaxProblem
    from jupyter_govern_gateway.adapters.postgresql.outgoing import ToTarget
    from jupyter_govern_gateway.sql.compiler import Compiled

# what goes to the target in place of what is refused: it cannot be parsed, so it fails where it stands and does nothing
REFUSED_TEXT: Final = b"refused by jupyter-govern"
REFUSED_QUERY: Final = frontend.query(REFUSED_TEXT)
REFUSED_PARSE: Final = frontend.parse(b"govern_refused", REFUSED_TEXT)
REFUSED_UNNAMED_PARSE: Final = frontend.parse(b"", REFUSED_TEXT)

_CANCELLED: Final = "canceling statement due to user request"
_POLICY_CHANGED: Final = Refusal(INSUFFICIENT_PRIVILEGE, "the policy changed while the statement waited", hint="Send the statement again.")


class Asking:
    """The questions of one session, one at a time."""

    def __init__(self, exchange: x.Exchange, out: ToTarget) -> None:
        self.x = exchange
        self.out = out
        self._ticket = 0
        self._asked: Plan | None = None
        self._verdict: Permit | Refusal | None = None
        self._cancelled = False

    def plan(self, raw: bytes) -> Plan | None:
        """The plan of a statement, or None: the message waits for its compilation."""
        if self._cancelled:
            self._cancelled = False
            return refused_plan(raw.decode(self.x.codec, "replace"), Refusal(QUERY_CANCELED, _CANCELLED))
        plan = self.x.planner.find(raw)
        if plan is None:
            self._ticket += 1
            self.x.stall = x.FOR_PLAN
            self.x.steps.append(NeedPlan(text=self.x.planner.ask_for(raw), ticket=self._ticket))
        return plan

    def permit(self, plan: Plan, parameters: tuple[bytes | None, ...] = (), formats: tuple[int, ...] = ()) -> Permit | Refusal | None:
        """Permission for one operation; None: the message waits for people."""
        verdict = self._verdict
        if verdict is not None:
            self._verdict = None
            return self._still_good(plan, verdict)
        try:
            answer = self.x.door.ask(plan, parameters, formats, self.x.cell)
        except Blocked as problem:
            return plan.refusal or refusal_of(problem)
        if isinstance(answer, Permit):
            return answer
        self._ticket += 1
        self._asked = plan
        self.x.stall = x.FOR_APPROVAL
        if isinstance(answer, Pending):
            self.x.steps.append(NeedApproval(pending=answer, ticket=self._ticket))
        else:
            self.x.steps.append(NeedDisk(settling=answer, ticket=self._ticket))
        return None

    def _still_good(self, plan: Plan, verdict: Permit | Refusal) -> Permit | Refusal:
        asked, self._asked = self._asked, None
        if isinstance(verdict, Refusal) or asked is None:
            return verdict
        if plan is not asked and (plan.refusal or plan.sql != asked.sql or plan.decision.effect == "block"):
            verdict.finish(tag=None, rows=0, bytes_=0, error=_POLICY_CHANGED.message)
            return _POLICY_CHANGED
        return verdict

    def planned(self, ticket: int, text: str, found: Compiled | Blocked | SyntaxProblem) -> bool:
        """The compilation is done, or the statement has a problem; says whether anybody waits for it."""
        if ticket != self._ticket or self.x.stall != x.FOR_PLAN:
            return False
        self.x.planner.fresh(text, found)
        return True

    def answered(self, ticket: int, verdict: Permit | Blocked) -> bool:
        """People have answered, or the question was withdrawn; says whether anybody waits for it."""
        if ticket != self._ticket or self.x.stall != x.FOR_APPROVAL:
            return False
        self._verdict = refusal_of(verdict) if isinstance(verdict, Blocked) else verdict
        return True

    @property
    def has_verdict(self) -> bool:
        """An answer that was waited for is here and nobody has taken it."""
        return self._verdict is not None

    def drop_verdict(self) -> None:
        """The message that waited did not need its answer after all; no other message may have it."""
        verdict, self._verdict, self._asked = self._verdict, None, None
        if isinstance(verdict, Permit):
            verdict.finish(tag=None, rows=0, bytes_=0, error="not run: the session changed while the statement waited")

    def wait(self, reason: int) -> None:
        """Stop reading the client until answers are here; ask the target to send them where no Sync does."""
        shared = self.x
        shared.stall = reason
        if shared.batch_open:
            self.out.put(shared.permit, frontend.FLUSH_MESSAGE)

    def cancel_plan(self) -> None:
        """The message that waits for its compilation is not wanted any more."""
        self._cancelled = True

    def refuse(self, refusal: Refusal, *, simple: bool) -> None:
        """Put the constant that fails in the message's place; its error becomes this refusal."""
        shared = self.x
        if refusal.probe:
            self._probe(refusal, simple=simple)
            return
        self.out.put(shared.permit, REFUSED_QUERY if simple else REFUSED_PARSE)
        entry = shared.due(E_QUERY if simple else E_PARSE)
        entry.refusal = refusal
        if simple:
            self.forget_unnamed(entry)
            shared.end_batch()
        else:
            shared.batch_open = True

    def _probe(self, refusal: Refusal, *, simple: bool) -> None:
        """The target parses the statement (which reads and runs nothing) and so says in its own words what it does not know.
        Should it know the name by now, the constant behind it fails, and the answer is our refusal."""
        shared = self.x
        self.out.put(shared.permit, frontend.parse(b"", refusal.probe) + REFUSED_UNNAMED_PARSE)
        asked = shared.due(E_PARSE)
        asked.hidden = True
        self.forget_unnamed(asked)
        shared.due(E_PARSE).refusal = refusal
        shared.batch_open = True
        if simple:
            self.out.put(shared.permit, frontend.SYNC_MESSAGE)
            shared.due(E_SYNC)
            shared.end_batch()

    def refuse_parse(self, refusal: Refusal, name: bytes) -> None:
        """A Parse without a name drops the statement that had none before, also where it fails."""
        if name or refusal.probe:
            self.refuse(refusal, simple=False)
            return
        shared = self.x
        self.out.put(shared.permit, REFUSED_UNNAMED_PARSE)
        entry = shared.due(E_PARSE)
        entry.refusal = refusal
        entry.statement_change = shared.statements.begin(b"", None, shared.batch)
        shared.batch_open = True

    def forget_unnamed(self, entry: Entry) -> None:
        """A Query drops the unnamed statement and portal of the session."""
        shared = self.x
        if shared.statements.look_up(b"", -1) is not None:
            entry.statement_change = shared.statements.begin(b"", None, shared.batch)
        if shared.portals.look_up(b"", -1) is not None:
            entry.portal_change = shared.portals.begin(b"", None, shared.batch)

    def start_run(self, permit: Permit, plan: Plan) -> Run:
        """The operation goes to the target now."""
        run = Run(permit, plan)
        if plan.seconds:
            self.x.steps.append(StartTimer(run=run, seconds=plan.seconds))
        return run

    def follow(self, entry: Entry, plan: Plan) -> None:
        """What the messages behind this one must know of it."""
        shared = self.x
        if plan.may_copy_in:
            shared.copying = entry
        if plan.changes_session:
            shared.barrier = True
        if plan.compiled is not None and plan.compiled.masked_origins:
            shared.masked_origins = plan.compiled.masked_origins


def refused_plan(text: str, refusal: Refusal) -> Plan:
    """The plan of a statement that the gateway itself refuses; it is recorded like any other refusal."""
    plan = Plan(text, Facts(kinds=frozenset()), Decision(effect="block", rules=(), reason=refusal.message, hint=refusal.hint))
    plan.refusal = refusal
    return plan
