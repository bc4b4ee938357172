"""What a running gateway takes over without a restart: on SIGHUP, and by itself where something ends.

Nothing here closes a session, and nothing that cannot be read replaces what is in use: it is said, put on record, and tried again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Final

from jupyter_govern.errors import ConfigError
from jupyter_govern_gateway.policy.store import PolicyStore
from jupyter_govern_gateway.reaches import TargetReaches
from jupyter_govern_gateway.recorder.log import GatewayLog
from jupyter_govern_gateway.tls import RENEW_CHECK_SECONDS, ListenerTls

RETRY_SECONDS: Final = 30.0
"""After a secret that has ended could not be read anew."""


class Upkeep:
    """say: where lines for the operator go."""

    def __init__(
        self, *, policy: PolicyStore, tls: ListenerTls, reaches: TargetReaches, log: GatewayLog, say: Callable[[str], None]
    ) -> None:
        self._policy, self._tls, self._reaches, self._log, self._say = policy, tls, reaches, log, say
        self._asked = asyncio.Event()

    def reload(self) -> None:
        """SIGHUP: policy and certificate now, secrets as soon as their stores have answered."""
        self._policy.reload()
        try:
            self._tls.reload()
        except ConfigError as problem:
            self._refused("certificate", problem)
        self.warn()
        self._asked.set()

    def warn(self) -> None:
        """Say what will fail soon."""
        if end := self._tls.ends_soon():
            self._say(f"WARNING: the certificate of the listeners ends on {end}: put a new one in its place and send SIGHUP")

    def renew(self, now: datetime | None = None) -> None:
        """A new certificate of the local authority, if it is time."""
        try:
            made = self._tls.renew(now)
        except ConfigError as problem:
            self._refused("certificate", problem)
            return
        if made:
            self._log.write("tls", event="renewed", what=made)
            also = "; clients must trust it anew: `jupyter govern trust`" if made == "authority" else ""
            self._say(f"the local {made} was renewed{also}")

    async def read_secrets(self) -> bool:
        """Read the targets' secrets and certificates anew; whether that worked."""
        try:
            changed = self._reaches.adopt(await asyncio.to_thread(self._reaches.fetch))
        except ConfigError as problem:
            self._refused("secrets", problem)
            return False
        if changed:
            self._log.write("secret", event="rotated", targets=changed)
            self._say(f"new secrets for {', '.join(changed)}: they count for new connections")
        return True

    async def watch(self) -> None:
        """Look after the certificate every RENEW_CHECK_SECONDS until cancelled."""
        while True:
            await asyncio.sleep(RENEW_CHECK_SECONDS)
            self.renew()
            self.warn()

    async def watch_secrets(self) -> None:
        """Read secrets anew when their time is over or somebody asks, until cancelled."""
        wait = self._reaches.seconds
        while True:
            try:
                async with asyncio.timeout(wait or None):
                    await self._asked.wait()
            except TimeoutError:
                pass
            self._asked.clear()
            wait = self._reaches.seconds if await self.read_secrets() else RETRY_SECONDS

    def _refused(self, what: str, problem: ConfigError) -> None:
        self._log.write("secret" if what == "secrets" else "tls", event="refused", problem=str(problem))
        self._say(f"{what} not taken over, what was before stays in use: {problem}")
