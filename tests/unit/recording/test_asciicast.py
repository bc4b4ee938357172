"""Output of a recording as asciicast v2."""

from __future__ import annotations

import base64
import json
from typing import Any

from jupyter_govern.asciicast import asciicast


def output(second: int, stream: str, data: Any) -> dict[str, Any]:
    return {"type": "output", "operation": "s.1", "at": f"2026-11-26T02:00:{second:02}.000000Z", "stream": stream, "data": data}


def test_sizes_output_and_time() -> None:
    lines = [
        json.loads(line)
        for line in asciicast([output(0, "r", "100x30"), output(1, "o", "hi\r\n"), output(2, "r", "90x20"), output(3, "e", "bad")])
    ]
    assert lines[0] == {"version": 2, "width": 100, "height": 30, "timestamp": 1795658400}
    assert lines[1:] == [[1.0, "o", "hi\r\n"], [2.0, "r", "90x20"], [3.0, "o", "bad"]]


def test_a_character_that_is_cut_comes_whole() -> None:
    raw = "ž".encode()
    parts = [output(0, "o", {"b64": base64.b64encode(raw[:1]).decode()}), output(1, "o", {"b64": base64.b64encode(raw[1:]).decode()})]
    assert [json.loads(line)[2] for line in list(asciicast(parts))[1:]] == ["ž"]


def test_a_session_without_output_is_a_header() -> None:
    assert len(list(asciicast([{"type": "session-open", "at": "2026-11-26T02:00:00.000000Z"}]))) == 1
