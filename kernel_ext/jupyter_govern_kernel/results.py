"""What a magic call gives back to the notebook: a DataFrame, a Table where pandas is missing, COPY's text, or Done.

Knows how results look, nothing of connections.
"""

from __future__ import annotations

import importlib.util
from typing import Any

from jupyter_govern_kernel.options import Request
from jupyter_govern_kernel.outcome import Outcome
from jupyter_govern_kernel.problems import clean
from jupyter_govern_kernel.table import Shown, Table


class Done:
    """A statement that has no rows to show: only what PostgreSQL says it did."""

    def __init__(self, tags: tuple[str, ...]) -> None:
        self.tags = tags

    def __repr__(self) -> str:
        return clean("; ".join(self.tags)) or "(empty statement)"


class CopiedText(str):
    """What COPY … TO STDOUT sent, printed as it is."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def to_result(outcomes: tuple[Outcome, ...], request: Request) -> Any:
    """The last statement with rows; of the others only their tags are said."""
    tabular = next((outcome for outcome in reversed(outcomes) if outcome.columns), None)
    if tabular is None and outcomes and outcomes[-1].copied is not None:
        return _copied(outcomes[-1].copied)
    tags = tuple(outcome.tag for outcome in outcomes)
    if tabular is None:
        return Done(tags)
    if len(outcomes) > 1 and not request.quiet:
        print(f"{len(outcomes)} statements ({clean('; '.join(tags))}); this is the last result with rows.")
    shown = Shown(
        target=request.target,
        masked=tuple({c.name: c.masked for c in tabular.columns if c.masked is not None}.values()),
        rows=request.rows,
    )
    if request.plain or importlib.util.find_spec("pandas") is None:
        return Table([column.name for column in tabular.columns], tabular.rows, shown)
    from jupyter_govern_kernel.frame import to_frame

    return to_frame(tabular, shown, decimal=request.decimal)


def _copied(data: bytes) -> CopiedText | bytes:
    try:
        return CopiedText(data.decode())
    except UnicodeDecodeError:  # COPY … WITH (FORMAT binary)
        return data
