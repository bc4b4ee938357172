"""The Directory over the policy in force: what each person may know of targets and rules. Decides nothing.

A target is reachable if its port takes a connection; that says nothing of the gateway's credential there.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable

from jupyter_govern.config.model import Rule, Target
from jupyter_govern.config.ssh import SshTarget
from jupyter_govern.model import VERBS, Actor, Verb
from jupyter_govern_gateway.api.bounds import REACHABLE_KEPT_SECONDS, REACHABLE_SECONDS
from jupyter_govern_gateway.api.services import Listening, MaskSeen, RuleSeen, ServiceSeen, TargetSeen
from jupyter_govern_gateway.policy.store import PolicyStore


class PolicyDirectory:
    """`listening` says where PostgreSQL clients connect, once they can."""

    def __init__(
        self, policy: PolicyStore, *, listening: Callable[[], Listening | None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._policy, self._listening, self._clock = policy, listening, clock
        self._answered: dict[str, tuple[float, bool]] = {}

    def targets(self, actor: Actor) -> list[TargetSeen]:
        """Every target, with what this person may do there."""
        snapshot = self._policy.current()
        return [_seen(target, snapshot.rules_for(actor, target.name)) for target in snapshot.config.target]

    async def is_reachable(self, target: str) -> bool:
        """Whether its port takes a connection; an answer counts for REACHABLE_KEPT_SECONDS."""
        found = next((each for each in self._policy.current().config.target if each.name == target), None)
        if found is None:
            return False
        kept = self._answered.get(target)
        if kept is not None and self._clock() - kept[0] < REACHABLE_KEPT_SECONDS:
            return kept[1]
        answer = await _takes_connections(found)
        self._answered[target] = (self._clock(), answer)
        return answer

    def auditor_groups(self) -> frozenset[str]:
        """`gateway.auditors`."""
        return frozenset(self._policy.current().config.gateway.auditors)

    def admin_groups(self) -> frozenset[str]:
        """`gateway.admins`."""
        return frozenset(self._policy.current().config.gateway.admins)

    def services(self) -> dict[str, ServiceSeen]:
        """`[[identity.service]]`, where `identity.static_keys` is on."""
        identity = self._policy.current().config.identity
        found = identity.service if identity.static_keys else ()
        return {each.name: ServiceSeen(groups=frozenset(each.groups), targets=each.targets) for each in found}

    def listening(self) -> Listening | None:
        """Where PostgreSQL clients connect."""
        return self._listening()


async def _takes_connections(target: Target | SshTarget) -> bool:
    try:
        async with asyncio.timeout(REACHABLE_SECONDS):
            if target.host.startswith("/"):
                _, writer = await asyncio.open_unix_connection(f"{target.host}/.s.PGSQL.{target.port}")
            else:
                _, writer = await asyncio.open_connection(target.host, target.port)
    except (OSError, TimeoutError):
        return False
    writer.transport.abort()
    return True


def _seen(target: Target | SshTarget, rules: tuple[Rule, ...]) -> TargetSeen:
    allows = [rule for rule in rules if rule.effect == "allow"]
    verbs = _verbs(allows)
    why = f"{', '.join(verbs)}: by {_names(allows)}" if allows else "no rule allows you anything here"
    return TargetSeen(
        name=target.name,
        kind=target.kind,
        verbs=verbs,
        why=why,
        masks=tuple(mask for rule in rules for mask in _masks(rule)),
        rules=tuple(RuleSeen(name=rule.name, because=rule.because, effect=rule.effect) for rule in rules),
    )


def _verbs(allows: list[Rule]) -> tuple[Verb, ...]:
    allowed = {verb for rule in allows for verb in (VERBS if rule.on.verbs is None else rule.on.verbs)}
    return tuple(verb for verb in VERBS if verb in allowed)


def _masks(rule: Rule) -> Iterable[MaskSeen]:
    if rule.mask is not None:
        for column in rule.on.columns or ():
            yield MaskSeen(column=column, format=rule.mask.format, rule=rule.name, because=rule.because)


def _names(rules: list[Rule]) -> str:
    return ", ".join(f"'{rule.name}'" for rule in rules)
