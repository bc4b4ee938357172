"""A TCP forward: one connection to one destination, seen from the target. Bytes pass, counted, not looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING

import asyncssh

from jupyter_govern.errors import Blocked, RecordingFailed, TargetUnavailable
from jupyter_govern_gateway.ssh.judging import forward_facts
from jupyter_govern_gateway.ssh.record import Account

if TYPE_CHECKING:
    from jupyter_govern_gateway.ssh.visit import Visit

_PROHIBITED = asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED


class Side(asyncssh.SSHTCPSession[bytes]):
    """One end; `other` is the one that its bytes go to."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self.channel: asyncssh.SSHTCPChannel[bytes] | None = None
        self.other: Side
        self._held: list[bytes] = []
        self._has_ended = False

    def connection_made(self, chan: asyncssh.SSHTCPChannel[bytes]) -> None:
        self.channel = chan

    def session_started(self) -> None:
        for data in self._held:
            self.write(data)
        self._held.clear()
        if self._has_ended:
            self.write_eof()

    def write(self, data: bytes) -> None:
        if self.channel is None:
            self._held.append(data)
        elif not self.channel.is_closing():
            self.channel.write(data)

    def write_eof(self) -> None:
        self._has_ended = True
        if self.channel is not None and not self.channel.is_closing():
            self.channel.write_eof()

    def data_received(self, data: bytes, datatype: int | None) -> None:
        self._account.bytes += len(data)
        self.other.write(data)

    def eof_received(self) -> bool:
        self.other.write_eof()
        return True

    def pause_writing(self) -> None:
        if self.other.channel is not None:
            self.other.channel.pause_reading()

    def resume_writing(self) -> None:
        if self.other.channel is not None:
            self.other.channel.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        self._account.end(tag="closed", error=str(exc) if exc is not None else None)
        if self.other.channel is not None:
            self.other.channel.close()


async def open_forward(visit: Visit, host: str, port: int) -> asyncssh.SSHTCPSession[bytes]:
    """Raises ChannelOpenError with the reason, which ssh shows."""
    account: Account | None = None
    try:
        permit = await visit.ask(f"forward to {host}:{port}", forward_facts(host, port))
        account = Account(visit, permit, whole=False)
        upstream = await visit.upstream()
        ours, theirs = Side(account), Side(account)
        ours.other, theirs.other = theirs, ours
        await upstream.create_connection(lambda: theirs, host, port)
        return ours
    except Blocked as refused:
        raise asyncssh.ChannelOpenError(_PROHIBITED, f"govern: refused: {refused.reason}") from None
    except (RecordingFailed, TargetUnavailable, asyncssh.Error, OSError) as problem:
        if account is not None:
            account.end(tag=None, error=str(problem))
        raise asyncssh.ChannelOpenError(asyncssh.OPEN_CONNECT_FAILED, f"govern: {problem}") from None
