"""One call of the magic, from its request to what it gives back: bind, connect, run watched, say what went wrong.

Knows every part that takes part, but neither IPython's magics nor how results look.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus

from jupyter_govern_kernel.binds import Bound, bind_names, first_word
from jupyter_govern_kernel.connection import GovernedConnection
from jupyter_govern_kernel.failing import spoken
from jupyter_govern_kernel.options import Request, UsageProblem
from jupyter_govern_kernel.outcome import CopyNeedsInput, CopyTooLarge, Outcome, fetch_copy, fetch_outcomes
from jupyter_govern_kernel.problems import SpokenError
from jupyter_govern_kernel.results import to_result
from jupyter_govern_kernel.running import run_watched
from jupyter_govern_kernel.session import KernelSession
from jupyter_govern_kernel.watch import Watch, notice_of

_IN_TRANSACTION = {TransactionStatus.INTRANS, TransactionStatus.INERROR}


def run_request(request: Request, names: Mapping[str, Any], session: KernelSession) -> Any:
    """Run one request; returns a frame, a Table, COPY's text, or Done."""
    bound = bind_names(request.sql)
    values = [plain(value) for value in bound.values(names.__getitem__)]
    connection = session.kept_connection(request.target, lambda text: print(text, file=sys.stderr))
    cell = session.cell(request.notebook)
    connection.where_from = lambda: cell
    call = _Call(request=request, bound=bound, values=values, connection=connection, session=session)
    return to_result(call.run(), request)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    """A statement on its connection."""

    request: Request
    bound: Bound
    values: list[object]
    connection: GovernedConnection
    session: KernelSession

    def run(self) -> tuple[Outcome, ...]:
        """Run it watched; raises SpokenError, UsageProblem, Cancelled."""
        watch = Watch(quiet=self.request.quiet)
        fetch = fetch_copy if first_word(self.bound.sql) == "copy" else fetch_outcomes
        was_open = self.connection.info.transaction_status in _IN_TRANSACTION

        def note(diag: psycopg.errors.Diagnostic) -> None:
            watch.note(notice_of(diag))

        self.connection.add_notice_handler(note)
        try:
            return run_watched(self.connection, lambda: fetch(self.connection, self.bound.sql, self.values), watch)
        except psycopg.Error as problem:
            raise self._spoken(problem, was_open) from None
        except CopyNeedsInput:
            raise UsageProblem(f"COPY … FROM STDIN needs something to read: {_USE_CONNECT}") from None
        except CopyTooLarge:
            raise UsageProblem(f"COPY gave more than a cell keeps: {_USE_CONNECT}") from None
        finally:
            self.connection.remove_notice_handler(note)
            self.session.note_state(self.request.target)

    def _spoken(self, problem: psycopg.Error, was_open: bool) -> SpokenError:
        status = self.connection.info.transaction_status
        if status is TransactionStatus.ACTIVE:  # left in the middle of a COPY: of no more use
            self.session.drop(self.request.target)
        if self.connection.closed:
            self.session.forget_transaction(self.request.target)  # the error says that it is gone
        return spoken(
            problem,
            self.bound,
            target=self.request.target,
            text=self.request.sql,
            was_open=was_open,
            status=status,
        )


_USE_CONNECT = "use jupyter_govern.connect(TARGET).cursor().copy(…)."


def plain(value: Any) -> object:
    """A Python, numpy or pandas value as something the wire can carry: arrays become lists, missing becomes NULL."""
    if hasattr(value, "tolist") and not isinstance(value, (str, bytes)):
        value = value.tolist()
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return None if type(value).__name__ in {"NAType", "NaTType"} else value
