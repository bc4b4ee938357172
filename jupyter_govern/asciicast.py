"""A recording's output as asciicast v2, for asciinema and its players. Entries in, lines out; no I/O.

What was delivered is in it, standard error among the output; what was typed is not recorded. Bytes that are no UTF-8 show as U+FFFD.
"""

from __future__ import annotations

import base64
import codecs
import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

Json = dict[str, Any]
WIDTH, HEIGHT = 80, 24
"""Of a terminal that did not say."""


def asciicast(entries: Iterable[Json]) -> Iterator[str]:
    """Lines with their line breaks: the header, then events. The header alone where the recording has no output."""
    started: datetime | None = None
    decoders: dict[tuple[str, str], codecs.IncrementalDecoder] = {}
    opened = ""
    for entry in entries:
        if entry.get("type") == "session-open":
            opened = str(entry.get("at"))
        if entry.get("type") != "output":
            continue
        at, data, stream = datetime.fromisoformat(str(entry["at"])), _bytes(entry["data"]), str(entry["stream"])
        if started is None:
            started = at
            yield _header(at, data if stream == "r" else b"")
            if stream == "r":
                continue
        seconds = round((at - started).total_seconds(), 6)
        if stream == "r":
            yield _line([seconds, "r", data.decode("ascii", "replace")])
            continue
        decoder = decoders.setdefault((str(entry["operation"]), stream), codecs.getincrementaldecoder("utf-8")("replace"))
        if text := decoder.decode(data):
            yield _line([seconds, "o", text])
    if started is None:
        yield _header(datetime.fromisoformat(opened) if opened else datetime.fromtimestamp(0, UTC), b"")


def _header(at: datetime, size: bytes) -> str:
    width, _, height = size.decode("ascii", "replace").partition("x")
    sized = width.isdigit() and height.isdigit() and 0 < int(width) < 10_000 and 0 < int(height) < 10_000
    columns, rows = (int(width), int(height)) if sized else (WIDTH, HEIGHT)
    return _line({"version": 2, "width": columns, "height": rows, "timestamp": int(at.timestamp())})


def _line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=True) + "\n"


def _bytes(data: Any) -> bytes:
    return base64.b64decode(data["b64"]) if isinstance(data, dict) else str(data).encode("utf-8", "surrogatepass")
