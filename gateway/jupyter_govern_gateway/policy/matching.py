"""Does a rule speak of this actor, this target, these facts? Pure predicates over the configuration's rules."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from itertools import product
from typing import Final

from jupyter_govern.config.model import On, Rule, Who
from jupyter_govern.model import Access, Actor, Facts

MUST_BE_NAMED: Final = frozenset({"forward"})
"""Kinds that no allow covers unless its `kinds` name them: they are off unless a rule says so."""
JUDGED_BY_PEOPLE: Final = frozenset({"shell", "dynamic", "unreadable"})
"""Kinds and traits of what cannot be judged: an approve rule that names one has people judge it."""
WITHOUT_ROWS: Final = frozenset("close deallocate discard listen notify set show transaction unlisten".split())
"""Kinds of statements that neither give nor change rows of tables."""

UNKNOWN: Final = "*"
"""Stands in Facts.functions for what is not known: it could be any."""


def names(who: Who, actor: Actor) -> bool:
    return actor.subject in who.users or bool(actor.groups.intersection(who.groups))


def concerns_actor(rule: Rule, actor: Actor) -> bool:
    if rule.except_who is not None and names(rule.except_who, actor):
        return False
    return rule.who is None or names(rule.who, actor)


def concerns_target(rule: Rule, target: str) -> bool:
    return _any_glob(rule.on.targets, (target,))


def restricts(rule: Rule, facts: Facts) -> bool:
    """For block, approve and limit: whether any part of the statement is what the rule speaks of (all given keys must hold)."""
    on = rule.on
    if on.kinds is not None and not facts.kinds.intersection(on.kinds):
        return False
    if on.traits is not None and not facts.traits.intersection(on.traits):
        return False
    if on.functions is not None and not any(_calls(on.functions, name) for name in facts.functions):
        return False
    if on.estimated_rows_over is not None and not _exceeds(on.estimated_rows_over, facts):
        return False
    if on.verbs is None and on.resources is None:
        return True
    return any(_touches(on, access) and _may_write(on, access) for access in facts.accesses)


def covers(rule: Rule, access: Access, facts: Facts) -> bool:
    """For allow: whether this access is allowed by it, in a statement of these kinds (all of them must be)."""
    on = rule.on
    if on.kinds is None and facts.kinds & MUST_BE_NAMED:
        return False
    if on.kinds is not None and not facts.kinds.issubset(on.kinds):
        return False
    if on.traits is not None and not facts.traits.issubset(on.traits):
        return False
    if on.functions is not None and (UNKNOWN in facts.functions or not all(_calls(on.functions, name) for name in facts.functions)):
        return False
    return _touches(on, access) and _writes_only(on, access)


def _calls(patterns: Iterable[str], name: str) -> bool:
    """Whether a called function, `schema.name`, is one of these; a pattern without a schema means any."""
    if name == UNKNOWN:
        return True
    return any(fnmatchcase(name if "." in pattern else name.rpartition(".")[2], pattern) for pattern in patterns)


def _exceeds(bound: int, facts: Facts) -> bool:
    """What is not known is too many (fail closed)."""
    if facts.kinds and facts.kinds <= WITHOUT_ROWS:
        return False
    return facts.estimated_rows is None or facts.estimated_rows > bound


def _touches(on: On, access: Access) -> bool:
    return (on.verbs is None or access.verb in on.verbs) and _any_glob(on.resources, (access.resource,))


def _may_write(on: On, access: Access) -> bool:
    """Whether one of on.columns could be among what is written: all columns are, where they are not known."""
    if on.columns is None:
        return True
    if access.columns is None:
        return _any_glob((pattern.rpartition(".")[0] for pattern in on.columns), (access.resource,))
    return _any_glob(on.columns, (f"{access.resource}.{column}" for column in access.columns))


def _writes_only(on: On, access: Access) -> bool:
    """Whether all that is written is among on.columns; it is not, where the columns are not known (fail closed)."""
    if on.columns is None:
        return True
    return access.columns is not None and all(_any_glob(on.columns, (f"{access.resource}.{column}",)) for column in access.columns)


def _any_glob(patterns: Iterable[str] | None, values: Iterable[str]) -> bool:
    return patterns is None or any(fnmatchcase(value, pattern) for value, pattern in product(values, patterns))
