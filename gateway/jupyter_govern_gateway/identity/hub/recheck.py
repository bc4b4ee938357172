"""The Hub is asked again and again whether it still knows the tokens that logins hang on; a login without one ends, and all under it.

What it asks about is read from the token store, so a restart of the gateway forgets nothing. A Hub that says nothing is believed for
MAX_SILENCE_SECONDS (it restarts, and people's servers run on meanwhile), then its logins end.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from jupyter_govern_gateway.identity.hub.api import Hub, HubUnreachable
from jupyter_govern_gateway.identity.hub.exchange import BY
from jupyter_govern_gateway.identity.service import Identity
from jupyter_govern_gateway.identity.tokens import Token

MAX_SILENCE_SECONDS: Final = 120.0
log = logging.getLogger(__name__)


class Recheck:
    """seconds: how often."""

    def __init__(self, *, hub: Hub, identity: Identity, seconds: float, clock: Callable[[], float]) -> None:
        self._hub, self._identity, self._seconds, self._clock = hub, identity, seconds, clock
        self._heard: dict[str, float] = {}

    async def watch(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self.once()
            except Exception:  # a disk that is full for a moment, or a bug: nobody would ever be asked about again
                log.exception("the logins that came by the Hub could not all be looked at")
            await asyncio.sleep(self._seconds)

    async def once(self) -> None:
        """Look at every login that came by the Hub."""
        logins = [token for token in self._identity.tokens_of("login") if token.issued_by.startswith(f"{BY}/")]
        self._heard = {login.id: self._heard.get(login.id, max(login.issued_at, self._clock() - self._seconds)) for login in logins}
        results = await asyncio.gather(*(self._look_at(login) for login in logins), return_exceptions=True)
        self._lose_groups()
        if problems := [result for result in results if isinstance(result, Exception)]:
            raise problems[0]  # after all of them were looked at

    async def _look_at(self, login: Token) -> None:
        _, rest = login.issued_by.split("/", 1)
        user, _, token_id = rest.rpartition("/")
        try:
            if await self._hub.knows(user, token_id):
                self._heard[login.id] = self._clock()
                return
            reason = "the Hub does not know the notebook server's token any more"
        except HubUnreachable as problem:
            if self._clock() - self._heard.get(login.id, 0.0) < MAX_SILENCE_SECONDS:
                return
            reason = f"the Hub has said nothing for too long: {problem.message}"
        self._hub.forget(token_id)
        self._identity.revoke(login.id, by=BY, reason=reason)

    def _lose_groups(self) -> None:
        """The Hub's groups count as long as somebody is logged in by the Hub: nobody says later that they are lost."""
        here = {token.subject for token in self._identity.tokens_of("login") if token.issued_by.startswith(f"{BY}/")}
        for subject in self._identity.people.with_hub_groups() - here:
            self._identity.people.lose_hub_groups(subject)
