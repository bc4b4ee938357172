"""What the API is given by the rest of the gateway. Values and Protocols only; nothing here does anything.

Identity, Approvals and Recorder are the gateway's own (identity/service.py, approvals.py, recorder/recorder.py); what depends on
configuration and policy comes through the Directory, so that the API never evaluates a rule.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from jupyter_govern.model import Actor, Effect, MaskFormat, Verb
from jupyter_govern_gateway.api.bounds import MISUSES_PER_MINUTE
from jupyter_govern_gateway.api.rates import Rate
from jupyter_govern_gateway.approvals import Approvals
from jupyter_govern_gateway.identity.hub.exchange import HubLogins
from jupyter_govern_gateway.identity.oidc.service import OidcLogins
from jupyter_govern_gateway.identity.service import Identity
from jupyter_govern_gateway.identity.tokens import Token
from jupyter_govern_gateway.identity.workload import Workloads
from jupyter_govern_gateway.recorder.recorder import Recorder

if TYPE_CHECKING:  # pysaml2 is an optional extra
    from jupyter_govern_gateway.identity.saml.service import SamlLogins


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSeen:
    """A rule that concerns somebody on a target; effect also `mask` and `limit`."""

    name: str
    because: str
    effect: Effect | str


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskSeen:
    """Columns hidden from somebody: `public.customers.email`, globs as the rule has them."""

    column: str
    format: MaskFormat
    rule: str
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetSeen:
    """A target as one person sees it. `verbs` is what some rule allows somewhere on it; `why` says so in words, also when it is nothing."""

    name: str
    kind: str
    verbs: tuple[Verb, ...]
    why: str
    masks: tuple[MaskSeen, ...] = ()
    rules: tuple[RuleSeen, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSeen:
    """A program of its own: its groups, and the targets its keys may open at most (() for any)."""

    groups: frozenset[str]
    targets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """Where clients connect. host "" means: under the name by which they reached the API. ca_file "" means a public certificate."""

    host: str
    port: int
    sslmode: str = "verify-full"
    ca_file: str = ""


class Directory(Protocol):
    """Targets and policy, as far as people may look at them."""

    def targets(self, actor: Actor) -> Sequence[TargetSeen]:
        """The targets this person may know of, by the policy in force now."""

    async def is_reachable(self, target: str) -> bool:
        """Whether the target itself answers; bounded in time."""

    def auditor_groups(self) -> frozenset[str]:
        """Members of these see everybody's sessions (`gateway.auditors`)."""

    def admin_groups(self) -> frozenset[str]:
        """Members of these revoke people and make static keys (`gateway.admins`)."""

    def services(self) -> Mapping[str, ServiceSeen]:
        """Who may have static keys now, by name; nobody where they are off."""

    def listening(self) -> Listening | None:
        """Where PostgreSQL clients connect; None while nothing listens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """What the gateway has counted since its start, for /metrics."""

    sessions_open: int = 0
    blocked: int = 0
    asked: int = 0
    plan_hits: int = 0
    plan_misses: int = 0


class SshIssuer(Protocol):
    """The SSH side, as far as the API needs it."""

    def certificate(self, public_key: str, token: Token) -> dict[str, Any]:
        """A certificate that stands for the token, and where it is taken; raises ValueError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiServices:
    """Everything the API works with."""

    identity: Identity
    approvals: Approvals
    recorder: Recorder
    directory: Directory
    ssh: SshIssuer | None = None
    clock: Callable[[], float] = time.time
    counted: Callable[[], Counted] = Counted
    oidc: OidcLogins | None = None
    saml: SamlLogins | None = None
    """Set where people log in at identity providers."""
    misuse: Rate = field(default_factory=lambda: Rate(MISUSES_PER_MINUTE, time.time))
    """How often one token or address gets into the log by what it may not do."""
    workloads: Workloads | None = None
    """Set where workloads may come with tokens of their own."""
    hub: HubLogins | None = None
    """Set where the gateway is a service of a JupyterHub."""
