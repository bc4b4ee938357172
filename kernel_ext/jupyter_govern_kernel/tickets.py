"""Where a kernel's short-lived gateway token comes from, in this order:

1. the notebook server that started the kernel (it asks for a proof, and the person is logged in there),
2. `jupyter govern login` on this machine,
3. the file that $JUPYTER_GOVERN_TOKEN_FILE names (batch runs).

A token is kept in memory only. Knows the two APIs, no SQL and no connection.
"""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from jupyter_govern_kernel import gateway_api
from jupyter_govern_kernel.discovery import gateway_address, kept_login
from jupyter_govern_kernel.gateway_api import HOW_TO_START, Address
from jupyter_govern_kernel.problems import GatewayNotRunning, NotLoggedIn
from jupyter_govern_kernel.provenance import kernel_id
from jupyter_govern_kernel.server_proof import NotebookServer, ProofRefused, find_server

FRESH_SECONDS = 60.0
"""A token that lives shorter than this is not used for anything new."""
PATH_RETRY_SECONDS = 30.0
MAX_TOKEN_FILE = 4096

HOW_TO_LOG_IN = (
    "Log in with the shield panel in JupyterLab's right sidebar, or run `jupyter govern login` in a terminal.",
    "For batch runs put a token's path into $JUPYTER_GOVERN_TOKEN_FILE.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """A gateway token and where it is good."""

    token: str
    address: Address
    subject: str
    expires_at: float
    source: str

    def is_fresh(self, now: float) -> bool:
        """Whether something new may still be begun with it."""
        return self.expires_at - now > FRESH_SECONDS


class Tickets:
    """Keeps one Ticket and fetches the next in time. Safe to use from several threads."""

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._lock = threading.Lock()
        self._ticket: Ticket | None = None
        self._server: NotebookServer | None = None
        self._notebook, self._path_retry_at = "", 0.0

    def fresh(self) -> Ticket:
        """A Ticket that is still good for a while; raises NotLoggedIn, GatewayNotRunning."""
        with self._lock:
            if self._ticket is None or not self._ticket.is_fresh(time.time()):
                self._ticket = self._obtain()
            return self._ticket

    def forget(self) -> None:
        """Drop the Ticket: the gateway did not accept it."""
        with self._lock:
            self._ticket = None

    def notebook(self) -> str:
        """The notebook's current path by the notebook server, "" where there is none; never raises for it."""
        with self._lock:
            if self._server is None or time.monotonic() < self._path_retry_at:
                return self._notebook
            try:
                self._notebook = self._server.notebook()
            except ProofRefused:
                self._path_retry_at = time.monotonic() + PATH_RETRY_SECONDS
            return self._notebook

    def _obtain(self) -> Ticket:
        tried: list[str] = []
        for source in (self._from_server, self._from_login, self._from_file):
            try:
                if (ticket := source()) is not None:
                    return ticket
            except (NotLoggedIn, ProofRefused) as problem:
                tried.append(f"- {problem}")
        raise NotLoggedIn("the gateway does not know who you are.", lines=(*HOW_TO_LOG_IN, *tried))

    def _from_server(self) -> Ticket | None:
        server = find_server(self._shell)
        if server is None:
            return None
        try:
            answer = server.token()
        except ProofRefused as problem:
            if problem.code == "gateway-unreachable":
                raise GatewayNotRunning(str(problem), lines=HOW_TO_START) from None
            raise
        self._server, self._notebook = server, str(answer.get("notebook") or "")
        try:
            return Ticket(
                token=str(answer["token"]),
                address=Address(url=str(answer["api_url"]), ca_file=str(answer.get("ca_file") or "")),
                subject=str(answer.get("subject", "")),
                expires_at=_seconds(answer["expires_at"]),
                source="the notebook server",
            )
        except (KeyError, ValueError):
            raise ProofRefused("the notebook server's answer could not be read") from None

    def _from_login(self) -> Ticket | None:
        kept = kept_login()
        if kept is None:
            return None
        return self._exchange(kept.address, kept.token, "`jupyter govern login`")

    def _from_file(self) -> Ticket | None:
        name = os.environ.get("JUPYTER_GOVERN_TOKEN_FILE")
        if not name:
            return None
        try:
            with Path(name).open() as file:
                token = file.read(MAX_TOKEN_FILE).strip()
        except (OSError, UnicodeDecodeError) as problem:
            raise NotLoggedIn(f"$JUPYTER_GOVERN_TOKEN_FILE cannot be read: {problem}") from None
        return self._exchange(gateway_address(), token, "$JUPYTER_GOVERN_TOKEN_FILE")

    def _exchange(self, address: Address, token: str, source: str) -> Ticket:
        """A kernel token for a longer-lived one; a token that already is a kernel's is used as it is."""
        if not address.url:
            raise GatewayNotRunning("no gateway was found on this machine.", lines=HOW_TO_START)
        mine = gateway_api.me(address, token)
        if mine["kind"] != "kernel":
            mine |= gateway_api.kernel_token(address, token, kernel_id(self._shell) or f"process-{os.getpid()}")
            token = str(mine["token"])
        return Ticket(
            token=token, address=address, subject=str(mine["subject"]), expires_at=_seconds(mine["expires_at"]), source=source
        )


def _seconds(moment: object) -> float:
    """A time of the API (ISO 8601, or seconds since 1970) as seconds since 1970."""
    if isinstance(moment, (int, float)):
        return float(moment)
    return datetime.fromisoformat(str(moment)).timestamp()
