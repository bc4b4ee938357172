"""The login of a notebook server that JupyterHub started: its hub token is exchanged at the gateway, and nobody has to do anything.

Knows the Hub's environment variables and the gateway's API. The hub token leaves this process towards the gateway only; a kernel gets the
short token that is bound to it. Where the gateway is no service of a Hub, this is an ordinary device login.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from jupyter_govern_server.gateway import GatewayProblem
from jupyter_govern_server.login import LoggedIn, Login, LoginPending, seconds

RENEW_BEFORE_SECONDS: Final = 120.0
FIRST_PAUSE: Final = 2.0
LONGEST_PAUSE: Final = 60.0
NO_HUB: Final = "no-hub"


@dataclass(frozen=True, slots=True, kw_only=True)
class HubServer:
    """Which of the Hub's servers this one is; `token` is what the Hub gave it."""

    token: str = field(repr=False)
    server: str


def hub_server(environment: Mapping[str, str] = os.environ) -> HubServer | None:
    """What the Hub says in the environment; None where no Hub started this server."""
    token = environment.get("JUPYTERHUB_API_TOKEN", "")
    if not token or not environment.get("JUPYTERHUB_USER") or not environment.get("JUPYTERHUB_SERVICE_PREFIX"):
        return None
    return HubServer(token=token, server=environment.get("JUPYTERHUB_SERVER_NAME", ""))


class HubLogin(Login):
    """Logged in whenever the gateway takes the hub token; renewed before it ends; out where somebody logged out."""

    def __init__(self, *given: Any, here: HubServer) -> None:
        super().__init__(*given)
        self._here = here
        self._is_out, self._no_hub = False, False
        self._renew = asyncio.Event()

    async def start(self) -> LoginPending | None:
        """Log in (again) with the hub token; a device login where the gateway knows no Hub. Raises GatewayProblem."""
        if not self._no_hub:
            self._is_out = False
            await self._exchange()
        return await super().start() if self._no_hub else None

    async def log_out(self) -> None:
        """Give the login back, with everything that was opened under it."""
        self._is_out = True
        was_by_hub = not self._no_hub
        self.lose("logged-out")
        if not was_by_hub:
            await super().log_out()
            return
        try:
            await self._gateway.end_hub_login(self._here.token, self._here.server)
        except GatewayProblem as problem:
            self._log.warning("jupyter-govern: the gateway did not end this server's login: %s", problem)

    async def kernel_token(self, kernel_id: str, server: str) -> dict[str, Any]:
        """A token for one kernel: the hub token is shown again, so that everything it stands on is checked again."""
        if self._no_hub:
            return await super().kernel_token(kernel_id, server)
        if self._is_out:
            raise GatewayProblem(409, "login-required", "this notebook server was logged out of the gateway.", "Log in with the panel.")
        try:
            answer = await self._gateway.hub_token(self._here.token, self._here.server, kernel_id)
        except GatewayProblem as problem:
            if problem.code == NO_HUB:
                self._no_hub = True
                return await super().kernel_token(kernel_id, server)
            if problem.status == 401:
                self.problem = problem.message
                self.lose("expired")
                # the person must do something at the Hub: to the kernel that is not `log in here`, so the gateway's words are kept
                raise GatewayProblem(409, problem.code, problem.message, problem.hint) from None
            raise
        if self.current is None:
            self._renew.set()
        return answer

    def lose(self, why: str) -> None:
        """Also: look for a new login at once, in case it was only this token that ended."""
        super().lose(why)
        self._renew.set()

    async def watch(self) -> None:
        """Keep logged in until cancelled; ends by itself where the gateway knows no Hub."""
        pause = FIRST_PAUSE
        while not self._no_hub:
            if self._is_out:
                await self._sleep(LONGEST_PAUSE)
                continue
            try:
                await self._exchange()
                pause = FIRST_PAUSE
                current = self.current
                left = seconds(current.expires_at) - self._clock() if current is not None else 0.0
                await self._sleep(max(left - RENEW_BEFORE_SECONDS, FIRST_PAUSE))
            except GatewayProblem:
                await self._sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)

    async def _exchange(self) -> None:
        try:
            answer = await self._gateway.hub_token(self._here.token, self._here.server, "")
            fresh = LoggedIn(
                token=str(answer["token"]),
                subject=str(answer["subject"]),
                groups=tuple(str(group) for group in answer.get("groups") or ()),
                expires_at=answer["expires_at"],
            )
        except GatewayProblem as problem:
            if problem.code == NO_HUB:
                self._no_hub = True
                return
            if self.problem != problem.message:
                self._log.warning("jupyter-govern: the gateway does not take this server's hub token: %s", problem.message)
                self.problem = problem.message
                self._changed("login-failed")
            raise
        except (KeyError, TypeError):
            raise GatewayProblem(502, "gateway-unreachable", "the gateway's token could not be read.") from None
        if self._is_out:
            return
        is_new, self._current, self.problem = self._current is None, fresh, ""
        if is_new:
            self._log.info("jupyter-govern: %s is logged in at %s by the Hub", fresh.subject, self._gateway.url)
            self.wake.set()
            self._changed("logged-in")

    async def _sleep(self, longest: float) -> None:
        """So long, or until something has changed."""
        self._renew.clear()
        try:
            await asyncio.wait_for(self._renew.wait(), longest)
        except TimeoutError:
            return
