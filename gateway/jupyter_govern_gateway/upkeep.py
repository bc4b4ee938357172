"""What a running gateway takes over without a restart: on SIGHUP, and by itself where something ends.

Nothing here closes a session, and nothing that cannot be read replaces what is in use: it is said, put on record, and tried again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

from jupyter_govern.errors import ConfigError
from jupyter_govern_gateway.policy.store import PolicyStore
from jupyter_govern_gateway.recorder.log import GatewayLog
from jupyter_govern_gateway.tls import RENEW_CHECK_SECONDS, ListenerTls


class Upkeep:
    """say: where lines for the operator go."""

    def __init__(self, *, policy: PolicyStore, tls: ListenerTls, log: GatewayLog, say: Callable[[str], None]) -> None:
        self._policy, self._tls, self._log, self._say = policy, tls, log, say

    def reload(self) -> None:
        """SIGHUP: policy and certificate."""
        self._policy.reload()
        self._attempt("certificate", self._tls.reload)
        self.warn()

    def warn(self) -> None:
        """Say what will fail soon."""
        if end := self._tls.ends_soon():
            self._say(f"WARNING: the certificate of the listeners ends on {end}: put a new one in its place and send SIGHUP")

    def renew(self, now: datetime | None = None) -> None:
        """A new certificate of the local authority, if it is time."""
        made = ""

        def attempt() -> None:
            nonlocal made
            made = self._tls.renew(now)

        self._attempt("certificate", attempt)
        if made:
            self._log.write("tls", event="renewed", what=made)
            also = "; clients must trust it anew: `jupyter govern trust`" if made == "authority" else ""
            self._say(f"the local {made} was renewed{also}")

    async def watch(self) -> None:
        """Look every RENEW_CHECK_SECONDS until cancelled."""
        while True:
            await asyncio.sleep(RENEW_CHECK_SECONDS)
            self.renew()
            self.warn()

    def _attempt(self, what: str, act: Callable[[], object]) -> None:
        try:
            act()
        except ConfigError as problem:
            self._log.write("tls", event="refused", what=what, problem=str(problem))
            self._say(f"{what} not taken over, the one before stays in use: {problem}")
