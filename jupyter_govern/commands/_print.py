"""Tables and statements for a terminal. What strangers wrote cannot drive it: odd characters are spelled out."""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from jupyter_govern.characters import spelled

WIDEST = 60
"""Characters of one cell of a table; the rest becomes `…`."""


def plain(value: object) -> str:
    """Anything as text that a terminal only shows."""
    return spelled("" if value is None else str(value))


def one_line(value: object) -> str:
    """The same without line breaks."""
    return " ".join(plain(value).split())


def table(headings: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Columns under headings; the last column takes what room is left."""
    lines = [[one_line(part) for part in row] for row in rows]
    widths = [min(max([len(head), *(len(line[i]) for line in lines)]), WIDEST) for i, head in enumerate(headings)]
    room = shutil.get_terminal_size((120, 24)).columns - sum(widths[:-1]) - 2 * (len(widths) - 1)
    if sys.stdout.isatty():
        widths[-1] = max(min(room, max([len(headings[-1]), *(len(line[-1]) for line in lines)])), 20)
    else:
        widths[-1] = max([len(headings[-1]), *(len(line[-1]) for line in lines)])
    return "\n".join(_line(parts, widths) for parts in [list(headings), *lines])


def _line(parts: Sequence[str], widths: Sequence[int]) -> str:
    cut = (part if len(part) <= width else part[: width - 1] + "…" for part, width in zip(parts, widths, strict=True))
    return "  ".join(part.ljust(width) for part, width in zip(cut, widths, strict=True)).rstrip()


def indented(text: object, by: str = "    ") -> str:
    """A statement, all of it, set in."""
    return textwrap.indent(plain(text).strip("\n"), by, lambda _: True)


def pairs(rows: Sequence[tuple[str, object]]) -> str:
    """Names and values, one each line; without the empty ones."""
    shown = [(name, plain(value)) for name, value in rows if value is not None and value != ""]
    width = max((len(name) for name, _ in shown), default=0)
    return "\n".join(f"{name.ljust(width)}  {value}" for name, value in shown)


def as_json(value: Any) -> str:
    """For programs."""
    return json.dumps(value, indent=2, ensure_ascii=True)


def moment(text: object) -> str:
    """An ISO time in this machine's own zone, to the second."""
    try:
        return datetime.fromisoformat(str(text)).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    except ValueError:
        return "" if text is None else str(text)


def left_until(text: object) -> str:
    """How long until an ISO time: `14m 03s`, or `over`."""
    try:
        seconds = int((datetime.fromisoformat(str(text)) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return ""
    return f"{seconds // 60}m {seconds % 60:02d}s" if seconds > 0 else "over"


def table_text(headings: Sequence[str], rows: Sequence[Sequence[object]], nothing: str) -> str:
    """A table, or a sentence where it would be empty."""
    return table(headings, rows) if rows else nothing


def accesses(found: Sequence[dict[str, Any]]) -> str:
    """`write public.orders; read public.customers (id, name)`."""
    return "; ".join(
        f"{each['verb']} {each['resource']}" + (f" ({', '.join(each['columns'])})" if each.get("columns") else "") for each in found
    )


def cell_text(cell: dict[str, Any] | None) -> str:
    """Where a statement says it came from."""
    if not cell:
        return ""
    count = f" [{cell['execution_count']}]" if cell.get("execution_count") else ""
    where = f" cell {cell['cell_id']}" if cell.get("cell_id") else ""
    return f"{cell.get('notebook') or '(no name)'}{where}{count}"
