"""The target's errors, notices and notifications: refusals get their turn, positions are mapped back, what could quote raw
values is removed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from jupyter_govern.errors import TargetProtocolError
from jupyter_govern_gateway.adapters.postgresql import exchange as x
from jupyter_govern_gateway.adapters.postgresql.content import hide_spoken
from jupyter_govern_gateway.adapters.postgresql.entries import E_FUNCTION, E_QUERY, E_SYNC, Entry, Refusal, Run
from jupyter_govern_gateway.adapters.postgresql.refusals import (
    QUERY_CANCELED,
    error_of,
    filtered,
    mapped_position,
    rules_text,
)
from jupyter_govern_gateway.codecs.postgresql import backend, fields
from jupyter_govern_gateway.codecs.postgresql.frames import HEADER, cstring, uint32

if TYPE_CHECKING:
    from jupyter_govern_gateway.adapters.postgresql.outgoing import ToClient

_ENDS_SESSION: Final = frozenset({b"FATAL", b"PANIC"})


class Errors:
    """ErrorResponse, NoticeResponse, NotificationResponse."""

    def __init__(self, exchange: x.Exchange, out: ToClient) -> None:
        self.x = exchange
        self.out = out

    def error(self, data: bytes, at: int, stop: int) -> None:
        """Something failed: the statement in turn, or the session."""
        found = fields.read_fields(data, at + HEADER, stop)
        expected = self.x.expected
        entry = expected[0] if expected else None
        if found.get(fields.SEVERITY_NONLOCALIZED, found.get(fields.SEVERITY)) in _ENDS_SESSION:
            self._filter(found, entry, data, at, stop)
            self.x.target_said_fatal = True
            return
        if entry is None:
            raise TargetProtocolError("the target reports an error of nothing")
        run = entry.run
        if self.x.cut_to_sync or (run is not None and run.cut):
            self.out.replace(at, stop, b"")
        elif entry.refusal is not None:
            self.out.replace(at, stop, error_of(entry.refusal, self.x.codec))
        elif run is not None and run.refused is not None:
            run.error = f"{run.refused.code}: {run.refused.message}"
            self.out.replace(at, stop, error_of(run.refused, self.x.codec))
        elif run is not None and run.timed_out and found.get(fields.CODE) == QUERY_CANCELED.encode():
            self._replace_timeout(run, at, stop)
        else:
            self._filter(found, entry, data, at, stop)
            if run is not None:
                run.error = self._said(found)
        self._after(entry, run)

    def _after(self, entry: Entry, run: Run | None) -> None:
        if entry.kind in (E_QUERY, E_FUNCTION, E_SYNC):
            entry.failed = True
            self.x.copy_in = False
            return
        # an extended message failed: the target ignores everything up to the next Sync
        self.x.batch_failed = True
        self.x.expected.popleft()
        self.x.settle(entry, entry.refusal is not None)  # the one change of a refused Parse happens although it fails
        if run is not None:
            run.in_flight -= 1
            self.x.end_run(run, error=run.error or "failed")
        self.x.skip_to_sync()

    def _replace_timeout(self, run: Run, at: int, stop: int) -> None:
        rule = run.plan.second_rule
        refusal = Refusal(QUERY_CANCELED, f"stopped after {run.plan.seconds:g} seconds", detail=rules_text((rule,) if rule else ()))
        run.error = f"{refusal.code}: {refusal.message}"
        self.out.replace(at, stop, error_of(refusal, self.x.codec))

    def _said(self, found: fields.Fields) -> str:
        code, message = found.get(fields.CODE, b""), found.get(fields.MESSAGE, b"")
        return f"{code.decode('ascii', 'replace')}: {message.decode(self.x.codec, 'replace')}"

    def _filter(self, found: fields.Fields, entry: Entry | None, data: bytes, at: int, stop: int) -> None:
        compiled = entry.plan.compiled if entry is not None and entry.plan is not None else None
        quotable = self.x.raw_quotable or (compiled is not None and compiled.may_quote_raw)
        touches = compiled is not None and compiled.touches_masked
        changed = filtered(found, touches_masked=touches, may_quote_raw=quotable)
        if (scanner := self.x.door.scanner()) is not None:
            changed |= hide_spoken(scanner, found)
        if entry is not None and entry.plan is not None and not entry.plan.unchanged and compiled is not None:
            changed |= mapped_position(found, compiled.original_position, shift=entry.plan.position_shift)
        if changed:
            self.out.replace(at, stop, fields.write_fields(data[at], found))

    def notice(self, data: bytes, at: int, stop: int) -> None:
        """Somebody's RAISE, or the server's own remark."""
        expected = self.x.expected
        if not self.x.has_masks:
            return
        found = fields.read_fields(data, at + HEADER, stop)
        self._filter(found, expected[0] if expected else None, data, at, stop)

    def notification(self, data: bytes, at: int, stop: int) -> None:
        """NOTIFY of any session, so of any content: where masks hold, the payload passes only from a session that saw masks too."""
        if not self.x.has_masks:
            return
        passes = self.x.door.speaks_masked(uint32(data, at + HEADER, stop))
        scanner = self.x.door.scanner()
        channel, payload_at = cstring(data, at + HEADER + 4, stop)
        payload, _ = cstring(data, payload_at, stop)
        shown = payload if passes else b""
        if scanner is not None:
            shown = scanner.hide(shown)
        if shown != payload:
            self.out.replace(at, stop, backend.notification(data[at + HEADER : at + HEADER + 4], channel, shown))
