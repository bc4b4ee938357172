"""An exec or a shell between two channels: bytes both ways with back-pressure, EOF by halves, signals, sizes, the exit status.

The exit status goes to the client when the target's channel is gone and everything is delivered: sent at once it overtakes what
flow control holds back (design/protocols.md).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import asyncssh

from jupyter_govern_gateway.detect.stream import Stream
from jupyter_govern_gateway.ssh.record import Account, Masked
from jupyter_govern_gateway.ssh.words import FAILED

if TYPE_CHECKING:
    from jupyter_govern_gateway.detect.scanner import Scanner

STDERR: Final = asyncssh.EXTENDED_DATA_STDERR


class Relay(asyncssh.SSHClientSession[bytes]):
    """The target's side; `client` is the channel to the person. Made only where there is an Account, so only with a Permit."""

    def __init__(self, client: asyncssh.SSHServerChannel[bytes], account: Account, scanner: Scanner | None, target: str) -> None:
        self._client, self._account, self._target = client, account, target
        self._channel: asyncssh.SSHClientChannel[bytes] | None = None
        self._status: int | None = None
        self._signal: tuple[str, bool, str, str] | None = None
        self._why = ""
        self._masked = {kind: Masked(Stream(scanner), self._giver(kind)) for kind in (None, STDERR)} if scanner is not None else None

    def _giver(self, kind: int | None) -> Callable[[bytes], None]:
        return lambda data: self._give(data, kind)

    # -- from the target ------------------------------------------------------------------------------

    def connection_made(self, chan: asyncssh.SSHClientChannel[bytes]) -> None:
        self._channel = chan

    def data_received(self, data: bytes, datatype: int | None) -> None:
        if self._masked is None:
            self._give(data, datatype)
        else:
            self._masked[datatype].feed(data)

    def _give(self, data: bytes, datatype: int | None) -> None:
        if self._account.delivered("e" if datatype == STDERR else "o", data) and not self._client.is_closing():
            self._client.write(data, datatype)

    def exit_status_received(self, status: int) -> None:
        self._status = status

    def exit_signal_received(self, signal: str, core_dumped: bool, msg: str, lang: str) -> None:
        self._signal = (signal, core_dumped, msg, lang)

    def eof_received(self) -> bool:
        return True

    def pause_writing(self) -> None:
        self._client.pause_reading()

    def resume_writing(self) -> None:
        self._client.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        for masked in self._masked.values() if self._masked is not None else ():
            masked.finish()
        client = self._client
        is_here = not client.is_closing()
        if self._status is not None:
            self._account.end(tag=f"exit {self._status}")
            if is_here:
                client.exit(self._status)
        elif self._signal is not None:
            self._account.end(tag=f"signal {self._signal[0]}")
            if is_here:
                client.exit_with_signal(*self._signal)
        else:
            why = self._why or f'target "{self._target}" closed the connection'
            self._account.end(tag=None, error=why)
            if is_here:
                client.write(f"govern: {why}\r\n".encode(), STDERR)
                client.exit(FAILED)

    # -- from the person ------------------------------------------------------------------------------

    def send(self, data: bytes) -> None:
        if self._channel is not None and not self._channel.is_closing():
            self._channel.write(data)

    def send_eof(self) -> None:
        if self._channel is not None and not self._channel.is_closing():
            self._channel.write_eof()

    def send_signal(self, signal: str) -> None:
        if self._channel is not None:
            self._channel.send_signal(signal)

    def send_break(self, msec: int) -> None:
        if self._channel is not None:
            self._channel.send_break(msec)

    def resize(self, width: int, height: int, pixwidth: int, pixheight: int) -> None:
        self._account.resized(width, height)
        if self._channel is not None:
            self._channel.change_terminal_size(width, height, pixwidth, pixheight)

    def pause(self) -> None:
        if self._channel is not None:
            self._channel.pause_reading()

    def resume(self) -> None:
        if self._channel is not None:
            self._channel.resume_reading()

    def stop(self, why: str) -> None:
        """End it at the target: the client has gone, or its time is over."""
        self._why = self._why or why
        if self._channel is not None:
            self._channel.abort()
        else:
            self._account.end(tag=None, error=why)
