"""What all SSH connections of one listener share."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jupyter_govern_gateway.gate import Gate
    from jupyter_govern_gateway.identity.service import Identity
    from jupyter_govern_gateway.net.services import Log, Policy
    from jupyter_govern_gateway.net.tasks import Tasks
    from jupyter_govern_gateway.ssh.authority import Authority
    from jupyter_govern_gateway.ssh.targets import SshAddress
    from jupyter_govern_gateway.ssh.visit import Visit


@dataclass(frozen=True, slots=True, kw_only=True)
class SshHouse:
    """The rest of the gateway, as SSH sees it."""

    identity: Identity
    policy: Policy
    gate: Gate
    log: Log
    targets: Mapping[str, SshAddress]
    tasks: Tasks
    authority: Authority
    visits: set[Visit] = field(default_factory=set)
    settled: asyncio.Event = field(default_factory=asyncio.Event)
    """Set whenever an operation has ended."""
