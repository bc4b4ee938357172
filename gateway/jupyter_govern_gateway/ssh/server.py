"""Who is there: AsyncSSH's hooks of one connection. A stranger learns nothing of people and targets."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import asyncssh

from jupyter_govern.errors import AuthenticationFailed, RecordingFailed
from jupyter_govern_gateway.identity.binding import is_taken_from, opens
from jupyter_govern_gateway.ssh.authority import Presented
from jupyter_govern_gateway.ssh.bounds import MAX_CHANNELS, MAX_TRIES
from jupyter_govern_gateway.ssh.channel import Channel
from jupyter_govern_gateway.ssh.forward import open_forward
from jupyter_govern_gateway.ssh.names import Wanted, wanted
from jupyter_govern_gateway.ssh.visit import Visit

if TYPE_CHECKING:
    from jupyter_govern_gateway.identity.tokens import Token
    from jupyter_govern_gateway.ssh.house import SshHouse

PROHIBITED = asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED


class Server(asyncssh.SSHServer):
    """One connection from its first byte to its last."""

    def __init__(self, house: SshHouse) -> None:
        self._house = house
        self._connection: asyncssh.SSHServerConnection
        self._wanted = Wanted(target="")
        self._token: Token | None = None
        self._visit: Visit | None = None
        self._tries = self._channels = 0
        self._host = ""

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn
        peer = conn.get_extra_info("peername")
        self._host = str(peer[0]) if peer else ""

    def connection_lost(self, exc: Exception | None) -> None:
        if self._visit is not None:
            self._visit.over("the client went away" if exc is not None else "the client left")

    # -- the log-in -----------------------------------------------------------------------------------

    def begin_auth(self, username: str) -> bool:
        self._wanted = wanted(username)
        presented = Presented(self._house.authority, self._certified, self._take)
        self._connection.set_authorized_keys(presented)
        return True

    def _certified(self, token_id: str) -> Token:
        """The token behind a certificate; raises AuthenticationFailed."""
        token = self._bounded(self._house.identity.token_actor(token_id))
        if self._wanted.subject not in {"", token.subject}:
            raise AuthenticationFailed("the certificate is somebody else's")
        return token

    def _take(self, token: Token | None) -> None:
        self._token = token

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        """A gateway token. The same words and the same way for every reason to say no."""
        self._tries += 1
        self._token = None
        try:
            self._token = self._authenticated(password)
        except AuthenticationFailed:
            self._house.log.write("login", event="failed", subject=(self._wanted.subject or username)[:200], address=self._host, wire="ssh")
            if self._tries >= MAX_TRIES:
                self._connection.disconnect(asyncssh.DISC_NO_MORE_AUTH_METHODS_AVAILABLE, "too many wrong passwords")
            return False
        return True

    def _authenticated(self, text: str) -> Token:
        identity = self._house.identity
        subject = self._wanted.subject or identity.authenticate_bearer(text).subject
        return self._bounded(identity.authenticate_password(subject, text))

    def _bounded(self, token: Token) -> Token:
        if not is_taken_from(token, self._host) or not opens(token, self._wanted.target):
            raise AuthenticationFailed("this credential is for another target or another place")
        return token

    def auth_completed(self) -> None:
        """On record from here; a name that is no target ends it with the targets that are theirs."""
        token = self._token
        if token is None:
            raise PermissionError("a log-in without a proof")
        address = self._house.targets.get(self._wanted.target)
        if address is None:
            self._house.log.write("login", event="turned-away", subject=token.subject, address=self._host, wire="ssh")
            self._connection.disconnect(asyncssh.DISC_BY_APPLICATION, "govern: there is no such SSH target: ssh TARGET@gateway")
            return
        version = str(self._connection.get_extra_info("client_version", ""))
        try:
            client = f"{version[:100]} {self._host}".strip()
            self._visit = Visit(self._house, token=token, address=address, client=client, hang_up=self._hang_up)
        except RecordingFailed:
            self._connection.disconnect(asyncssh.DISC_BY_APPLICATION, "govern: the record cannot be written: no record, no access")
        except AuthenticationFailed:
            self._connection.disconnect(asyncssh.DISC_BY_APPLICATION, "govern: the token was revoked or has expired")

    def _hang_up(self, reason: str) -> None:
        self._connection.disconnect(asyncssh.DISC_BY_APPLICATION, f"govern: {reason}")
        # who does not read is not waited for
        asyncio.get_running_loop().call_later(1.0, self._connection.abort)

    # -- what is asked for --------------------------------------------------------------------------------

    def _here(self) -> Visit:
        if self._visit is None or self._visit.is_over:
            raise asyncssh.ChannelOpenError(PROHIBITED, "govern: the session is over")
        if len(self._connection._channels) >= MAX_CHANNELS:
            raise asyncssh.ChannelOpenError(asyncssh.OPEN_RESOURCE_SHORTAGE, "govern: too many channels")
        return self._visit

    def session_requested(self) -> Any:
        channel = self._connection.create_server_channel(encoding=None)
        return channel, Channel(self._here(), self._house.tasks)

    def connection_requested(self, dest_host: str, dest_port: int, orig_host: str, orig_port: int) -> Any:
        return open_forward(self._here(), dest_host, dest_port)
