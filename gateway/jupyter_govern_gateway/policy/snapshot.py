"""One version of the policy. `decide` is a pure function of actor, target and facts: rules do not depend on their order.

Block beats approve beats allow; masks unite, the strictest format wins a column; every access needs an allow of its own, and
what nothing allows is blocked. What cannot be judged is blocked wherever a mask, block or approve rule could apply, or not all is allowed.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import Final

from jupyter_govern.config.model import Config, Rule
from jupyter_govern.errors import ConfigError
from jupyter_govern.model import Access, Actor, Decision, Facts, Limit, RuleRef
from jupyter_govern_gateway.detect.scanner import Scanner
from jupyter_govern_gateway.policy import matching
from jupyter_govern_gateway.policy.matching import JUDGED_BY_PEOPLE
from jupyter_govern_gateway.policy.standing import MaskPattern, RowFilter, Standing

STRICTEST_FIRST: Final = {"null": 0, "redact": 1, "hash": 2, "partial": 3}
JUDGING: Final = frozenset({"mask", "block", "approve", "filter", "detect"})
COMMANDING: Final = frozenset({"block", "approve"})
_ATTRIBUTE: Final = re.compile(r":actor\.([A-Za-z_][A-Za-z0-9_-]*)")


def ref(rule: Rule) -> RuleRef:
    return RuleRef(name=rule.name, because=rule.because)


class PolicySnapshot:
    """Raises ConfigError for a detector that cannot be used.

    version: the first 12 hex digits of the SHA-256 of the policy file."""

    def __init__(self, config: Config, text: bytes) -> None:
        try:
            Scanner((), {detector.name: detector.pattern for detector in config.detector})
        except ValueError as problem:
            raise ConfigError(str(problem), key="detector") from problem
        self.config = config
        self.version = hashlib.sha256(text).hexdigest()[:12]

    def rules_for(self, actor: Actor, target: str) -> tuple[Rule, ...]:
        """The rules that could apply, by name (so that nothing depends on the order of the file)."""
        mine = (r for r in self.config.rule if matching.concerns_target(r, target) and matching.concerns_actor(r, actor))
        return tuple(sorted(mine, key=lambda rule: rule.name))

    def standing(self, actor: Actor, target: str) -> Standing:
        """What holds before any statement is seen."""
        rules = self.rules_for(actor, target)
        patterns = [_pattern(rule, column) for rule in rules if rule.effect == "mask" for column in rule.on.columns or ()]
        patterns.sort(key=lambda p: (STRICTEST_FIRST[p.format], p.keep, p.rule.name, p.schema, p.relation, p.column))
        judged = _is_judged(rules)
        filters = tuple(f for rule in rules if rule.effect == "filter" for f in _filters(rule, actor))
        own = {detector.name: detector.pattern for detector in self.config.detector}
        content = tuple(sorted({(name, own.get(name, "")) for rule in rules if rule.effect == "detect" for name in rule.content}))
        everything = any(rule.effect == "allow" and _allows_everything(rule) for rule in rules)
        # a limit on some resources, kinds or the like would not be found to be about a name that nobody knows
        unbounded = not judged and everything and all(rule.effect != "limit" or _is_told_without_names(rule) for rule in rules)
        estimates = any(rule.on.estimated_rows_over is not None for rule in rules)
        key = hashlib.sha256(repr((patterns, judged, filters, content, unbounded)).encode()).hexdigest()
        return Standing(
            masks=tuple(patterns), judged=judged, key=key, filters=filters, content=content, unbounded=unbounded, estimates=estimates
        )  # fmt: skip

    def decide(self, actor: Actor, target: str, facts: Facts) -> Decision:
        """What this actor may do with a statement of these facts on this target."""
        rules = self.rules_for(actor, target)
        what = describe(facts)
        blocking = [r for r in rules if r.effect == "block" and matching.restricts(r, facts)]
        if blocking:
            return self._decision("block", blocking, f"{what} is blocked by rule {blocking[0].name!r}", hint=blocking[0].hint)
        if facts.unjudged and _is_judged(rules):
            # what cannot be judged is never allowed where something could be hidden or forbidden, or is not allowed
            return self._decision("block", [], f"{what} cannot be judged: {facts.unjudged}", hint="rewrite it without that construct")
        if facts.unread and _has_command_rules(rules, facts):
            hint = "run programs by their names, without what decides only at run time; or ask whoever keeps the policy"
            return self._decision("block", [], f"{what} cannot be judged: {facts.unread}", hint=hint)
        allowing, missing = self._allowing(rules, facts)
        if missing is not None:
            return self._decision("block", [], f"no rule allows {missing} on {target}", hint="ask whoever keeps the policy for access")
        limits = tuple(_limit(r) for r in rules if r.effect == "limit" and r.limit is not None and matching.restricts(r, facts))
        asking = [r for r in rules if r.effect == "approve" and matching.restricts(r, facts)]
        if asking:
            return self._approval(asking, what, limits)
        return self._decision("allow", allowing, f"{what} is allowed", limits=limits)

    def _allowing(self, rules: tuple[Rule, ...], facts: Facts) -> tuple[list[Rule], str | None]:
        """The rules that allow it all, or what none of them allows."""
        allows = [rule for rule in rules if rule.effect == "allow"]
        if not facts.accesses:
            # transaction control, settings, expressions without a table: whoever may do anything here may do this
            return (allows[:1], None) if allows else ([], "connecting")
        used: list[Rule] = []
        for access in facts.accesses:
            found = next((rule for rule in allows if matching.covers(rule, access, facts)), None)
            if found is None:
                return [], _missing(access, facts)
            if found not in used:
                used.append(found)
        return used, None

    def _approval(self, asking: list[Rule], what: str, limits: tuple[Limit, ...]) -> Decision:
        """People who may answer must be able to answer for every rule that asks: the intersection of their approvers."""
        named = [rule.approvers for rule in asking if rule.approvers is not None]
        groups = frozenset.intersection(*(frozenset(who.groups) for who in named))
        users = frozenset.intersection(*(frozenset(who.users) for who in named))
        if not groups and not users:
            both = " and ".join(repr(rule.name) for rule in asking)
            return self._decision("block", asking, f"{what} needs approval by rules {both}, and nobody may answer for all of them")
        return Decision(
            effect="approve",
            rules=tuple(ref(rule) for rule in asking),
            reason=f"{what} needs approval by rule {asking[0].name!r}",
            hint=asking[0].hint,
            policy_version=self.version,
            limits=limits,
            approver_groups=groups,
            approver_users=users,
            approval_seconds=min(rule.expires_seconds for rule in asking),
        )

    def _decision(self, effect: str, rules: list[Rule], reason: str, *, hint: str = "", limits: tuple[Limit, ...] = ()) -> Decision:
        return Decision(
            effect="allow" if effect == "allow" else "block",
            rules=tuple(ref(rule) for rule in rules),
            reason=reason,
            hint=hint,
            policy_version=self.version,
            limits=limits,
        )


def _has_command_rules(rules: tuple[Rule, ...], facts: Facts) -> bool:
    """Whether a block or approve rule could apply, and none has people judge just this: a rule that names its trait or kind."""
    named = (facts.traits | facts.kinds) & JUDGED_BY_PEOPLE
    asks = any(
        rule.effect == "approve" and (named.intersection(rule.on.traits or ()) or named.intersection(rule.on.kinds or ())) for rule in rules
    )
    return not asks and any(rule.effect in COMMANDING for rule in rules)


def describe(facts: Facts) -> str:
    """A statement in a few words: `DELETE without WHERE on public.orders`."""
    if facts.accesses and all(a.verb == "execute" and a.resource in facts.kinds for a in facts.accesses):
        named = [a.resource for a in facts.accesses if a.resource != "dynamic"]
        return f"running {', '.join(named[:5])}{' and others' if len(named) > 5 else ''}" if named else "this command"
    words = "/".join(kind.upper() for kind in sorted(facts.kinds)) or "this"
    traits = "".join(f" {trait.replace('-', ' ')}" for trait in sorted(facts.traits) if trait in SPOKEN)
    touched = list(dict.fromkeys(a.resource for a in facts.accesses if a.verb != "read")) or list(
        dict.fromkeys(a.resource for a in facts.accesses)
    )
    more = f" and {len(touched) - 3} more" if len(touched) > 3 else ""
    rows = f" (about {facts.estimated_rows:,} rows)" if facts.estimated_rows is not None else ""
    return f"{words}{traits}" + (f" on {', '.join(touched[:3])}{more}" if touched else "") + rows


def _is_judged(rules: Iterable[Rule]) -> bool:
    """Whether it counts what a statement does: where not, some rule lets run anything and none of another effect could apply."""
    known = tuple(rules)
    return any(rule.effect in JUDGING for rule in known) or not any(rule.effect == "allow" and _lets_run_anything(rule) for rule in known)


def _lets_run_anything(rule: Rule) -> bool:
    """Who may execute whatever there is may do by that whatever the target lets the gateway do."""
    on = rule.on
    if on.verbs is not None and "execute" not in on.verbs:
        return False
    return all(each is None for each in (on.resources, on.kinds, on.traits, on.columns, on.functions))


def _allows_everything(rule: Rule) -> bool:
    return _is_told_without_names(rule) and rule.on.functions is None


def _is_told_without_names(rule: Rule) -> bool:
    """Whether what it is about is told without knowing what a statement names; unknown functions and estimates fit any rule."""
    on = rule.on
    return all(each is None for each in (on.verbs, on.resources, on.kinds, on.traits, on.columns))


SPOKEN: Final = frozenset({"without-where", "program", "server-file"})


def _missing(access: Access, facts: Facts) -> str:
    return f"{access.verb} of {access.resource} by {'/'.join(sorted(kind.upper() for kind in facts.kinds))}"


def _pattern(rule: Rule, column: str) -> MaskPattern:
    assert rule.mask is not None  # noqa: S101 - the configuration model guarantees it
    schema, relation, name = column.split(".")
    return MaskPattern(
        rule=ref(rule), schema=schema, relation=relation, column=name, format=rule.mask.format, keep=rule.mask.keep, path=rule.mask.path
    )


def _filters(rule: Rule, actor: Actor) -> list[RowFilter]:
    known = {**dict(actor.claims), "subject": actor.subject}
    # an attribute that the person lacks is NULL: a comparison with it is not true, so there are no rows (fail closed)
    condition = _ATTRIBUTE.sub(lambda found: _literal(known.get(found.group(1))), rule.rows)
    return [
        RowFilter(rule=ref(rule), schema=schema, relation=relation, condition=condition)
        for schema, relation in (resource.split(".") for resource in rule.on.resources or ())
    ]


def _literal(value: str | None) -> str:
    if value is None:
        return "NULL"
    text = value.replace("\0", "").replace("'", "''")
    return "E'" + text.replace("\\", "\\\\") + "'" if "\\" in text else f"'{text}'"


def _limit(rule: Rule) -> Limit:
    assert rule.limit is not None  # noqa: S101 - the configuration model guarantees it
    return Limit(rule=ref(rule), rows=rule.limit.rows, seconds=rule.limit.seconds, bytes=rule.limit.bytes)
