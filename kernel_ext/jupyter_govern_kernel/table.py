"""A result without pandas: columns and rows, shown as a table that marks masked columns.

The HTML pieces here also serve the DataFrame (frame.py), so both look alike. Knows neither pandas nor a connection.
"""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from jupyter_govern_kernel.connection import MaskedColumn
from jupyter_govern_kernel.options import DEFAULT_ROWS
from jupyter_govern_kernel.problems import clean

MAX_SHOWN_TEXT = 200
"""Characters of one value that the text form shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """How a result is to be shown: `masked` by column name, `rows` how many of them."""

    target: str = ""
    masked: tuple[MaskedColumn, ...] = ()
    rows: int = DEFAULT_ROWS

    def of(self, column: object) -> MaskedColumn | None:
        """How a column is hidden, or None."""
        return next((m for m in self.masked if m.name == column), None)


def mask_title(masked: MaskedColumn) -> str:
    """The tooltip of a masked column."""
    return f"masked ({masked.format}) by rule “{masked.rule}”"


def header_cell(name: object, masked: MaskedColumn | None) -> str:
    """A column's `<th>`."""
    text = html.escape(clean(str(name)))
    if masked is None:
        return f"<th>{text}</th>"
    title = html.escape(clean(mask_title(masked)))
    return (
        f'<th class="jp-govern-masked" title="{title}" style="color:var(--jp-warn-color0,#b85c00)">'
        f'{text} <span aria-label="{title}">&#128274;</span></th>'
    )


def footer(total: int, columns: Sequence[object], shown: Shown) -> str:
    """One line on how much there is, how much of it is shown, and what is masked."""
    counted = f"showing {shown.rows:,} of {total:,} rows" if total > shown.rows else f"{total:,} row{'s' * (total != 1)}"
    parts = [part for part in (counted, shown.target) if part]
    hidden = [masked for column in dict.fromkeys(columns) if (masked := shown.of(column)) is not None]
    parts += [f"{clean(m.name)}: {clean(mask_title(m))}" for m in hidden]
    return " · ".join(parts)


def footer_html(text: str, target: str) -> str:
    """The footer under a table; by its target the notebook server knows what not to save."""
    of = html.escape(target)
    return f'<div class="jp-govern-footer" data-govern-target="{of}" style="opacity:.75;font-size:90%">{html.escape(text)}</div>'


class Table(Sequence[tuple[Any, ...]]):
    """Rows as tuples under `columns`; indexing by a column's name gives that column as a list."""

    def __init__(self, columns: Sequence[str], rows: Sequence[tuple[Any, ...]], shown: Shown) -> None:
        self.columns, self.rows, self._shown = tuple(columns), rows, shown

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, key: Any) -> Any:
        """A row by number, rows by slice, or a column by name."""
        if isinstance(key, str):
            if key not in self.columns:
                raise KeyError(key)
            at = self.columns.index(key)
            return [row[at] for row in self.rows]
        return self.rows[key]

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return iter(self.rows)

    def dicts(self) -> list[dict[str, Any]]:
        """Each row as a dictionary (of two columns with one name, the last stays)."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]

    def _head(self) -> list[list[str]]:
        return [["" if value is None else clean(str(value)) for value in row] for row in self.rows[: self._shown.rows]]

    def __repr__(self) -> str:
        head = [[value.replace("\n", "⏎")[:MAX_SHOWN_TEXT] for value in row] for row in self._head()]
        names = [clean(name) + ("*" if self._shown.of(name) else "") for name in self.columns]
        widths = [max([len(name), *(len(row[i]) for row in head)]) for i, name in enumerate(names)]
        lines = [" | ".join(value.ljust(width) for value, width in zip(row, widths, strict=True)) for row in [names, *head]]
        lines.insert(1, "-+-".join("-" * width for width in widths))
        return "\n".join((*(line.rstrip() for line in lines), footer(len(self), self.columns, self._shown)))

    def _repr_html_(self) -> str:
        head = "".join(header_cell(name, self._shown.of(name)) for name in self.columns)
        body = "".join("<tr>" + "".join(f"<td>{html.escape(v)}</td>" for v in row) + "</tr>" for row in self._head())
        table = f'<table class="dataframe"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
        return f"<div>{table}{footer_html(footer(len(self), self.columns, self._shown), self._shown.target)}</div>"
