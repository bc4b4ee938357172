"""What a person sees when a statement is refused, fails or cannot be asked: what, why, which rule, what to do next.

No stack traces: `_render_traceback_` is IPython's own hook for that. Knows no connection and no display.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from jupyter_govern.errors import GovernError

_RED, _BOLD, _PLAIN = "\x1b[31;1m", "\x1b[1m", "\x1b[0m"
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
MAX_SHOWN_LINE = 160


def clean(text: str) -> str:
    """Text from the other side, without characters that steer a terminal."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)


class SpokenError(GovernError):
    """An error whose text is for the person at the notebook: a headline and lines of explanation."""

    headline = "jupyter-govern"

    def __init__(self, message: str, *, lines: tuple[str, ...] = ()) -> None:
        self.message, self.lines = clean(message), tuple(clean(line) for line in lines)
        super().__init__("\n".join((self.message, *self.lines)))

    def _render_traceback_(self) -> list[str]:
        """IPython prints these lines in place of a stack trace."""
        return [f"{_RED}{self.headline}{_PLAIN}: {_BOLD}{self.message}{_PLAIN}", *self.lines]


class NotLoggedIn(SpokenError):
    """No proof of identity was found, or the gateway did not accept it."""

    headline = "Not logged in"


class GatewayNotRunning(SpokenError):
    """The gateway does not answer."""

    headline = "Gateway not reachable"


class TargetNotFound(SpokenError):
    """The gateway knows no such target for this person."""

    headline = "Unknown target"


class ConnectionLost(SpokenError):
    """The connection to the target ended while something of it was still wanted."""

    headline = "Connection lost"


class Cancelled(KeyboardInterrupt):
    """The person interrupted the kernel; says what became of the statement."""

    def __init__(self, message: str) -> None:
        self.message = clean(message)
        super().__init__(self.message)

    def _render_traceback_(self) -> list[str]:
        return [f"{_RED}Interrupted{_PLAIN}: {_BOLD}{self.message}{_PLAIN}"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The fields of a PostgreSQL error, the position already in terms of the person's own text (0 is none).

    routine: the function in PostgreSQL's own source that raised it; the gateway's errors have none.
    """

    sqlstate: str
    message: str
    severity: str = "ERROR"
    detail: str = ""
    hint: str = ""
    context: str = ""
    position: int = 0
    routine: str = ""


class StatementFailed(SpokenError):
    """PostgreSQL (or the gateway in its words) answered with an error."""

    def __init__(self, report: Report, *, target: str, text: str, note: str = "") -> None:
        self.report, self.sqlstate, self.target = report, report.sqlstate, target
        lines = [*caret_lines(text, report.position)]
        for label, value in (("DETAIL", report.detail), ("HINT", report.hint), ("CONTEXT", report.context)):
            if value:
                lines.append(f"{label}: {value}")
        if note:
            lines.append(note)
        super().__init__(report.message, lines=tuple(lines))
        self.headline = f"{report.severity} {report.sqlstate} on {target}"


class StatementRefused(StatementFailed):
    """Policy (or an approver) said no. DETAIL carries the rules and their reasons, HINT what to do next."""

    def __init__(self, report: Report, *, target: str, text: str, note: str = "") -> None:
        super().__init__(report, target=target, text=text, note=note)
        self.headline = f"Refused on {target}"
        shown = [report.detail, f"What to do: {report.hint}" if report.hint else "", note]
        self.lines = (*caret_lines(clean(text), report.position), *(clean(line) for line in shown if line))


def caret_lines(text: str, position: int) -> list[str]:
    """The line of `text` that holds the 1-based `position`, with a caret under it; nothing where there is none."""
    if not 0 < position <= len(text) + 1:
        return []
    at = position - 1
    start = text.rfind("\n", 0, at) + 1
    end = text.find("\n", at)
    line, column = text[start : len(text) if end < 0 else end].rstrip("\r"), at - start
    number = text.count("\n", 0, at) + 1
    if len(line) > MAX_SHOWN_LINE:
        cut = max(0, column - MAX_SHOWN_LINE // 2)
        line, column = line[cut : cut + MAX_SHOWN_LINE], column - cut
    line = line.replace("\t", " ")
    label = f"LINE {number}: "
    before = len(label) + sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line[:column])
    return [label + line, " " * before + "^"]
