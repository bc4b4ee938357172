"""An issuer's public keys, with rotation: a key not known yet has them read again, but never more often than once in REFETCH_SECONDS,
whatever a flood of tokens claims. Keys that the issuer withdrew are gone after KEYS_SECONDS."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import httpx

from jupyter_govern_gateway.identity.oidc.errors import ProviderUnavailable
from jupyter_govern_gateway.identity.oidc.fetch import document
from jupyter_govern_gateway.identity.oidc.verify import Jwk

KEYS_SECONDS: Final = 600.0
KEYS_LAST_SECONDS: Final = 3600.0
"""Keys serve so long while the issuer does not answer; after that nothing is believed."""
REFETCH_SECONDS: Final = 10.0
MAX_KEYS: Final = 64


class Keys:
    """where: the jwks_uri, from discovery."""

    def __init__(self, where: Callable[[], Awaitable[str]], http: httpx.AsyncClient, clock: Callable[[], float]) -> None:
        self._where, self._http, self._clock = where, http, clock
        self._lock = asyncio.Lock()
        self._keys: tuple[Jwk, ...] = ()
        self._read_at = self._tried_at = float("-inf")

    async def for_kid(self, kid: str) -> tuple[Jwk, ...]:
        """The keys, read again where they are old or (seldom) where they lack this one. Raises ProviderUnavailable."""
        if self._fresh() and self._has(kid):
            return self._keys
        async with self._lock:
            now = self._clock()
            if not (self._fresh() and self._has(kid)) and now >= self._tried_at + REFETCH_SECONDS:
                self._tried_at = now
                await self._read(now)
            if now > self._read_at + KEYS_LAST_SECONDS:
                raise ProviderUnavailable("the identity provider's keys cannot be had")
            return self._keys

    async def _read(self, now: float) -> None:
        try:
            self._keys, self._read_at = signing_keys(await document(self._http, await self._where())), now
        except ProviderUnavailable:
            if now > self._read_at + KEYS_LAST_SECONDS:
                raise

    def _fresh(self) -> bool:
        return self._clock() < self._read_at + KEYS_SECONDS

    def _has(self, kid: str) -> bool:
        return any(key.get("kid", "") == kid for key in self._keys) or (not kid and bool(self._keys))


def signing_keys(read: Mapping[str, Any]) -> tuple[Jwk, ...]:
    """The keys of a JWKS that may verify a signature; symmetric ones never. Pure. Raises ProviderUnavailable."""
    keys = read.get("keys")
    if not isinstance(keys, list) or len(keys) > MAX_KEYS:
        raise ProviderUnavailable(f"the identity provider's key set is no list of at most {MAX_KEYS} keys")
    return tuple(key for key in keys if isinstance(key, dict) and key.get("kty") in {"RSA", "EC", "OKP"} and key.get("use", "sig") == "sig")
