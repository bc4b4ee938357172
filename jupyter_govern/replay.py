"""A recording as people saw it, over again: entries in, lines and pauses out. The caller prints and sleeps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from jupyter_govern.commands._print import cell_text, indented, one_line, plain, table

Json = dict[str, Any]


def replay(entries: Iterable[Json], *, speed: float = 1.0, max_pause: float = 2.0) -> Iterator[tuple[float, str]]:
    """What to print, each after so many seconds; pauses are divided by `speed` and cut at `max_pause`."""
    before: float | None = None
    cell = ""
    shown: set[str] = set()
    for entry in entries:
        lines = _told(entry, shown)
        where = cell_text(entry.get("cell")) if entry.get("type") == "operation" else cell
        if entry.get("type") == "operation" and where != cell:
            cell = where
            lines = [f"\n── {one_line(where)} (reported) ──" if where else "\n── not from a notebook ──", *lines]
        if lines:
            now = _seconds(entry.get("at"), before)
            pause = 0.0 if before is None else min(max(0.0, now - before) / speed, max_pause)
            before = now
            yield pause, "\n".join(lines)


def _seconds(at: object, otherwise: float | None) -> float:
    try:
        return datetime.fromisoformat(str(at)).timestamp()
    except ValueError:
        return otherwise or 0.0


def _told(entry: Json, shown: set[str]) -> list[str]:
    match entry.get("type"):
        case "session-open":
            who, when = (entry.get("actor") or {}).get("subject"), entry.get("at")
            return [f"{plain(who)} → {plain(entry.get('target'))} with {one_line(entry.get('client'))}, {plain(when)}"]
        case "operation":
            return _asked(entry)
        case "approval" if entry.get("state") == "pending":
            return [f"… waits for approval #{plain(entry.get('number'))} by {plain(entry.get('approvers'))}"]
        case "approval":
            why = f": {one_line(entry['reason'])}" if entry.get("reason") else ""
            return [f"… #{plain(entry.get('number'))} {plain(entry.get('state'))} by {plain(entry.get('by')) or 'nobody'}{why}"]
        case "result":
            return _result(entry)
        case "output" if entry.get("stream") != "r":
            data = entry.get("data")
            return [indented(data if isinstance(data, str) else "(bytes that are no text)", "  ").rstrip()]
        case "end":
            if entry.get("error"):
                return [f"ERROR:  {one_line(entry['error'])}"]
            rows = "" if entry.get("rows") is None else f" ({entry['rows']} rows)"
            return [f"{plain(entry.get('tag')) or 'done'}{rows}, {entry.get('ms')} ms"]
        case "session-close":
            return [f"\nclosed: {one_line(entry.get('reason'))}"]
        case _:
            return []


def _asked(entry: Json) -> list[str]:
    lines = [f"{plain(entry.get('at'))[11:19]} =>", indented(entry.get("statement"), "  ")]
    if entry.get("parameters"):
        lines.append(f"  with {one_line(entry['parameters'])}")
    if entry.get("outcome") == "blocked":
        decision = entry.get("decision") or {}
        rules = ", ".join(f"'{rule['name']}'" for rule in decision.get("rules") or [])
        lines.append(f"BLOCKED:  {one_line(decision.get('reason'))}" + (f" ({one_line(rules)})" if rules else ""))
    return lines


def _result(entry: Json) -> list[str]:
    names = [str(column.get("name")) for column in entry.get("columns") or []]
    rows = [row for row in entry.get("rows") or [] if isinstance(row, list) and len(row) == len(names)]
    if not names:
        return []
    lines = [table(names, [["NULL" if value is None else value for value in row] for row in rows])]
    if entry.get("truncated"):
        lines.append("… (more was delivered; the recording keeps so much)")
    return lines
