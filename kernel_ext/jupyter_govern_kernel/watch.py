"""What a person sees while a statement runs: who must approve it, where, and for how many seconds it has waited.

Fed with notices from whatever thread the connection runs in, shown from the thread of the cell. Knows IPython's display
and psycopg's notices, no connection.
"""

from __future__ import annotations

import html
import queue
import re
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg

from jupyter_govern_kernel.problems import clean

MAX_NOTICES = 1000
"""Notices kept for one statement; what comes beyond is counted, not kept."""

_APPROVAL = re.compile(r"waiting for approval #?(?P<number>\d+)")
_ADDRESS = re.compile(r"https?://[^\s<>\"']+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One NoticeResponse."""

    severity: str
    message: str
    hint: str = ""
    detail: str = ""

    @property
    def approval(self) -> str:
        """The number of the approval that this notice says the statement waits for, or ""."""
        match = _APPROVAL.search(self.message)
        return match["number"] if match else ""

    @property
    def text(self) -> str:
        """The notice as plain lines."""
        extra = [f"{label}: {value}" for label, value in (("DETAIL", self.detail), ("HINT", self.hint)) if value]
        return clean("\n".join((f"{self.severity}: {self.message}", *extra)))


def notice_of(diag: psycopg.errors.Diagnostic) -> Notice:
    """A notice as psycopg hands it over."""
    return Notice(
        severity=diag.severity_nonlocalized or diag.severity or "NOTICE",
        message=diag.message_primary or "",
        detail=diag.message_detail or "",
        hint=diag.message_hint or "",
    )


class Watch:
    """Shows one statement's notices. `note` may be called from any thread; `tick` and `finish` from the cell's only."""

    def __init__(
        self,
        *,
        quiet: bool = False,
        show: Callable[[Notice, str], Any] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._arrived: queue.Queue[Notice] = queue.Queue(MAX_NOTICES)
        self._quiet, self._show, self._clock = quiet, show or show_waiting, clock
        self._dropped = 0
        self._waiting: Notice | None = None
        self._since = 0.0
        self._handle: Any = None

    @property
    def approval(self) -> str:
        """The number of the approval waited for last, or ""."""
        return self._waiting.approval if self._waiting else ""

    def note(self, notice: Notice) -> None:
        """Take a notice in."""
        try:
            self._arrived.put_nowait(notice)
        except queue.Full:
            self._dropped += 1

    def tick(self) -> None:
        """Show what arrived, and how long the statement has waited by now."""
        self._drain()
        if self._waiting is not None:
            self._update(f"waiting, {self._clock() - self._since:.0f} s")

    def finish(self, outcome: str) -> None:
        """Show the last notices and what became of the waiting."""
        self._drain()
        if self._waiting is not None:
            self._update(f"{outcome} after {self._clock() - self._since:.0f} s")
        if self._dropped and not self._quiet:
            print(f"({self._dropped} more notices were not kept)", file=sys.stderr)

    def _drain(self) -> None:
        while True:
            try:
                notice = self._arrived.get_nowait()
            except queue.Empty:
                return
            if notice.approval:
                self._waiting, self._since, self._handle = notice, self._clock(), None
                self._update("waiting, 0 s")
            elif not self._quiet:
                print(notice.text, file=sys.stderr)

    def _update(self, state: str) -> None:
        if self._waiting is None:
            return
        if self._handle is None:
            self._handle = self._show(self._waiting, state)
        else:
            self._handle.update(Waiting(self._waiting, state))


class Waiting:
    """The box in the cell's output: text and HTML, so that it survives nbconvert and a terminal."""

    def __init__(self, notice: Notice, state: str) -> None:
        self._notice, self._state = notice, clean(state)

    def __repr__(self) -> str:
        first = f"{clean(self._notice.message)} ({self._state})"
        return f"{first}\n{clean(self._notice.detail)}" if self._notice.detail else first

    def _repr_html_(self) -> str:
        message = html.escape(clean(self._notice.message))
        message = _ADDRESS.sub(lambda m: f'<a href="{m[0]}" target="_blank" rel="noopener noreferrer">{m[0]}</a>', message)
        detail = f"<br>{html.escape(clean(self._notice.detail))}" if self._notice.detail else ""
        return (
            '<div class="jp-govern-waiting" style="border-left:4px solid var(--jp-warn-color1,#f57c00);'
            'padding:6px 12px;margin:4px 0">'
            f"<b>{html.escape(self._state)}</b><br>{message}{detail}</div>"
        )


def show_waiting(notice: Notice, state: str) -> Any:
    """Show the box; returns IPython's display handle, whose `update` replaces it (None outside IPython)."""
    from IPython.core.getipython import get_ipython
    from IPython.display import display

    shown = Waiting(notice, state)
    if get_ipython() is None:
        print(shown, file=sys.stderr)
        return _PrintedOnce()
    return display(shown, display_id=True)  # type: ignore[no-untyped-call]


class _PrintedOnce:
    """Stands for a display outside IPython: a line that was printed cannot be updated."""

    def update(self, shown: Waiting) -> None:
        """Say only how it ended."""
        if "waiting, " not in repr(shown):
            print(shown, file=sys.stderr)
