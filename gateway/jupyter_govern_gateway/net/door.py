"""One actor's way to one target: policy, plans and gate behind the questions that a session asks."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from jupyter_govern.errors import Blocked
from jupyter_govern.model import Actor, Cell, Decision, Facts, Operation
from jupyter_govern_gateway.detect.scanner import Scanner
from jupyter_govern_gateway.net.bounds import CATALOG_SECONDS
from jupyter_govern_gateway.net.estimates import Estimated
from jupyter_govern_gateway.net.services import Services
from jupyter_govern_gateway.sql.naming import Naming

if TYPE_CHECKING:
    from jupyter_govern_gateway.adapters.postgresql.entries import Plan
    from jupyter_govern_gateway.adapters.postgresql.naming import Belief
    from jupyter_govern_gateway.gate import Answer, SessionRecord
    from jupyter_govern_gateway.policy.standing import Standing
    from jupyter_govern_gateway.sql.catalog import Catalog
    from jupyter_govern_gateway.sql.compiler import Compiled


MAX_DECISIONS = 1_000


@lru_cache(maxsize=256)
def _scanner(content: tuple[tuple[str, str], ...]) -> Scanner:
    return Scanner([name for name, pattern in content if not pattern], {name: pattern for name, pattern in content if pattern})


def scanner_of(standing: Standing) -> Scanner | None:
    """The detectors that policy asks for."""
    return _scanner(standing.content) if standing.content else None


class SessionDoor:
    """Implements adapters/postgresql/door.py."""

    def __init__(self, services: Services, *, actor: Actor, target: str, database: str, user: str, record: SessionRecord) -> None:
        self._services = services
        self._actor = actor
        self._target = target
        self._database = database
        self._user = user
        self._record = record
        self._operations = 0
        self._pid = 0
        self._decisions: dict[int, tuple[Facts, Decision]] = {}
        self._snapshot: object = None
        self._catalog: Catalog | None = None
        self._stamp: object = object()
        self._standing: Standing = services.policy.standing(actor, target)
        self._scanner = scanner_of(self._standing)
        self._estimated = Estimated()

    def stamp(self) -> object:
        services = self._services
        snapshot, catalog = services.policy.current(), services.catalogs.current(self._target)
        if snapshot is not self._snapshot or catalog is not self._catalog:
            self._snapshot, self._catalog = snapshot, catalog
            self._standing = services.policy.standing(self._actor, self._target)
            self._scanner = scanner_of(self._standing)
            self._stamp = object()
            self._decisions.clear()
            self._estimated.clear()
        return self._stamp

    def has_masks(self) -> bool:
        self.stamp()
        return bool(self._standing.masks or self._standing.filters or self._standing.content)

    def is_judged(self) -> bool:
        self.stamp()
        return self._standing.judged

    def naming(self, belief: Belief, prepared: tuple[tuple[str, Facts], ...]) -> Naming:
        return Naming(
            database=self._database,
            search_path=belief.path,
            temp_relations=belief.temporary,
            prepared=prepared,
            user=self._user,
            created=belief.created,
            is_sure=belief.is_sure,
        )

    def scanner(self) -> Scanner | None:
        self.stamp()
        return self._scanner

    def began(self, pid: int) -> None:
        """This session's backend at the target."""
        self._pid = pid
        self._services.voices[self._target, pid] = self

    def ended(self) -> None:
        self._services.voices.pop((self._target, self._pid), None)

    def speaks_masked(self, pid: int) -> bool:
        """A session of ours with the same masks, at a target where no function or trigger could speak of what masks hide."""
        self.stamp()
        speaker = self._services.voices.get((self._target, pid))
        if speaker is None or self._catalog is None or self._catalog.may_notify:
            return False
        speaker.stamp()
        return speaker._standing.key == self._standing.key

    def look_up(self, text: str, naming: Naming) -> Compiled | None:
        self.stamp()
        if self._catalog is None:
            return None
        if self._standing.estimates:
            return self._estimated.get(text, naming)
        return self._services.plans.lookup(target=self._target, catalog=self._catalog, standing=self._standing, naming=naming, text=text)

    async def compile(self, text: str, naming: Naming) -> Compiled:
        """Not on the event loop: a worker compiles, this session alone waits. Raises SyntaxProblem, Blocked."""
        try:
            async with asyncio.timeout(CATALOG_SECONDS):
                catalog = await self._services.catalogs.get(self._target)
        except TimeoutError:
            raise Blocked("the target's catalog could not be read in time", hint="Try again.") from None
        now = self.stamp()
        stamp = now if catalog is self._catalog else None
        plans, where = self._services.plans, self._target
        compiled = plans.lookup(target=where, catalog=catalog, standing=self._standing, naming=naming, text=text)
        if compiled is None:
            compiled = await plans.compile(target=where, catalog=catalog, standing=self._standing, naming=naming, text=text)
        return await self._estimate(text, compiled, naming, stamp) if self._standing.estimates else compiled

    async def _estimate(self, text: str, compiled: Compiled, naming: Naming, stamp: object) -> Compiled:
        """Nothing of a statement that is refused anyway reaches the target; what does is on record before.

        stamp: that under which it was compiled; where it is another by now, it may mean or be masked something else, and is not kept.
        """
        fewest = replace(compiled.facts, estimated_rows=0)
        if compiled.is_cell_report is None and self.decide(fewest).effect != "block":
            self.note("estimate", {"statement": text})
            compiled = await self._services.estimates.of(self._target, compiled, naming)
        if stamp is self.stamp():
            self._estimated.keep(text, naming, compiled)
        return compiled

    def decide(self, facts: Facts) -> Decision:
        self.stamp()
        known = self._decisions.get(id(facts))  # statements that share a plan share its facts; kept, so that the id stays theirs
        if known is not None:
            return known[1]
        decision = self._services.policy.decide(self._actor, self._target, facts)
        if len(self._decisions) >= MAX_DECISIONS:
            self._decisions.clear()
        self._decisions[id(facts)] = (facts, decision)
        return decision

    def ask(self, plan: Plan, parameters: tuple[bytes | None, ...], formats: tuple[int, ...], cell: Cell | None) -> Answer:
        self._operations += 1
        compiled = plan.compiled
        operation = Operation(
            id=f"{self._record.id}.{self._operations}",
            session=self._record.id,
            actor=self._actor,
            target=self._target,
            protocol="postgresql",
            statement=plan.text,
            facts=plan.facts,
            parameters=parameters,
            parameter_formats=formats,
            cell=cell,
            rewritten=plan.sent,
            touches_masked=compiled is not None and compiled.touches_masked,
        )
        return self._services.gate.ask_now(operation, plan.decision, self._record)

    def note(self, kind: str, detail: dict[str, Any]) -> None:
        self._record.note(kind, detail)
