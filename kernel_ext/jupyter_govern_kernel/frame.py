"""The DataFrame that `%%govsql` gives: pandas in every way, shown with its masked columns marked.

Imported only where pandas is installed. Types: whole numbers stay whole also beside NULL (Int64), numeric becomes float64
unless decimals are asked for, dates and timestamps become datetime64, text NULL is missing (docs/notebooks.md, Types).
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from typing import Any

import pandas as pd

from jupyter_govern_kernel.outcome import Outcome
from jupyter_govern_kernel.table import Shown, footer, footer_html, header_cell

MAX_SHOWN_COLUMNS = 60

_WHOLE, _BOOLEAN = {20, 21, 23, 26}, {16}
_FLOATING, _NUMERIC = {700, 701}, {1700}
_TEXT = {18, 19, 25, 1042, 1043}
_MOMENTS = {1082: "datetime64[s]", 1114: "datetime64[us]", 1184: "datetime64[us, UTC]", 1186: "timedelta64[us]"}
_HEAD = re.compile(r"<thead>.*?</thead>", re.DOTALL)
_HEADER = re.compile(r"<th>(.*?)</th>", re.DOTALL)


class GovernedFrame(pd.DataFrame):
    """A DataFrame that remembers which columns a rule hides; what is derived from it by selection does too."""

    _metadata = ["_govern"]  # noqa: RUF012 (pandas' own way to carry an attribute along)
    _govern: Shown = Shown()

    @property
    def _constructor(self) -> type[GovernedFrame]:
        return GovernedFrame

    def __repr__(self) -> str:
        shown = self._govern
        text = pd.DataFrame(self).head(shown.rows).to_string(max_cols=MAX_SHOWN_COLUMNS)
        return f"{text}\n{footer(len(self), list(self.columns), shown)}"

    def _repr_html_(self) -> str:
        shown = self._govern
        table = pd.DataFrame(self).head(shown.rows).to_html(max_cols=MAX_SHOWN_COLUMNS, border=0, notebook=True)
        marks = {html.escape(str(m.name), quote=False): header_cell(m.name, m) for m in shown.masked}
        if marks:
            table = _HEAD.sub(lambda head: _HEADER.sub(lambda th: marks.get(th[1], th[0]), head[0]), table, count=1)
        return f"<div>{table}{footer_html(footer(len(self), list(self.columns), shown), shown.target)}</div>"


def to_frame(outcome: Outcome, shown: Shown, *, decimal: bool = False) -> GovernedFrame:
    """The rows of one statement as a DataFrame."""
    by_column = list(zip(*outcome.rows, strict=True)) if outcome.rows else [()] * len(outcome.columns)
    series = {
        at: _series(values, column.type_oid, decimal=decimal)
        for at, (column, values) in enumerate(zip(outcome.columns, by_column, strict=True))
    }
    frame = GovernedFrame(series, index=pd.RangeIndex(len(outcome.rows)))
    frame.columns = pd.Index([column.name for column in outcome.columns])
    frame._govern = shown
    return frame


def _series(values: Sequence[Any], oid: int, *, decimal: bool) -> pd.Series[Any]:
    has_null = any(value is None for value in values)
    kind: Any = object
    if oid in _WHOLE:
        kind = "Int64" if has_null else "int64"
    elif oid in _BOOLEAN:
        kind = "boolean" if has_null else "bool"
    elif oid in _FLOATING or (oid in _NUMERIC and not decimal):
        kind = "float64"
    elif oid in _TEXT:
        kind = "str" if int(pd.__version__.split(".")[0]) >= 3 else object
    elif oid in _MOMENTS:
        kind = _MOMENTS[oid]
    try:
        if oid == 1184:
            values = list(pd.to_datetime(list(values), utc=True))
        made: pd.Series[Any] = pd.Series(list(values), dtype=kind)
        return made
    except (ValueError, TypeError, OverflowError):
        return pd.Series(list(values), dtype=object)  # "infinity" and years that datetime64 cannot hold stay text
