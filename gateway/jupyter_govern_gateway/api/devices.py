"""Device logins that wait (RFC 8628): a program shows a code, a person confirms it on our page, the program gets its token.

Knows neither HTTP nor how a token is made. A device code is kept as a hash, its user code in clear because people type it.
Bounded; time comes in as a callable.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from jupyter_govern_gateway.api.bounds import DEVICE_INTERVAL_SECONDS, DEVICE_SECONDS, MAX_DEVICES

Client = Literal["jupyter-server", "cli"]
CLIENTS: tuple[Client, ...] = ("jupyter-server", "cli")
LETTERS = "BCDFGHJKLMNPQRSTVWXZ"
"""No vowels: a code never spells a word."""


@dataclass(slots=True, kw_only=True)
class Device:
    """One login that waits. `confirmed_by`: the id of the browser token of whoever confirmed it, "" before."""

    key: str
    user_code: str
    client: Client
    peer: str
    created_at: float
    expires_at: float
    polled_at: float = 0.0
    state: Literal["pending", "confirmed", "denied"] = "pending"
    confirmed_by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What a poll says as long as there is no token."""

    code: Literal["authorization_pending", "slow_down", "access_denied", "expired_token"]


class Devices:
    """The device logins of this gateway; they live in memory and a restart forgets them."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._by_key: dict[str, Device] = {}
        self._by_code: dict[str, Device] = {}

    def start(self, client: Client, peer: str) -> tuple[str, Device] | None:
        """A device code, told to the program only, and its login; None when too many wait already."""
        self._sweep()
        if len(self._by_key) >= MAX_DEVICES:
            return None
        secret = secrets.token_urlsafe(32)
        now = self._clock()
        device = Device(
            key=_hashed(secret), user_code=self._free_code(), client=client, peer=peer, created_at=now, expires_at=now + DEVICE_SECONDS
        )  # fmt: skip
        self._by_key[device.key] = self._by_code[device.user_code] = device
        return secret, device

    def find(self, user_code: str) -> Device | None:
        """The login that waits under a code as a person typed it."""
        letters = "".join(c for c in user_code.upper() if c in LETTERS)
        device = self._by_code.get(f"{letters[:4]}-{letters[4:]}")
        return device if device is not None and device.state == "pending" and device.expires_at > self._clock() else None

    def answer(self, device: Device, *, confirmed_by: str) -> None:
        """A person confirmed the login ("" denies it)."""
        device.state = "confirmed" if confirmed_by else "denied"
        device.confirmed_by = confirmed_by
        self._by_code.pop(device.user_code, None)

    def poll(self, device_code: str) -> Device | Waiting:
        """The confirmed login, once, or why there is none."""
        device, now = self._by_key.get(_hashed(device_code)), self._clock()
        if device is None:
            return Waiting(code="expired_token")
        since, device.polled_at = now - device.polled_at, now
        if device.expires_at <= now:
            self._forget(device)
            return Waiting(code="expired_token")
        if device.state == "denied":
            self._forget(device)
            return Waiting(code="access_denied")
        if device.state == "confirmed":
            self._forget(device)
            return device
        # half the interval: a punctual client whose clock jitters is not slowed down
        return Waiting(code="slow_down" if since < DEVICE_INTERVAL_SECONDS / 2 else "authorization_pending")

    def _free_code(self) -> str:
        while True:
            letters = "".join(secrets.choice(LETTERS) for _ in range(8))
            code = f"{letters[:4]}-{letters[4:]}"
            if code not in self._by_code:
                return code

    def _sweep(self) -> None:
        now = self._clock()
        for device in [device for device in self._by_key.values() if device.expires_at <= now]:
            self._forget(device)

    def _forget(self, device: Device) -> None:
        self._by_key.pop(device.key, None)
        self._by_code.pop(device.user_code, None)


def _hashed(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
