"""The kernels of this server and the gateway tokens given to them: who may have one, and that it goes when the kernel does.

Knows Jupyter's kernel and session manager and the gateway's API; no HTTP handler.
"""

from __future__ import annotations

import secrets
from logging import Logger
from typing import Any

from tornado.web import HTTPError

from jupyter_govern_server.gateway import Gateway, GatewayProblem
from jupyter_govern_server.login import Login
from jupyter_govern_server.proofs import Proof, ProofCheck

MAX_TOKENS_EACH = 8
"""Tokens remembered for one kernel; older ones have expired long before."""


class KernelTokens:
    """Gives tokens to proven kernels."""

    def __init__(self, gateway: Gateway, login: Login, kernel_manager: Any, session_manager: Any, log: Logger) -> None:
        self._gateway, self._login, self._log = gateway, login, log
        self._kernel_manager, self._session_manager = kernel_manager, session_manager
        self._proofs = ProofCheck()
        self._given: dict[str, list[str]] = {}

    def check(self, proof: Proof) -> None:
        """Whether one of our kernels sent it; raises ProofRefused."""
        self._proofs.check(proof, self._key(proof.kernel_id))

    async def give(self, kernel_id: str, server: str) -> dict[str, Any]:
        """A fresh token for a proven kernel; raises GatewayProblem."""
        try:
            answer = await self._login.kernel_token(kernel_id, server)
            token, subject, expires_at = str(answer["token"]), str(answer["subject"]), answer["expires_at"]
        except KeyError:
            raise GatewayProblem(502, "gateway-unreachable", "the gateway's token could not be read.") from None
        given = self._given.setdefault(kernel_id, [])
        given.append(token)
        del given[:-MAX_TOKENS_EACH]
        return {
            "token": token,
            "subject": subject,
            "expires_at": expires_at,
            "api_url": self._gateway.url,
            "ca_file": self._gateway.ca_file,
            "notebook": await self.notebook(kernel_id),
        }

    async def notebook(self, kernel_id: str) -> str:
        """The path of the notebook that the kernel belongs to now, "" where it belongs to none."""
        try:
            session = await self._session_manager.get_session(kernel_id=kernel_id)
        except HTTPError:
            return ""
        return str(session.get("path") or "")

    async def on_kernel_action(self, logger: Any, schema_id: str, data: dict[str, Any]) -> None:
        """A listener of Jupyter's `kernel_actions` event."""
        if data.get("action") == "shutdown" and data.get("status", "success") == "success":
            await self.drop(str(data.get("kernel_id") or ""))

    async def drop(self, kernel_id: str) -> None:
        """Have the gateway revoke what the kernel was given."""
        for token in self._given.pop(kernel_id, ()):
            try:
                await self._gateway.drop_token(token)
            except GatewayProblem as problem:  # it expires within minutes by itself
                self._log.debug("jupyter-govern: a kernel's token was not revoked: %s", problem)

    async def drop_all(self) -> None:
        """Revoke every token given here."""
        for kernel_id in list(self._given):
            await self.drop(kernel_id)

    def _key(self, kernel_id: str) -> bytes:
        try:
            key = self._kernel_manager.get_kernel(kernel_id).session.key
        except (HTTPError, KeyError, AttributeError):
            key = b""
        return bytes(key) or secrets.token_bytes(32)  # an unknown kernel has a key that nobody can know
