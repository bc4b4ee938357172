"""Query, FunctionCall, and the cell that a kernel reports: messages that are their own batch."""

from __future__ import annotations

from typing import Final

from jupyter_govern.model import Access, Facts
from jupyter_govern_gateway.adapters.postgresql.asking import Asking, refused_plan
from jupyter_govern_gateway.adapters.postgresql.entries import E_FUNCTION, E_QUERY, Plan, Refusal
from jupyter_govern_gateway.adapters.postgresql.exchange import GOING
from jupyter_govern_gateway.codecs.postgresql import frontend
from jupyter_govern_gateway.codecs.postgresql.frames import HEADER, uint32
from jupyter_govern_gateway.gate import Permit

EMPTY_QUERY: Final = frontend.query(b"")
_NO_FUNCTION_CALLS: Final = Refusal(
    "0A000",
    "the FunctionCall message is refused where rules about data apply to you: what it would run cannot be judged",
    hint="Call the function in a SELECT.",
)


class SimpleMessages:
    """Query and FunctionCall."""

    def __init__(self, asking: Asking) -> None:
        self.asking = asking
        self.x = asking.x
        self.out = asking.out

    def query(self, block: bytes, at: int, stop: int) -> bool:
        """One text, one or more statements. False: it waits."""
        shared, asking = self.x, self.asking
        if shared.skipping:
            return True
        raw = frontend.read_query(block, at + HEADER, stop)
        plan = asking.plan(raw)
        if plan is None:
            return False
        if plan.cell is not None:
            self._report_cell(plan)
            return True
        permit = asking.permit(plan)
        if permit is None:
            return False
        if isinstance(permit, Refusal):
            asking.refuse(permit, simple=True)
            return True
        if plan.unchanged:
            self.out.keep(permit, at, stop)
        else:
            self.out.put(permit, frontend.query(plan.sql))
        entry = shared.due(E_QUERY)
        entry.plan, entry.raw = plan, raw
        entry.run = asking.start_run(permit, plan)
        asking.forget_unnamed(entry)
        shared.end_batch()
        asking.follow(entry, plan)
        return True

    def _report_cell(self, plan: Plan) -> None:
        """`SET govern.cell` is for us; the target gets an empty statement so that the answer keeps its turn."""
        self.x.cell = plan.cell
        self.out.put(self.x.permit, EMPTY_QUERY)
        entry = self.x.due(E_QUERY)
        entry.local_tag = b"SET"
        self.asking.forget_unnamed(entry)
        self.x.end_batch()

    def function_call(self, block: bytes, at: int, stop: int) -> bool:
        """The legacy call of a function by its oid."""
        if self.x.skipping:
            return True
        permit = self.may_call(block, at, stop)
        if permit is not None:
            self.out.keep(permit, at, stop)
        return self.x.stall == GOING

    def may_call(self, block: bytes, at: int, stop: int) -> Permit | None:
        """Permission for a FunctionCall, of which perhaps only the start is here; None: it is refused, or (with a stall) it waits."""
        shared, asking = self.x, self.asking
        oid = uint32(block, at + HEADER, stop)
        text = f"FunctionCall of function {oid}"
        if shared.door.is_judged():
            plan = refused_plan(text, _NO_FUNCTION_CALLS)
        else:
            facts = Facts(
                kinds=frozenset({"function-call"}),
                accesses=(Access(verb="execute", resource=f"pg_proc.{oid}"),),
            )
            plan = Plan(text, facts, shared.door.decide(facts))
        permit = asking.permit(plan, (block[at + HEADER : stop],), (1,))
        if permit is None:
            return None
        if isinstance(permit, Refusal):
            asking.refuse(permit, simple=True)
            return None
        entry = shared.due(E_FUNCTION)
        entry.plan, entry.run = plan, asking.start_run(permit, plan)
        shared.end_batch()
        return permit
