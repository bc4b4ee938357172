"""This notebook server's login at the gateway: a device flow whose password never passes here, and a token in memory only.

Knows the gateway's API; whom it tells about a change comes in as a callable.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from logging import Logger
from typing import Any

from jupyter_govern_server.gateway import Gateway, GatewayProblem
from jupyter_govern_server.tasks import Tasks

MAX_INTERVAL = 30.0
SLOW_DOWN_SECONDS = 5.0
DEFAULT_LIFETIME = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedIn:
    """Who is logged in here, with the token that only this process holds."""

    token: str
    subject: str
    groups: tuple[str, ...]
    expires_at: str | float

    def has_expired(self, now: float) -> bool:
        """Whether the token's time is over."""
        return seconds(self.expires_at) <= now


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginPending:
    """A device login that waits for the person at the gateway's page."""

    device_code: str
    user_code: str
    verification_uri_complete: str
    interval: float
    ends_at: float


class Login:
    """Logged out, pending or logged in. `changed` hears each new state."""

    def __init__(
        self, gateway: Gateway, tasks: Tasks, log: Logger, changed: Callable[[str], None], clock: Callable[[], float] = time.time
    ) -> None:
        self._gateway, self._tasks, self._log, self._changed, self._clock = gateway, tasks, log, changed, clock
        self._current: LoggedIn | None = None
        self._pending: LoginPending | None = None
        self._poll: asyncio.Task[None] | None = None
        self.wake = asyncio.Event()
        self.problem = ""  # why the last login did not come about

    @property
    def current(self) -> LoggedIn | None:
        """Who is logged in, None also when that has expired."""
        if self._current is not None and self._current.has_expired(self._clock()):
            self.lose("expired")
        return self._current

    @property
    def pending(self) -> LoginPending | None:
        """The device login that waits, if one does."""
        return self._pending

    async def kernel_token(self, kernel_id: str, server: str) -> dict[str, Any]:
        """A token for one kernel of this server, by whoever is logged in here; raises GatewayProblem."""
        current = self.current
        if current is None:
            raise GatewayProblem(
                409,
                "login-required",
                "nobody is logged in to the gateway on this notebook server.",
                "Log in with the panel in JupyterLab's right sidebar.",
            )
        try:
            return {"subject": current.subject} | await self._gateway.kernel_token(current.token, kernel_id, server)
        except GatewayProblem as problem:
            if problem.status == 401:
                self.lose("expired")
                raise GatewayProblem(409, "login-required", "the login at the gateway has ended. Log in again.") from None
            raise

    async def watch(self) -> None:
        """What keeps somebody logged in; a device login needs nothing."""

    async def start(self) -> LoginPending | None:
        """Begin a device login; one that waits already is given again. Raises GatewayProblem."""
        if self._pending is not None and self._pending.ends_at > self._clock():
            return self._pending
        answer = await self._gateway.start_device()
        if self._poll is not None:
            self._poll.cancel()
        try:
            self._pending = pending = LoginPending(
                device_code=str(answer["device_code"]),
                user_code=str(answer["user_code"]),
                verification_uri_complete=str(answer["verification_uri_complete"]),
                interval=min(max(float(answer.get("interval") or 5), 0.1), MAX_INTERVAL),
                ends_at=self._clock() + float(answer.get("expires_in") or DEFAULT_LIFETIME),
            )
        except (KeyError, ValueError, TypeError):
            raise GatewayProblem(502, "gateway-unreachable", "the gateway's device login could not be read.") from None
        self.problem = ""
        self._poll = self._tasks.start(self._wait(pending), "device login")
        return pending

    async def log_out(self) -> None:
        """Forget the token, and have the gateway revoke it; out is out, also where the gateway does not answer."""
        was = self._current
        if self._poll is not None:
            self._poll.cancel()
        self._pending = None
        self.lose("logged-out")
        if was is not None:
            try:
                await self._gateway.drop_token(was.token)
            except GatewayProblem as problem:
                self._log.warning("jupyter-govern: the gateway did not revoke this server's token: %s", problem)

    def lose(self, why: str) -> None:
        """The token is of no use any more."""
        if self._current is not None:
            self._current = None
            self.wake.set()
            self._changed(why)

    async def _wait(self, pending: LoginPending) -> None:
        """Poll until the person has answered at the gateway."""
        interval = pending.interval
        try:
            while self._clock() < pending.ends_at:
                await asyncio.sleep(interval)
                try:
                    answer = await self._gateway.device_token(pending.device_code)
                except GatewayProblem as problem:
                    if problem.code == "slow_down":
                        interval = min(interval + SLOW_DOWN_SECONDS, MAX_INTERVAL)
                    elif problem.code not in {"authorization_pending", "gateway-unreachable"}:
                        self.problem = problem.message
                        return
                    continue
                await self._accept(answer)
                return
            self.problem = "nobody confirmed the code in time."
        finally:
            if self._pending is pending:
                self._pending = None
                self._changed("logged-in" if self._current is not None else "login-failed")

    async def _accept(self, answer: dict[str, Any]) -> None:
        token = str(answer.get("token") or "")
        try:
            me = await self._gateway.me(token)
            self._current = LoggedIn(
                token=token,
                subject=str(me["subject"]),
                groups=tuple(str(group) for group in me.get("groups") or ()),
                expires_at=me["expires_at"],
            )
        except (GatewayProblem, KeyError, TypeError) as problem:
            self.problem = f"the gateway's new token could not be used: {problem}"
            return
        self._log.info("jupyter-govern: %s is logged in at %s", self._current.subject, self._gateway.url)
        self.wake.set()


def seconds(moment: str | float) -> float:
    """A moment of the API (ISO 8601, or seconds since 1970) as seconds since 1970; 0, long past, for what is neither."""
    if isinstance(moment, (int, float)):
        return float(moment)
    try:
        return datetime.fromisoformat(moment).timestamp()
    except (ValueError, TypeError):
        return 0.0
