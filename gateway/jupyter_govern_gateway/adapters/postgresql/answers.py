"""What each of the target's messages means for what is due, and what the client gets of it.

Where the answers do not fit what was sent, the session ends: a gateway that lost count would let results pass under the
wrong permit (fail closed).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from jupyter_govern.errors import TargetProtocolError
from jupyter_govern_gateway.adapters.postgresql import exchange as x
from jupyter_govern_gateway.adapters.postgresql import wire_check
from jupyter_govern_gateway.adapters.postgresql.content import shown_row
from jupyter_govern_gateway.adapters.postgresql.entries import (
    E_BIND,
    E_CLOSE,
    E_DESCRIBE_PORTAL,
    E_DESCRIBE_STATEMENT,
    E_EXECUTE,
    E_FUNCTION,
    E_PARSE,
    E_QUERY,
    E_SYNC,
    Entry,
    Refusal,
    Run,
)
from jupyter_govern_gateway.adapters.postgresql.errors import Errors
from jupyter_govern_gateway.adapters.postgresql.refusals import TOO_LONG, error_of, rules_text
from jupyter_govern_gateway.adapters.postgresql.sampling import delivered_columns
from jupyter_govern_gateway.adapters.steps import CancelTarget, InvalidateCatalog
from jupyter_govern_gateway.codecs.postgresql import backend, fields, frames
from jupyter_govern_gateway.codecs.postgresql.encodings import codec_for
from jupyter_govern_gateway.codecs.postgresql.frames import HEADER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from jupyter_govern_gateway.adapters.postgresql.outgoing import ToClient
    from jupyter_govern_gateway.detect.scanner import Scanner

_READY_KINDS: Final = frozenset({E_QUERY, E_SYNC, E_FUNCTION})
_RESULT_KINDS: Final = frozenset({E_QUERY, E_EXECUTE})


NOWHERE: Final = 1 << 62


class Answers:
    """The target's messages, one by one."""

    def __init__(self, exchange: x.Exchange, out: ToClient) -> None:
        self.x = exchange
        self.out = out
        self.errors = Errors(exchange, out)
        self._last_tag = ""
        # set where the block at hand may hold something to hide, with the places in it
        self._scanner: Scanner | None = None
        self._places: Iterator[int] | None = None
        self._next_place = NOWHERE
        self._handlers: dict[int, Callable[[bytes, int, int], None]] = {
            frames.READY_FOR_QUERY: self._ready,
            frames.ROW_DESCRIPTION: self._row_description,
            frames.COMMAND_COMPLETE: self._command_complete,
            frames.EMPTY_QUERY_RESPONSE: self._empty_query,
            frames.PORTAL_SUSPENDED: self._suspended,
            frames.ERROR_RESPONSE: self.errors.error,
            frames.NOTICE_RESPONSE: self.errors.notice,
            frames.NOTIFICATION_RESPONSE: self.errors.notification,
            frames.PARAMETER_STATUS: self._parameter_status,
            frames.PARSE_COMPLETE: self._parse_complete,
            frames.BIND_COMPLETE: self._bind_complete,
            frames.CLOSE_COMPLETE: self._close_complete,
            frames.PARAMETER_DESCRIPTION: self._parameter_description,
            frames.NO_DATA: self._no_data,
            frames.COPY_IN_RESPONSE: self._copy_in,
            frames.COPY_OUT_RESPONSE: self._copy_out,
            frames.COPY_DONE: self._copy_done,
            frames.FUNCTION_CALL_RESPONSE: self._function_result,
        }

    # -- rows ------------------------------------------------------------------------------------

    def row(self, data: bytes, at: int, stop: int) -> bool:
        """One DataRow or CopyData; says whether the client gets it."""
        expected = self.x.expected
        run = expected[0].run if expected else None
        if run is None:
            raise TargetProtocolError("the target sent rows that nobody asked for")
        if run.cut or self.x.cut_to_sync:
            return False
        if run.row_limit and run.rows >= run.row_limit:
            return self._beyond_limit(run, data, at, stop)
        run.rows += 1
        run.bytes_ += stop - at
        if stop > self._next_place and (shown := self._shown(run, data, at, stop)) is not None:
            self.out.replace(at, stop, shown)
            if run.sampling:
                self._sample(run, shown)
        elif run.sampling:
            self._sample(run, data[at:stop])
        return True

    def look_for(self, scanner: Scanner | None, block: bytes) -> None:
        """What to look for in the rows of this block; where nothing can be in it, for nothing."""
        self._scanner = scanner if scanner is not None and scanner.may_hold(block) else None
        self._next_place = NOWHERE
        if self._scanner is not None:
            places = self._scanner.places(block)
            self._places = iter(places) if places is not None else None
            self._next_place = -1 if self._places is None else next(self._places, NOWHERE)

    def _shown(self, run: Run, data: bytes, at: int, stop: int) -> bytes | None:
        """The row as the client may see it; None: as it is."""
        places = self._places
        if places is not None:
            while self._next_place < at:
                self._next_place = next(places, NOWHERE)
            if self._next_place >= stop:
                return None
        assert self._scanner is not None  # noqa: S101 - there would be no place
        return shown_row(self._scanner, run, data, at, stop)

    def long_row(self, size: int) -> bool:
        """A row too long to hold; says whether the client gets it. The record keeps none of it."""
        expected = self.x.expected
        run = expected[0].run if expected else None
        if run is None:
            raise TargetProtocolError("the target sent rows that nobody asked for")
        if run.cut or self.x.cut_to_sync:
            return False
        if run.row_limit and run.rows >= run.row_limit:
            run.withheld += 1
            return False
        run.rows += 1
        run.bytes_ += size
        return True

    def _sample(self, run: Run, message: bytes) -> None:
        if not run.described:
            self._describe(run)
        run.permit.deliver(message)
        run.sampling = run.permit.wants_rows

    def _describe(self, run: Run) -> None:
        run.described = True
        if run.prepared is not None:
            run.columns = run.prepared.columns
        run.permit.describe(delivered_columns(run.columns, run.formats, self.x.codec))

    def _beyond_limit(self, run: Run, data: bytes, at: int, stop: int) -> bool:
        run.withheld += 1
        if data[at] == frames.COPY_DATA:
            # rows may be missing from a result, but not from the middle of a file
            rule = run.plan.row_rule
            refusal = Refusal(
                TOO_LONG,
                f"stopped after {run.row_limit} rows",
                detail=rules_text((rule,) if rule else ()),
                hint="COPY a query with a LIMIT.",
            )
            self._cut(run, refusal, at, stop)
        return False

    def _cut(self, run: Run, refusal: Refusal, at: int, stop: int) -> None:
        """The client gets this error and nothing more of the operation; the target is asked to stop."""
        run.cut = True
        run.error = f"{refusal.code}: {refusal.message}"
        self.out.replace(at, stop, error_of(refusal, self.x.codec))
        self.x.steps.append(CancelTarget(permit=self.x.permit))
        head = self.x.expected[0]
        if head.kind == E_EXECUTE:
            self.x.cut_batch()

    # -- one message -------------------------------------------------------------------------------

    def message(self, kind: int, data: bytes, at: int, stop: int) -> None:
        """Any message but a row."""
        handler = self._handlers.get(kind)
        if handler is None:
            raise TargetProtocolError(f"the target sent a message of type {kind:#04x}")
        handler(data, at, stop)

    def _head(self, *kinds: int) -> Entry:
        """The entry whose answer this is."""
        expected = self.x.expected
        if not expected or expected[0].kind not in kinds:
            raise TargetProtocolError("the target's answer does not fit what it was sent")
        return expected[0]

    def _dropped(self, entry: Entry) -> bool:
        return entry.hidden or self.x.cut_to_sync or (entry.run is not None and entry.run.cut)

    def _drop(self, entry: Entry, at: int, stop: int) -> None:
        if self._dropped(entry):
            self.out.replace(at, stop, b"")

    def _done(self, entry: Entry) -> None:
        self.x.expected.popleft()
        self.x.settle(entry, True)

    def _parse_complete(self, data: bytes, at: int, stop: int) -> None:
        entry = self._head(E_PARSE)
        if entry.refusal is not None:
            raise TargetProtocolError("the target took the statement that stands for a refusal")
        self._drop(entry, at, stop)
        self._done(entry)

    def _bind_complete(self, data: bytes, at: int, stop: int) -> None:
        entry = self._head(E_BIND)
        self._drop(entry, at, stop)
        self._done(entry)

    def _close_complete(self, data: bytes, at: int, stop: int) -> None:
        entry = self._head(E_CLOSE)
        self._drop(entry, at, stop)
        self._done(entry)

    def _parameter_description(self, data: bytes, at: int, stop: int) -> None:
        self._drop(self._head(E_DESCRIBE_STATEMENT), at, stop)

    def _no_data(self, data: bytes, at: int, stop: int) -> None:
        entry = self._head(E_DESCRIBE_STATEMENT, E_DESCRIBE_PORTAL)
        self._drop(entry, at, stop)
        self._done(entry)

    def _row_description(self, data: bytes, at: int, stop: int) -> None:
        entry = self._head(E_QUERY, E_DESCRIBE_STATEMENT, E_DESCRIBE_PORTAL)
        if entry.kind == E_QUERY and entry.run is None:
            raise TargetProtocolError("the target sent columns that nobody asked for")
        columns = backend.read_row_description(data, at + HEADER, stop)
        problem = wire_check.problem_of(self.x, entry.plan, columns)
        if entry.kind != E_QUERY:
            self._done(entry)
            if entry.prepared is not None:
                entry.prepared.columns = columns
        if problem is not None and not self.x.cut_to_sync:
            self._fail_wire_check(entry, problem, at, stop)
            return
        if self._dropped(entry):
            self.out.replace(at, stop, b"")
            return
        self._say_masked(entry, at)
        if entry.run is not None:
            entry.run.columns, entry.run.types = columns, None
            self._describe(entry.run)

    def _fail_wire_check(self, entry: Entry, problem: wire_check.Problem, at: int, stop: int) -> None:
        """A masked column came through the compiler: a bug. Nothing of the result passes."""
        self.x.door.note("wire-check", problem.detail)
        if entry.run is not None:
            self._cut(entry.run, problem.refusal, at, stop)
            return
        if entry.prepared is not None:
            entry.prepared.cut_by = problem.refusal.message
        self.out.replace(at, stop, error_of(problem.refusal, self.x.codec))
        self.x.steps.append(CancelTarget(permit=self.x.permit))
        self.x.cut_batch()

    def _say_masked(self, entry: Entry, at: int) -> None:
        """A kernel asked to be told which columns are masked; before the result they belong to."""
        shared = self.x
        if not shared.is_kernel or entry.plan is None or entry.plan.compiled is None:
            return
        outputs = entry.plan.compiled.masked_outputs
        said = json.dumps([{"name": o.name, "rule": o.rule, "format": o.format} for o in outputs], ensure_ascii=False)
        if said != shared.said_masked:
            shared.said_masked = said
            self.out.replace(at, at, backend.parameter_status(b"govern.masked", said.encode(shared.codec, "replace")))

    # -- ends --------------------------------------------------------------------------------------

    def _command_complete(self, data: bytes, at: int, stop: int) -> None:
        entry = self._head(E_QUERY, E_EXECUTE)
        run = entry.run
        if run is None:
            raise TargetProtocolError("the target ran what it was not sent")
        tag = data[at + HEADER : stop].rstrip(b"\0").decode("ascii", "replace")
        self._last_tag = run.tag = tag
        if not self._dropped(entry):
            self._say_limited(run, at)
        self._drop(entry, at, stop)
        if entry.kind == E_EXECUTE:
            self._done(entry)
            self._execute_over(entry, run, over=True)
            self.x.took_effect(run.plan, entry.raw, in_batch=True)

    def _say_limited(self, run: Run, at: int) -> None:
        if not run.row_limit or run.rows < run.row_limit:
            return
        rule = run.plan.row_rule
        text = f"limited to {run.row_limit} rows"
        if run.withheld:
            text += f", {run.withheld} more were withheld"
        message = fields.notice("01000", text, detail=rules_text((rule,) if rule else ()), encoding=self.x.codec)
        self.out.replace(at, at, message)

    def _empty_query(self, data: bytes, at: int, stop: int) -> None:
        entry = self._head(E_QUERY, E_EXECUTE)
        if entry.local_tag and not self.x.cut_to_sync:
            self.out.replace(at, stop, backend.command_complete(entry.local_tag))
        else:
            self._drop(entry, at, stop)
        if entry.run is not None:
            entry.run.tag = ""
        if entry.kind == E_EXECUTE:
            self._done(entry)
            if entry.run is not None:
                self._execute_over(entry, entry.run, over=True)

    def _suspended(self, data: bytes, at: int, stop: int) -> None:
        entry = self._head(E_EXECUTE)
        self._drop(entry, at, stop)
        self._done(entry)
        if entry.run is not None:
            self._execute_over(entry, entry.run, over=False)

    def _execute_over(self, entry: Entry, run: Run, *, over: bool) -> None:
        shared = self.x
        run.in_flight -= 1
        if shared.copying is entry:
            shared.copying = None
            shared.copy_in = False
        if over:
            run.over = True
        if run.over and run.in_flight == 0:
            self._end_run(run)

    def _end_run(self, run: Run) -> None:
        if not run.described and (run.columns or run.prepared is not None):
            self._describe(run)
        compiled = run.plan.compiled
        if compiled is not None and compiled.may_quote_raw:
            self.x.raw_quotable = True
        self.x.end_run(run, tag=run.tag, error=run.error)

    def _function_result(self, data: bytes, at: int, stop: int) -> None:
        entry = self._head(E_FUNCTION)
        if entry.run is None:
            raise TargetProtocolError("the target ran what it was not sent")
        entry.run.bytes_ += stop - at

    def _ready(self, data: bytes, at: int, stop: int) -> None:
        entry = self._head(*_READY_KINDS)
        if stop - at != HEADER + 1:
            raise TargetProtocolError("a ReadyForQuery of the wrong size")
        shared = self.x
        self._done(entry)
        before, shared.status = shared.status, data[stop - 1]
        run = entry.run
        if run is not None:
            if entry.failed:
                shared.may_have_taken_effect(run.plan)
            else:
                shared.took_effect(run.plan, entry.raw)
            self._end_run(run)
        if shared.copying is entry:
            shared.copying = None
            shared.copy_in = False
        if entry.kind == E_SYNC:
            shared.cut_to_sync = False
        elif shared.cut_to_sync:
            self.out.replace(at, stop, b"")
        self._transaction(before)
        shared.batch_failed = False

    def _transaction(self, before: int) -> None:
        shared = self.x
        if shared.status == backend.IDLE:
            failed = before == backend.IN_FAILED_TRANSACTION or self._last_tag == "ROLLBACK" or shared.batch_failed
            shared.naming.transaction_ended(committed=not failed)
            shared.drop_portals()
            shared.raw_quotable = False
            if shared.catalog_dirty:
                shared.catalog_dirty = False
                shared.steps.append(InvalidateCatalog())
        shared.naming.settle()
        self._last_tag = ""

    # -- COPY --------------------------------------------------------------------------------------

    def _copy_in(self, data: bytes, at: int, stop: int) -> None:
        entry = self._head(*_RESULT_KINDS)
        if entry.run is None or self.x.copying is not entry:
            raise TargetProtocolError("the target wants data that nobody offered")
        self.x.begin_copy_in(entry.run)

    def _copy_out(self, data: bytes, at: int, stop: int) -> None:
        entry = self._head(*_RESULT_KINDS)
        if entry.run is None:
            raise TargetProtocolError("the target sent data that nobody asked for")
        if self._dropped(entry):
            self.out.replace(at, stop, b"")
        else:
            self._say_masked(entry, at)

    def _copy_done(self, data: bytes, at: int, stop: int) -> None:
        self._drop(self._head(*_RESULT_KINDS), at, stop)

    # -- what the session is -------------------------------------------------------------------------

    def _parameter_status(self, data: bytes, at: int, stop: int) -> None:
        name, value = backend.read_parameter_status(data, at + HEADER, stop)
        if name == b"client_encoding":
            codec = codec_for(value.decode("ascii", "replace"))
            if codec is None:
                # we could not read the next statement the way the server does
                self.x.fail("0A000", f"client_encoding {value.decode('ascii', 'replace')} is not supported by the gateway")
            elif codec != self.x.codec:
                self.x.planner.set_codec(codec)
        elif name == b"standard_conforming_strings" and value != b"on":
            # a function of the target's set it: strings would end elsewhere than the gateway reads them to end
            self.x.fail("0A000", "standard_conforming_strings = off is not supported by the gateway")
        elif name == b"search_path":
            self.x.naming.observed_path(value.decode(self.x.codec, "replace"))
