"""Parse, Bind, Describe, Execute, Close: a statement in pieces. It is decided at Parse (refused there where it can only be
blocked) and at Execute, where permits are given and approvals waited for.
"""

from __future__ import annotations

from typing import Final, TypeVar

from jupyter_govern_gateway.adapters.postgresql import exchange as x
from jupyter_govern_gateway.adapters.postgresql.asking import Asking, refused_plan
from jupyter_govern_gateway.adapters.postgresql.entries import (
    E_BIND,
    E_CLOSE,
    E_DESCRIBE_PORTAL,
    E_DESCRIBE_STATEMENT,
    E_EXECUTE,
    E_PARSE,
    Plan,
    Portal,
    Prepared,
    Refusal,
    Run,
)
from jupyter_govern_gateway.adapters.postgresql.names import NameTable, Uncertain
from jupyter_govern_gateway.adapters.postgresql.refusals import (
    INSUFFICIENT_PRIVILEGE,
    NO_SUCH_PORTAL,
    NO_SUCH_STATEMENT,
    STALE_PLAN,
)
from jupyter_govern_gateway.codecs.postgresql import frontend
from jupyter_govern_gateway.codecs.postgresql.frames import HEADER
from jupyter_govern_gateway.net.bounds import MAX_STATEMENTS
from jupyter_govern_gateway.sql.placeholders import explanation, looks_masked

T = TypeVar("T")

_STALE: Final = Refusal(
    STALE_PLAN, "cached plan must not change result type", detail="The policy or the schema changed since it was prepared."
)
_TOO_MANY: Final = Refusal("53400", f"more than {MAX_STATEMENTS} prepared statements or portals in one session")


class ExtendedMessages:
    """The messages of the extended protocol up to Sync."""

    def __init__(self, asking: Asking) -> None:
        self.asking = asking
        self.x = asking.x
        self.out = asking.out

    def parse(self, block: bytes, at: int, stop: int) -> bool:
        """Prepare a statement."""
        shared, asking = self.x, self.asking
        if shared.skipping:
            return True
        message = frontend.read_parse(block, at + HEADER, stop)
        plan = asking.plan(message.text)
        if plan is None:
            return False
        refusal = self._refusal_at_parse(plan)
        if refusal is not None:
            asking.refuse_parse(refusal, message.name)
            return True
        if plan.unchanged:
            self.out.keep(shared.permit, at, stop)
        else:
            self.out.put(shared.permit, frontend.parse(message.name, plan.sql, message.types))
        prepared = Prepared(message.name, message.text, plan, shared.planner.current())
        entry = shared.due(E_PARSE)
        entry.plan, entry.prepared = plan, prepared
        entry.statement_change = shared.statements.begin(message.name, prepared, shared.batch)
        shared.batch_open = True
        if shared.has_masks:
            self._check_origins(prepared)
        return True

    def _refusal_at_parse(self, plan: Plan) -> Refusal | None:
        if len(self.x.statements) >= MAX_STATEMENTS:
            return _TOO_MANY
        if plan.refusal is None and (plan.cell is not None or plan.decision.effect != "block"):
            return None
        answer = self.asking.permit(plan)  # records the refusal
        return answer if isinstance(answer, Refusal) else Refusal(INSUFFICIENT_PRIVILEGE, plan.decision.reason)

    def _check_origins(self, prepared: Prepared) -> None:
        """Clients need not Describe; we must, to see where the columns come from."""
        self.out.put(self.x.permit, frontend.describe_statement(prepared.name))
        entry = self.x.due(E_DESCRIBE_STATEMENT)
        entry.hidden = True
        entry.plan, entry.prepared = prepared.plan, prepared

    def bind(self, block: bytes, at: int, stop: int) -> bool:
        """Make a portal of a prepared statement."""
        shared = self.x
        if shared.skipping:
            return True
        message = frontend.read_bind(block, at + HEADER, stop)
        prepared = self.statement(message.statement)
        if prepared is None:
            return False
        if isinstance(prepared, Refusal):
            self.asking.refuse(prepared, simple=False)
            return True
        self.out.keep(shared.permit, at, stop)
        self.bound(message.portal, Portal(prepared, message.parameters, message.formats, message.result_formats))
        return True

    def bound(self, name: bytes, portal: Portal) -> None:
        """A Bind is on its way."""
        entry = self.x.due(E_BIND)
        entry.plan = portal.prepared.plan
        entry.portal_change = self.x.portals.begin(name, portal, self.x.batch)
        self.x.batch_open = True

    def statement(self, name: bytes) -> Prepared | Refusal | None:
        """The statement of this name; None: the message waits until the name is certain."""
        if len(self.x.portals) >= MAX_STATEMENTS:
            return _TOO_MANY
        return self._named(self.x.statements, name, NO_SUCH_STATEMENT, "prepared statement")

    def portal(self, name: bytes) -> Portal | Refusal | None:
        """The portal of this name; None: the message waits until the name is certain."""
        return self._named(self.x.portals, name, NO_SUCH_PORTAL, "portal")

    def _named(self, table: NameTable[T], name: bytes, code: str, what: str) -> T | Refusal | None:
        found = table.look_up(name, self.x.batch)
        if isinstance(found, Uncertain):
            self.asking.wait(x.FOR_ANSWERS)
            return None
        if found is None:
            # what we have not seen prepared we do not run
            return Refusal(code, f'{what} "{name.decode(self.x.codec, "replace")}" does not exist')
        return found

    def describe(self, block: bytes, at: int, stop: int) -> bool:
        """What a statement or portal gives. An unknown portal may be a cursor that SQL declared (psycopg's server cursors
        ask so): its columns may be described, and their origins are checked like all."""
        shared = self.x
        if shared.skipping:
            return True
        what, name = frontend.read_target(block, at + HEADER, stop)
        prepared: Prepared | Refusal | None
        if what == frontend.STATEMENT:
            prepared = self.statement(name)
        else:
            portal = self.portal(name)
            prepared = portal.prepared if isinstance(portal, Portal) else portal
        if prepared is None:
            return False
        self.out.keep(shared.permit, at, stop)
        entry = shared.due(E_DESCRIBE_STATEMENT if what == frontend.STATEMENT else E_DESCRIBE_PORTAL)
        if isinstance(prepared, Prepared):
            entry.plan, entry.prepared = prepared.plan, prepared
        shared.batch_open = True
        return True

    def execute(self, block: bytes, at: int, stop: int) -> bool:
        """Run a portal, or go on with it."""
        shared, asking = self.x, self.asking
        if shared.skipping:
            return True
        name, _ = frontend.read_execute(block, at + HEADER, stop)
        portal = self.portal(name)
        if portal is None:
            return False
        if isinstance(portal, Portal) and portal.prepared.plan.cell is not None:
            return self._execute_cell_report(portal.prepared.plan, at, stop)
        run = self._run_of(portal) if isinstance(portal, Portal) else portal
        if run is None:
            return False
        if isinstance(run, Refusal):
            asking.refuse(run, simple=False)
            return True
        self.out.keep(run.permit, at, stop)
        entry = shared.due(E_EXECUTE)
        entry.run, entry.plan = run, run.plan
        if isinstance(portal, Portal):
            entry.prepared = portal.prepared
            entry.raw = portal.prepared.raw
        run.in_flight += 1
        shared.batch_open = True
        asking.follow(entry, run.plan)
        return True

    def _execute_cell_report(self, plan: Plan, at: int, stop: int) -> bool:
        self.x.cell = plan.cell
        self.out.keep(self.x.permit, at, stop)
        self.x.due(E_EXECUTE).local_tag = b"SET"
        self.x.batch_open = True
        return True

    def _run_of(self, portal: Portal) -> Run | Refusal | None:
        """The portal's run: the one that was begun and is not over, else a new one, which is asked for."""
        if portal.run is not None and not portal.run.finished:
            return portal.run
        if portal.prepared.cut_by:
            return Refusal(INSUFFICIENT_PRIVILEGE, portal.prepared.cut_by)
        plan = self._fresh_plan(portal.prepared)
        if plan is None or isinstance(plan, Refusal):
            return plan
        refused = self._written_back(plan, portal)
        permit = self.asking.permit(refused or plan, portal.parameters, portal.formats)
        if permit is None or isinstance(permit, Refusal):
            return permit
        portal.run = self.asking.start_run(permit, plan)
        portal.run.formats = portal.result_formats
        portal.run.prepared = portal.prepared
        return portal.run

    def _written_back(self, plan: Plan, portal: Portal) -> Plan | None:
        """A parameter that looks like the mask of the column it is written into: refused, and recorded so."""
        compiled = plan.compiled
        for written in compiled.written_parameters if compiled is not None else ():
            value = portal.parameters[written.number - 1] if written.number <= len(portal.parameters) else None
            if value is not None and looks_masked(value.decode(self.x.codec, "replace"), written.column, written.mask):
                words = explanation(written.column.name, "the table", written.mask)
                return refused_plan(plan.text, Refusal(INSUFFICIENT_PRIVILEGE, f"parameter ${written.number}: {words}"))
        return None

    def _fresh_plan(self, prepared: Prepared) -> Plan | Refusal | None:
        """The statement's plan under the policy, schema and names of now. Where other SQL would go to the target today, the
        prepared one must not run: drivers prepare again after this error."""
        planner = self.x.planner
        if prepared.stamp is not planner.current():
            plan = self.asking.plan(prepared.raw)
            if plan is None:
                return None
            if plan.refusal is not None:
                return plan
            if plan.sql != prepared.plan.sql:
                return _STALE
            prepared.plan, prepared.stamp = plan, planner.current()
        if prepared.facts is None:
            return prepared.plan
        return planner.inner(prepared.plan, prepared.facts)

    def close(self, block: bytes, at: int, stop: int) -> bool:
        """Forget a statement or portal."""
        shared = self.x
        if shared.skipping:
            return True
        what, name = frontend.read_target(block, at + HEADER, stop)
        self.out.keep(shared.permit, at, stop)
        entry = shared.due(E_CLOSE)
        if what == frontend.STATEMENT:
            entry.statement_change = shared.statements.begin(name, None, shared.batch)
        else:
            entry.portal_change = shared.portals.begin(name, None, shared.batch)
        shared.batch_open = True
        return True
