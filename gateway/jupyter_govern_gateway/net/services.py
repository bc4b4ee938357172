"""What the PostgreSQL listener is given by the rest of the gateway. Protocols only; the objects come from app.py."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from jupyter_govern.model import Actor, Decision, Facts
    from jupyter_govern_gateway.gate import Gate
    from jupyter_govern_gateway.identity.scram import ScramVerifiers
    from jupyter_govern_gateway.identity.ties import Ties
    from jupyter_govern_gateway.identity.tokens import Token
    from jupyter_govern_gateway.net.door import SessionDoor
    from jupyter_govern_gateway.net.targets import TargetAddress
    from jupyter_govern_gateway.policy.standing import Standing
    from jupyter_govern_gateway.sql.catalog import Catalog
    from jupyter_govern_gateway.sql.compiler import Compiled
    from jupyter_govern_gateway.sql.naming import Naming


class Identity(Protocol):
    """Proofs in, tokens out. All raise AuthenticationFailed."""

    def scram_verifiers(self, subject: str) -> ScramVerifiers: ...
    def authenticate_password(self, subject: str, token: str) -> Token: ...
    def token_actor(self, token_id: str) -> Token: ...
    def lineage(self, token: Token) -> tuple[Token, ...]: ...
    @property
    def ties(self) -> Ties: ...


class Policy(Protocol):
    """The policy in force; `current` is another object after a reload."""

    def current(self) -> object: ...
    def standing(self, actor: Actor, target: str) -> Standing: ...
    def decide(self, actor: Actor, target: str, facts: Facts) -> Decision: ...


class Plans(Protocol):
    """Compiled statements: `lookup` is synchronous and never compiles, `compile` works in a thread."""

    def lookup(self, *, target: str, catalog: Catalog, standing: Standing, naming: Naming, text: str) -> Compiled | None: ...
    async def compile(
        self, *, target: str, catalog: Catalog, standing: Standing, naming: Naming, text: str
    ) -> Compiled: ...  # raises SyntaxProblem, Blocked


class Catalogs(Protocol):
    """What targets hold."""

    def current(self, target: str) -> Catalog | None: ...
    async def get(self, target: str) -> Catalog: ...  # raises TargetUnavailable
    def invalidate(self, target: str) -> None: ...


class Estimates(Protocol):
    """What the target's planner says of a statement."""

    async def of(self, target: str, compiled: Compiled, naming: Naming) -> Compiled: ...


class Log(Protocol):
    """The gateway-wide log; raises RecordingFailed."""

    def write(self, kind: str, **fields: Any) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The rest of the gateway, as the wire sees it."""

    identity: Identity
    policy: Policy
    plans: Plans
    catalogs: Catalogs
    estimates: Estimates
    gate: Gate
    targets: Mapping[str, TargetAddress]
    log: Log
    hash_key: str
    voices: dict[tuple[str, int], SessionDoor] = field(default_factory=dict)
    """The sessions that run, by target and process id of their backend there."""
