"""From the target to the client: check where result columns come from, filter what could quote raw values, put refusals in
their turn, keep account of what is due; everything else passes as the bytes that came.

Runs synchronously in `data_received`. A message up to MAX_WHOLE bytes passes whole or not at all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from jupyter_govern.errors import TargetProtocolError
from jupyter_govern_gateway.adapters.postgresql import exchange as x
from jupyter_govern_gateway.adapters.postgresql.answers import Answers
from jupyter_govern_gateway.adapters.postgresql.content import LongRow
from jupyter_govern_gateway.adapters.postgresql.outgoing import ToClient
from jupyter_govern_gateway.codecs.postgresql import frames
from jupyter_govern_gateway.codecs.postgresql.frames import HEADER, Malformed
from jupyter_govern_gateway.net.bounds import MAX_HELD, MAX_PENDING_ENTRIES, MAX_STREAMED, MAX_WHOLE

if TYPE_CHECKING:
    from jupyter_govern_gateway.adapters.postgresql.client_side import ClientSide

_DATA_ROW: Final = frames.DATA_ROW
_COPY_DATA: Final = frames.COPY_DATA


class TargetSide:
    """The target's messages, in order."""

    def __init__(self, exchange: x.Exchange, client_side: ClientSide) -> None:
        self.x = exchange
        self._client_side = client_side
        self.out = ToClient(exchange.to_client)
        self.answers = Answers(exchange, self.out)
        self._held = bytearray()
        self._need = HEADER
        self._streaming = 0
        self._stream_passes = True
        self._long: LongRow | None = None
        self._waiting_notices: list[bytes] = []

    @property
    def in_message(self) -> bool:
        """The client has the start of a message whose end is not here yet: nothing may be said in between."""
        return self._streaming > 0 and self._stream_passes

    def say(self, message: bytes) -> None:
        """A message of our own for the client, at the next boundary."""
        if self.in_message:
            self._waiting_notices.append(message)
        else:
            self.x.to_client.append(message)

    def feed(self, data: bytes) -> None:
        """Bytes from the target."""
        if self._held:
            self._held += data
            if len(self._held) < self._need:
                return
            data = bytes(self._held)
            self._held.clear()
        try:
            self._run(data)
        except Malformed as problem:
            raise TargetProtocolError(str(problem)) from None
        self._wake()

    def _run(self, data: bytes) -> None:
        out, answers = self.out, self.answers
        out.begin(data)
        size = len(data)
        answers.look_for(self.x.door.scanner(), data)
        at = self._stream(size) if self._streaming else 0
        while size - at >= HEADER:
            kind = data[at]
            length = data[at + 1] << 24 | data[at + 2] << 16 | data[at + 3] << 8 | data[at + 4]
            stop = at + 1 + length
            if stop > size or length < 4:
                break
            if kind == _DATA_ROW or kind == _COPY_DATA:  # noqa: PLR1714, SIM109 - twice as fast as `in`, once per row
                if not answers.row(data, at, stop):
                    out.replace(at, stop, b"")
            else:
                answers.message(kind, data, at, stop)
            at = stop
        if at < size:
            at = self._hold(data, at, size)
        out.end(at)

    def _hold(self, data: bytes, at: int, size: int) -> int:
        """The start of a message whose rest is to come: keep it, or let it stream if it is a long row."""
        self._need = HEADER
        if size - at >= HEADER:
            kind = data[at]
            length = int.from_bytes(data[at + 1 : at + 5], "big")
            if not 4 <= length <= MAX_STREAMED:
                raise Malformed(f"a message of type {kind:#04x} and length {length}")
            if kind in (_DATA_ROW, _COPY_DATA) and length > MAX_WHOLE:
                self._streaming = length + 1
                self._stream_passes = self.answers.long_row(length + 1)
                scanner = self.x.door.scanner()
                self._long = LongRow(scanner, None if kind == _COPY_DATA else self.x.expected[0].run) if scanner is not None else None
                return self._stream(size, at)
            if kind == frames.FUNCTION_CALL_RESPONSE and length > MAX_WHOLE:
                self.answers.message(kind, data, at, at + length + 1)
                self._streaming, self._stream_passes, self._long = length + 1, True, None
                return self._stream(size, at)
            if length > MAX_HELD:
                raise Malformed(f"a message of type {kind:#04x} and length {length}")
            self._need = length + 1
        self._held += data[at:]
        return at

    def _stream(self, size: int, at: int = 0) -> int:
        stop = min(size, at + self._streaming)
        self._streaming -= stop - at
        if not self._stream_passes:
            self.out.replace(at, stop, b"")
        elif self._long is not None:
            shown = self._long.feed(self.out.block[at:stop], is_last=not self._streaming)
            self.out.replace(at, stop, shown + (self._notices() if not self._streaming else b""))
        elif not self._streaming and self._waiting_notices:
            self.out.replace(stop, stop, self._notices())
        return stop

    def _notices(self) -> bytes:
        said = b"".join(self._waiting_notices)
        self._waiting_notices.clear()
        return said

    def _wake(self) -> None:
        """Go on with a client's message that waited for what has come now."""
        shared = self.x
        ready = (
            (shared.stall == x.FOR_ANSWERS and not shared.expected)
            or (shared.stall == x.FOR_COPY and (shared.copying is None or shared.copy_in))
            or (shared.stall == x.FOR_ROOM and len(shared.expected) < MAX_PENDING_ENTRIES // 2)
        )
        if ready:
            self._client_side.resume()
