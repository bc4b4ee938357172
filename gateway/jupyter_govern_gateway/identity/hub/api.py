"""The questions put to a JupyterHub: whose token is this, who is this, do you still know that token, does that server run that kernel?

The only I/O of this package. Answers are bounded in size and time; those about a token are believed for CACHE_SECONDS and no longer.
What is not a clear yes is a no: HubRefused where the Hub said it, HubUnreachable where it said nothing.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import ssl
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote
from weakref import WeakValueDictionary

from aiohttp import ClientError, ClientSession, ClientTimeout

from jupyter_govern_gateway.identity.hub.presented import HubRefused, Presented, read_presented

CACHE_SECONDS: Final = 20.0
MAX_CACHED: Final = 2_000
ASK_SECONDS: Final = 5.0
MAX_ANSWER: Final = 256 * 1024
MAX_ASKING: Final = 16
"""Requests to the Hub at the same time; more wait."""
MAX_ASKING_SERVERS: Final = 64
MAX_ASKING_SERVER: Final = 2
"""The same for people's notebook servers: all of them, and each. They are people's own, and whoever has one can make it hold questions
open; that must cost neither the Hub's answers nor other people's."""
HUB_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{16,256}")
KERNEL_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")


class HubUnreachable(HubRefused):
    """The Hub did not answer, or not as a Hub does: nobody gets in by it meanwhile."""

    def __init__(self, why: str) -> None:
        hint = "Try again; if it stays so, tell whoever runs the Hub."
        super().__init__("hub-unreachable", f"the gateway cannot ask the Hub: {why}.", hint)


@dataclass(frozen=True, slots=True, kw_only=True)
class HubUser:
    """What the Hub says of a person. `servers`: URL prefixes of those that are ready, by name."""

    name: str
    groups: frozenset[str]
    servers: dict[str, str]
    id_token: str
    has_auth_state: bool


class Hub:
    """api_url: `…/hub/api`. proxy_url: where people's servers are reached. token: the gateway's own service token."""

    def __init__(
        self, *, api_url: str, proxy_url: str, token: str, clock: Callable[[], float], tls: ssl.SSLContext | None = None
    ) -> None:
        self._api, self._proxy, self._token = api_url.rstrip("/"), proxy_url.rstrip("/"), token
        self._clock, self._tls = clock, tls
        self._cached: OrderedDict[str, tuple[float, Presented]] = OrderedDict()
        self._turns, self._server_turns = asyncio.Semaphore(MAX_ASKING), asyncio.Semaphore(MAX_ASKING_SERVERS)
        self._turns_of: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()
        self._session: ClientSession | None = None

    async def close(self) -> None:
        """Close its connections."""
        if self._session is not None:
            await self._session.close()

    async def introspect(self, hub_token: str) -> Presented:
        """Whose token this is. Raises HubRefused, HubUnreachable."""
        if not HUB_TOKEN.fullmatch(hub_token):
            raise _unknown_token()
        key, now = hashlib.sha256(hub_token.encode()).hexdigest(), self._clock()
        kept = self._cached.get(key)
        if kept is not None and 0 <= now - kept[0] < CACHE_SECONDS:
            return kept[1]
        self._cached.pop(key, None)
        status, said = await self._ask(f"{self._api}/user", hub_token)
        if status in (401, 403):
            raise _unknown_token()
        presented = read_presented(_object(status, said))
        self._cached[key] = (now, presented)
        while len(self._cached) > MAX_CACHED:
            self._cached.popitem(last=False)
        return presented

    def forget(self, token_id: str) -> None:
        """Believe nothing about this token any more."""
        for key in [key for key, (_, presented) in self._cached.items() if presented.token_id == token_id]:
            del self._cached[key]

    async def user(self, name: str) -> HubUser:
        """A person, with the proof that the Hub keeps of them. Raises HubRefused, HubUnreachable."""
        status, said = await self._ask(f"{self._api}/users/{quote(name, safe='')}", self._token)
        if status == 404:
            raise HubRefused("no-such-user", f"the Hub does not know '{name}'.")
        return _user(_own(status, said))

    async def knows(self, user: str, token_id: str) -> bool:
        """Whether the Hub still knows a token. Raises HubUnreachable."""
        status, said = await self._ask(f"{self._api}/users/{quote(user, safe='')}/tokens/{quote(token_id, safe='')}", self._token)
        if status == 404:
            return False
        return _own(status, said).get("id") == token_id

    async def runs_kernel(self, server_path: str, hub_token: str, kernel_id: str) -> bool:
        """Whether that notebook server, asked with its own token, has this kernel. Raises HubUnreachable."""
        if not KERNEL_ID.fullmatch(kernel_id):
            return False
        own = self._turns_of.get(server_path) or asyncio.Semaphore(MAX_ASKING_SERVER)
        self._turns_of[server_path] = own
        async with own:
            status, said = await self._ask(f"{self._proxy}{server_path}api/kernels/{kernel_id}", hub_token, self._server_turns)
        if status >= 500 or status in (401, 403):
            raise HubUnreachable(f"the notebook server answers {status} when asked for its kernels")
        return status == 200 and isinstance(said, dict) and said.get("id") == kernel_id

    async def _ask(self, url: str, token: str, turns: asyncio.Semaphore | None = None) -> tuple[int, object]:
        """Status and JSON; no redirect is followed, so that a token goes where it was meant to go only."""
        try:
            async with (
                turns or self._turns,
                asyncio.timeout(ASK_SECONDS),
                self._http().get(url, headers={"Authorization": f"token {token}"}, allow_redirects=False) as answer,
            ):
                raw = await answer.content.read(MAX_ANSWER + 1)
                while not answer.content.at_eof() and len(raw) <= MAX_ANSWER:
                    raw += await answer.content.read(MAX_ANSWER + 1 - len(raw))
        except (ClientError, OSError, TimeoutError, ValueError) as problem:
            raise HubUnreachable(f"{type(problem).__name__}") from None
        if len(raw) > MAX_ANSWER:
            raise HubUnreachable("its answer is too long")
        try:
            return answer.status, json.loads(raw or b"null")
        except (ValueError, RecursionError):
            return answer.status, None

    def _http(self) -> ClientSession:
        if self._session is None:
            from aiohttp import TCPConnector

            connector = TCPConnector(ssl=self._tls if self._tls is not None else True, limit=MAX_ASKING + MAX_ASKING_SERVERS)
            self._session = ClientSession(connector=connector, timeout=ClientTimeout(total=ASK_SECONDS), trust_env=False)
        return self._session


def _unknown_token() -> HubRefused:
    hint = "Restart the notebook server from the Hub."
    return HubRefused("hub-token-unknown", "the Hub does not know this token, or not any more.", hint)


def _own(status: int, said: object) -> dict[str, Any]:
    """An answer to the gateway's own token; a no to that is a mistake in the setup."""
    if status in (401, 403):
        raise HubUnreachable(f"it refuses the gateway's own service token ({status})")
    return _object(status, said)


def _object(status: int, said: object) -> dict[str, Any]:
    if status != 200 or not isinstance(said, dict):
        raise HubUnreachable(f"it answers {status} where a Hub would answer 200 and JSON")
    return said


def _user(said: dict[str, Any]) -> HubUser:
    servers, state = said.get("servers"), said.get("auth_state")
    if "servers" not in said or "auth_state" not in said:
        # without these scopes the Hub leaves the keys out, which must not look like `has no server`
        raise HubUnreachable("the gateway's service lacks scopes there: admin:auth_state, read:users, read:servers")
    ready = {
        str(name): str(each.get("url") or "")
        for name, each in (servers.items() if isinstance(servers, dict) else ())
        if isinstance(each, dict) and (each.get("ready") or each.get("pending") == "spawn")
    }
    text = state.get("id_token") if isinstance(state, dict) else None
    groups = said.get("groups")
    return HubUser(
        name=str(said.get("name")),
        groups=frozenset(str(group) for group in groups) if isinstance(groups, list) else frozenset(),
        servers=ready,
        id_token=text if isinstance(text, str) else "",
        has_auth_state=isinstance(state, dict),
    )
