"""An attack: its name, what it does, and what it is after: a secret of the named row, or an effect."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .attacker import Attacker, Rows

Attack = Callable[[Attacker], object]


@dataclass(frozen=True, slots=True)
class Case:
    name: str
    attack: Attack
    field: str = ""
    """The secret of the named row that the attack recovers."""
    effect: str = ""
    """Or a condition, asked of the owner, that holds once the attack took effect."""
    needs: str = ""
    """A condition at the server without which there is nothing to attack; the case is skipped then."""


def leak(name: str, field: str, *statements: str, decode: Callable[[Rows], object] = list) -> Case:
    """SQL whose last statement's rows give the secret, once decoded."""
    return Case(name, lambda attacker: decode(attacker.rows(*statements)), field=field)


def clever(name: str, field: str, attack: Attack) -> Case:
    return Case(name, attack, field=field)


def harm(name: str, effect: str, *statements: str) -> Case:
    """SQL that does what is blocked or waits for approval."""
    return Case(name, lambda attacker: attacker.try_each(*statements), effect=effect)


def one(rows: Rows) -> str:
    """The first value, as text."""
    return str(rows[0][0])


def column(rows: Rows) -> str:
    """The first column's values, one after the other."""
    return "".join(str(row[0]) for row in rows)
