"""From the client to the target: framing, order and waits. Each message goes to simple.py or extended.py, which pass it on
unchanged where nothing changed and put the constant that fails in place of what is refused.

Runs synchronously in `data_received`. Where a message must wait (for a compilation, an approval, answers) it is kept with
everything behind it, and taken up again from its start by `resume`.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from jupyter_govern.errors import Blocked
from jupyter_govern_gateway.adapters.postgresql import exchange as x
from jupyter_govern_gateway.adapters.postgresql.asking import Asking
from jupyter_govern_gateway.adapters.postgresql.entries import E_EXECUTE, E_SYNC, Portal, Refusal
from jupyter_govern_gateway.adapters.postgresql.extended import ExtendedMessages
from jupyter_govern_gateway.adapters.postgresql.outgoing import ToTarget
from jupyter_govern_gateway.adapters.postgresql.refusals import INSUFFICIENT_PRIVILEGE, TOO_LONG
from jupyter_govern_gateway.adapters.postgresql.simple import SimpleMessages
from jupyter_govern_gateway.adapters.steps import CancelTarget, CloseSession
from jupyter_govern_gateway.codecs.postgresql import frames, frontend
from jupyter_govern_gateway.codecs.postgresql.frames import HEADER, Malformed
from jupyter_govern_gateway.net.bounds import MAX_PENDING_ENTRIES, MAX_STATEMENT, MAX_STREAMED, MAX_WHOLE
from jupyter_govern_gateway.sql.placeholders import explanation

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_govern.errors import SyntaxProblem
    from jupyter_govern_gateway.gate import Permit
    from jupyter_govern_gateway.sql.compiler import Compiled

# the server takes these as they come, in or out of COPY
_COPY_OR_END: Final = frozenset({frames.COPY_DATA, frames.COPY_DONE, frames.COPY_FAIL, frames.TERMINATE})
# these cannot ask for anything
_CONTROL: Final = frozenset({frames.SYNC, frames.FLUSH})
OID: Final = 4
MAX_NAMES: Final = 8 * 1024
"""Bytes in which both names of a Bind must end that is too long to be held."""
_STATEMENT_TOO_LONG: Final = Refusal(TOO_LONG, "the statement is longer than the gateway reads", hint="Send less in one statement.")


class ClientSide:
    """The client's messages, in order."""

    def __init__(self, exchange: x.Exchange, *, max_statement: int = MAX_STATEMENT) -> None:
        self.x = exchange
        self._most = max_statement + MAX_WHOLE
        self.out = ToTarget(exchange.to_target)
        self.asking = Asking(exchange, self.out)
        self.extended = ExtendedMessages(self.asking)
        self.simple = simple = SimpleMessages(self.asking)
        self._held = bytearray()
        self._need = HEADER
        # a message too long to hold: how much of it is still to come, and what becomes of it
        self._streaming = 0
        self._stream_permit: Permit | None = None
        self._stream_rows_at = -1
        """Of a CopyData: where its rows begin in what comes next."""
        self._stream_hash = hashlib.sha256()
        self._stream_portal: Portal | None = None
        self._handlers: dict[int, Callable[[bytes, int, int], bool]] = {
            frames.QUERY: simple.query,
            frames.FUNCTION_CALL: simple.function_call,
            frames.PARSE: self.extended.parse,
            frames.BIND: self.extended.bind,
            frames.DESCRIBE: self.extended.describe,
            frames.EXECUTE: self.extended.execute,
            frames.CLOSE: self.extended.close,
            frames.FLUSH: self._flush,
            frames.SYNC: self._sync,
            frames.COPY_DATA: self._copy_data,
            frames.COPY_DONE: self._copy_end,
            frames.COPY_FAIL: self._copy_end,
            frames.TERMINATE: self._terminate,
        }

    @property
    def in_message(self) -> bool:
        """The target has the start of a message whose end is not here yet: nothing may be said in between."""
        return self._streaming > 0 and self._stream_permit is not None

    def feed(self, data: bytes) -> None:
        """Bytes from the client."""
        if self._held or self.x.stall:
            self._held += data
            if self.x.stall or len(self._held) < self._need:
                return
            data = bytes(self._held)
            self._held.clear()
        self._run(data)

    def resume(self) -> None:
        """Go on where a wait has ended."""
        self.x.stall = x.GOING
        data = bytes(self._held)
        self._held.clear()
        self._run(data)

    def _run(self, data: bytes) -> None:
        out, shared, handlers, asking = self.out, self.x, self._handlers, self.asking
        out.begin(data)
        size, at = len(data), 0
        while at < size and not shared.closed:
            if self._streaming:
                at = self._stream(at, size)
                continue
            if size - at < HEADER:
                self._need = HEADER
                break
            kind = data[at]
            length = int.from_bytes(data[at + 1 : at + 5], "big")
            handler = handlers.get(kind)
            if handler is None or not 4 <= length <= MAX_STREAMED:
                raise Malformed(f"a message of type {kind:#04x} and length {length}")
            if not self._may_go_on(kind):
                break
            stop = at + 1 + length
            if stop > size:
                if length > MAX_WHOLE and self._begin_stream(kind, at, stop):
                    continue
                # the start of a Bind or FunctionCall that streams must be here, with its names; anything else must be whole
                streams = kind in (frames.BIND, frames.FUNCTION_CALL) and length >= self._most
                self._need = size - at + 1 if streams else stop - at
                break
            done = handler(data, at, stop)
            if asking.has_verdict and not shared.stall:
                asking.drop_verdict()
            if not done:
                break
            at = stop
        out.flush()
        if at < size and not shared.closed:
            self._held += data[at:]

    def _may_go_on(self, kind: int) -> bool:
        """Whether this message may be looked at now, or must wait for answers to the ones before it."""
        shared = self.x
        if kind in _COPY_OR_END:
            if shared.copying is not None and not shared.copy_in and kind != frames.TERMINATE:
                self.asking.wait(x.FOR_COPY)
                return False
            return True
        if shared.copying is not None and not (shared.copy_in and kind in _CONTROL):
            self.asking.wait(x.FOR_COPY)
            return False
        if len(shared.expected) >= MAX_PENDING_ENTRIES:
            self.asking.wait(x.FOR_ROOM)
            return False
        if shared.barrier and kind not in _CONTROL:
            if shared.expected:
                self.asking.wait(x.FOR_ANSWERS)
                return False
            shared.barrier = False
        return True

    # -- messages too long to hold -----------------------------------------------------------------

    def _begin_stream(self, kind: int, at: int, stop: int) -> bool:
        """Start on a message of which only a part is here; False where it is held until all of it is."""
        length = stop - at
        if kind == frames.COPY_DATA:
            self._stream_permit = self._copy_permit()
            self._stream_rows_at = HEADER
        elif length <= self._most:
            return False
        elif kind in (frames.QUERY, frames.PARSE):
            self._stream_permit = None
            if not self.x.skipping:
                self.asking.refuse(_STATEMENT_TOO_LONG, simple=kind == frames.QUERY)
        elif kind == frames.BIND:
            return self._begin_long_bind(at, length)
        elif kind == frames.FUNCTION_CALL:
            return self._begin_long_call(at, length)
        else:
            raise Malformed(f"a message of type {chr(kind)} and length {length}")
        self._streaming = length
        return True

    def _begin_long_call(self, at: int, length: int) -> bool:
        block = self.out.block
        if len(block) - at < HEADER + OID:
            return False
        self._stream_permit = None
        if not self.x.skipping:
            self._stream_permit = self.simple.may_call(block, at, len(block))
            if self.x.stall:
                return False
        self._streaming = length
        return True

    def _begin_long_bind(self, at: int, length: int) -> bool:
        block = self.out.block
        self._stream_permit = None
        if block.count(b"\0", at + HEADER, at + HEADER + MAX_NAMES) < 2:
            if len(block) - at - HEADER >= MAX_NAMES:
                raise Malformed("a Bind whose names do not end")
            return False
        if not self.x.skipping:
            portal_name, statement_name, _ = frontend.read_bind_names(block, at + HEADER, len(block))
            prepared = self.extended.statement(statement_name)
            if prepared is None:
                return False
            if isinstance(prepared, Refusal):
                self.asking.refuse(prepared, simple=False)
            else:
                self._stream_hash, self._stream_portal = hashlib.sha256(), Portal(prepared, (), (), ())
                self._stream_permit = self.x.permit
                self.extended.bound(portal_name, self._stream_portal)
        self._streaming = length
        return True

    def _stream(self, at: int, size: int) -> int:
        stop = min(size, at + self._streaming)
        if self._stream_permit is not None:
            self.out.keep(self._stream_permit, at, stop)
        self._streaming -= stop - at
        if self._stream_permit is not None and self._stream_rows_at >= 0:
            self._writes_back(self.out.block, at + self._stream_rows_at, stop, may_end=not self._streaming)
            self._stream_rows_at = 0 if self._streaming else -1
        portal = self._stream_portal
        if portal is not None:
            self._stream_hash.update(self.out.block[at:stop])
            if not self._streaming:
                # an approval of this operation fits exactly these bytes, although nobody holds them
                portal.parameters = (b"sha256 of the Bind message: " + self._stream_hash.hexdigest().encode(),)
                self._stream_portal = None
        return stop

    # -- messages without a question -----------------------------------------------------------------

    def _flush(self, block: bytes, at: int, stop: int) -> bool:
        if stop - at != HEADER:
            raise Malformed("a Flush with a body")
        if not self.x.skipping and not self.x.copy_in:
            self.out.keep(self.x.permit, at, stop)
        return True

    def _sync(self, block: bytes, at: int, stop: int) -> bool:
        if stop - at != HEADER:
            raise Malformed("a Sync with a body")
        shared = self.x
        if shared.copy_in:
            return True  # the server would ignore it; we do, so that it is certain who reads it
        shared.skipping = False
        self.out.keep(shared.permit, at, stop)
        shared.due(E_SYNC)
        shared.end_batch()
        return True

    def _copy_permit(self) -> Permit | None:
        copying = self.x.copying
        if copying is None or not self.x.copy_in or copying.run is None:
            return None  # what comes behind a COPY that failed; the server would ignore it too
        return copying.run.permit

    def _copy_data(self, block: bytes, at: int, stop: int) -> bool:
        permit = self._copy_permit()
        if permit is not None and not self._writes_back(block, at + HEADER, stop):
            self.out.keep(permit, at, stop)
        return True

    def _writes_back(self, block: bytes, at: int, stop: int, *, may_end: bool = True) -> bool:
        """Rows that hold a masked value for its own column end the COPY; the target takes none of it. Said once the message is whole."""
        rows, copying = self.x.copied, self.x.copying
        if rows is None or copying is None or copying.run is None:
            return False
        run = copying.run
        if run.refused is None and (written := rows.found(block[at:stop])) is not None:
            words = explanation(written.column.name, rows.relation, written.mask)
            run.refused = Refusal(INSUFFICIENT_PRIVILEGE, f"a row of this COPY: {words}", hint="Nothing of this COPY was written.")
        if run.refused is None or not may_end:
            return False
        self.out.put(run.permit, frontend.copy_fail(run.refused.message.encode(self.x.codec, "replace")))
        self._copy_ends()
        return True

    def _copy_end(self, block: bytes, at: int, stop: int) -> bool:
        permit = self._copy_permit()
        if permit is not None:
            self.out.keep(permit, at, stop)
            self._copy_ends()
        return True

    def _copy_ends(self) -> None:
        self.x.copy_in = False
        self.x.copied = None
        if self.x.copying is not None and self.x.copying.kind == E_EXECUTE:
            self.x.copying = None  # one Execute has one COPY; a Query may have more

    def _terminate(self, block: bytes, at: int, stop: int) -> bool:
        self.out.keep(self.x.permit, at, stop)
        self.x.closed = True
        self.x.steps.append(CloseSession(reason="the client said goodbye", is_goodbye=True))
        return True

    # -- what the driver tells -------------------------------------------------------------------------

    def planned(self, ticket: int, text: str, found: Compiled | Blocked | SyntaxProblem) -> None:
        """A compilation is done."""
        if self.asking.planned(ticket, text, found):
            self.resume()

    def answered(self, ticket: int, verdict: Permit | Blocked) -> None:
        """An approval was answered."""
        if self.asking.answered(ticket, verdict):
            self.resume()

    def cancel(self) -> None:
        """Somebody holds the key of this session (the driver withdraws an approval that is waited for)."""
        if self.x.stall == x.FOR_PLAN:
            self.asking.cancel_plan()
        elif self.x.stall != x.FOR_APPROVAL:
            self.x.steps.append(CancelTarget(permit=self.x.permit))
