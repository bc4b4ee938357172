"""What both directions of one session share: what is on its way, what names mean, what is to be written, who is waited for.

State and small transitions only; the messages are read in client_side.py and target_side.py.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Final

from jupyter_govern.model import Cell
from jupyter_govern_gateway.adapters.postgresql.copied import CopiedRows
from jupyter_govern_gateway.adapters.postgresql.entries import E_SYNC, Entry, Plan, Portal, Prepared, Run
from jupyter_govern_gateway.adapters.postgresql.names import NameTable
from jupyter_govern_gateway.adapters.postgresql.planning import Planner
from jupyter_govern_gateway.adapters.postgresql.refusals import fatal
from jupyter_govern_gateway.adapters.steps import CloseSession, Permitted, Step
from jupyter_govern_gateway.codecs.postgresql.backend import IDLE, IN_TRANSACTION
from jupyter_govern_gateway.sql import effects as fx

if TYPE_CHECKING:
    from jupyter_govern_gateway.adapters.postgresql.door import Door
    from jupyter_govern_gateway.adapters.postgresql.naming import SessionNaming
    from jupyter_govern_gateway.gate import Permit

# why the client is not read
GOING: Final = 0
FOR_PLAN: Final = 1
FOR_APPROVAL: Final = 2
FOR_ANSWERS: Final = 3
FOR_COPY: Final = 4
FOR_ROOM: Final = 5


class Exchange:
    """One session between a client and a target."""

    def __init__(self, *, door: Door, permit: Permit, naming: SessionNaming, codec: str, is_kernel: bool) -> None:
        self.door = door
        self.permit = permit
        self.naming = naming
        self.planner = Planner(door, naming, codec)
        self.is_kernel = is_kernel
        self.masked_origins: frozenset[tuple[int, int]] = frozenset()
        self.cell: Cell | None = None
        # for the driver
        self.to_client: list[bytes] = []
        self.to_target: list[Permitted] = []
        self.steps: list[Step] = []
        # on the way
        self.expected: deque[Entry] = deque()
        self.statements: NameTable[Prepared] = NameTable()
        self.portals: NameTable[Portal] = NameTable()
        self.batch = 0
        self.batch_open = False
        self.status = IDLE
        self.skipping = False
        self.stall = GOING
        self.barrier = False
        self.copying: Entry | None = None
        self.copy_in = False
        self.copied: CopiedRows | None = None
        """The rows that a COPY takes in, where some of their columns are masked."""
        self.catalog_dirty = False
        self.raw_quotable = False
        self.batch_failed = False
        self.said_masked = "[]"
        self.cut_to_sync = False
        self.target_said_fatal = False
        self.last_words = b""
        self.closed = False

    @property
    def codec(self) -> str:
        return self.planner.codec

    @property
    def has_masks(self) -> bool:
        """Some column of the target is hidden from this actor, under the policy of now."""
        return self.door.has_masks()

    def due(self, kind: int) -> Entry:
        """A message of this kind goes to the target; its answer is due."""
        entry = Entry(kind)
        self.expected.append(entry)
        return entry

    def end_batch(self) -> None:
        """Behind a Sync, a Query or a FunctionCall, what came before it is no longer all or nothing."""
        self.batch += 1
        self.batch_open = False

    def settle(self, entry: Entry, happened: bool) -> None:
        """Apply or drop what the message would have done to names."""
        if entry.statement_change is not None:
            self.statements.settle(entry.statement_change, happened)
            entry.statement_change = None
        if entry.portal_change is not None:
            before = self.portals.known(entry.portal_change.name)
            if happened and before is not None and before.run is not None:
                self.end_run(before.run)  # begun, not read to its end, and replaced
            self.portals.settle(entry.portal_change, happened)
            entry.portal_change = None

    def begin_copy_in(self, run: Run) -> None:
        """The target waits for rows."""
        copies = run.plan.compiled.copies if run.plan.compiled is not None else ()
        into = copies[run.copies] if run.copies < len(copies) else None
        run.copies += 1
        self.copied = CopiedRows(into, self.codec) if into is not None else None
        self.copy_in = True

    def skip_to_sync(self) -> None:
        """The target failed in an extended message and ignores everything up to the next Sync."""
        while self.expected and self.expected[0].kind != E_SYNC:
            entry = self.expected.popleft()
            self.settle(entry, False)
            if entry.run is not None:
                entry.run.in_flight -= 1
                self.end_run(entry.run, error="not run: an earlier message of its batch failed")
        if not self.expected:
            self.skipping = True
        self.copying = None
        self.copy_in = False

    def end_run(self, run: Run, *, tag: str | None = None, error: str | None = None) -> None:
        """The operation is over: write its end, once."""
        if run.finished:
            return
        run.finished = True
        run.permit.finish(tag=tag, rows=run.rows or _counted(tag), bytes_=run.bytes_, error=error)

    def cut_batch(self) -> None:
        """Nothing more of this batch reaches the client: what it sends up to its Sync is not run, answers are swallowed."""
        self.cut_to_sync = True
        if not any(entry.kind == E_SYNC for entry in self.expected):
            self.skipping = True

    def drop_portals(self) -> None:
        """The transaction is over, and with it its portals."""
        if len(self.portals):
            for portal in self.portals.values():
                if portal.run is not None:
                    self.end_run(portal.run)
            self.portals.clear()

    def fail(self, code: str, message: str) -> None:
        """The session cannot go on: the client is told why, at the end of what it gets."""
        self.last_words = fatal(code, message)
        self.closed = True
        self.steps.append(CloseSession(reason=message))

    def may_define(self) -> bool:
        """Data definition is on its way, or done in a transaction that is still open."""
        plans = [entry.run.plan for entry in self.expected if entry.run is not None]
        return self.catalog_dirty or any(isinstance(effect, fx.CatalogChanged) for plan in plans for effect in plan.effects)

    def end_everything(self, error: str) -> None:
        """The session ends: so does every operation on its way."""
        for entry in self.expected:
            if entry.run is not None:
                self.end_run(entry.run, error=error)
        for portal in self.portals.values():
            if portal.run is not None:
                self.end_run(portal.run, error=error)

    def took_effect(self, plan: Plan, raw: bytes, *, in_batch: bool = False) -> None:
        """A statement succeeded: believe what it did to the session. in_batch: its Sync is to come, which may undo it."""
        for effect in plan.effects:
            if isinstance(effect, fx.CatalogChanged):
                status = IN_TRANSACTION if in_batch else self.status
                self.catalog_dirty = True
                self.naming.defined(effect.created, effect.dropped, is_sure=effect.is_sure, status=status)
            else:
                self._apply(effect, plan, raw)

    def may_have_taken_effect(self, plan: Plan) -> None:
        """Several statements in one message, and one failed: PREPARE and DEALLOCATE are not undone with the rest, nor is what a COMMIT
        among them had kept."""
        self.catalog_dirty |= any(isinstance(effect, fx.CatalogChanged) for effect in plan.effects)
        if plan.compiled is None or plan.compiled.statement_count < 2:
            return
        for effect in plan.effects:
            if isinstance(effect, fx.Prepared | fx.Deallocated | fx.DiscardAll):
                self._forget_prepared(getattr(effect, "name", None))

    def _apply(self, effect: Any, plan: Plan, raw: bytes) -> None:
        match effect:
            case fx.SetSearchPath():
                self.naming.set_path(effect.path, local=effect.local, status=self.status)
            case fx.Prepared():
                prepared = Prepared(effect.name.encode(self.codec, "replace"), raw, plan, self.planner.current())
                prepared.facts = effect.facts
                self.statements.put(prepared.name, prepared)
                self.planner.prepared_facts[effect.name] = effect.facts
            case fx.Deallocated():
                self._forget_prepared(effect.name)
            case fx.TempCreated():
                self.naming.set_temporary(self.naming.temporary | {effect.name}, status=self.status)
            case fx.TempDropped():
                self.naming.set_temporary(self.naming.temporary - {effect.name}, status=self.status)
            case fx.TransactionBoundary(action=action, savepoint=savepoint) if action != "other":
                self.naming.savepoint(action, savepoint)
            case fx.DiscardAll():
                self._forget_prepared(None)
                self.naming.forget()
            case _:
                pass

    def _forget_prepared(self, name: str | None) -> None:
        if name is None:
            self.statements.clear()
            self.planner.prepared_facts.clear()
        else:
            self.statements.put(name.encode(self.codec, "replace"), None)
            self.planner.prepared_facts.pop(name, None)


def _counted(tag: str | None) -> int:
    """The rows that a command tag counts: `UPDATE 5`, `INSERT 0 3`."""
    last = tag.rpartition(" ")[2] if tag else ""
    return int(last) if last.isdigit() else 0
