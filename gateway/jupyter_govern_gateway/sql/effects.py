"""What a statement does to the session it runs in, once it has succeeded. Values only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from jupyter_govern.model import Facts


@dataclass(frozen=True, slots=True, kw_only=True)
class SetSearchPath:
    """path None: changed to something that cannot be read from the statement."""

    path: tuple[str, ...] | None
    local: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    name: str
    facts: Facts


@dataclass(frozen=True, slots=True, kw_only=True)
class Deallocated:
    """name None: all of them."""

    name: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TempCreated:
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TempDropped:
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscardAll:
    """Prepared statements, temporary tables and settings are gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogChanged:
    """Data definition: what is known of the target's catalog is old now.

    created, dropped: `schema.relation` pairs; all that changed, where `is_sure`. Others may now find another relation under a name.
    """

    created: tuple[tuple[str, str], ...] = ()
    dropped: tuple[tuple[str, str], ...] = ()
    is_sure: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionBoundary:
    """BEGIN, COMMIT, ROLLBACK, SAVEPOINT and the like. savepoint: the name, where it is about one."""

    action: Literal["other", "savepoint", "release", "rollback-to"] = "other"
    savepoint: str = ""


SessionEffect = SetSearchPath | Prepared | Deallocated | TempCreated | TempDropped | DiscardAll | CatalogChanged | TransactionBoundary
