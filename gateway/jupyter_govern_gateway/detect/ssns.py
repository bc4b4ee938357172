"""US social security numbers, written ###-##-####, in the ranges that are issued. The last four are kept."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from jupyter_govern_gateway.detect.spans import Match

_NUMBER: Final = re.compile(rb"(?<![0-9])(?!000|666|9)[0-9]{3}-(?!00)[0-9]{2}-(?!0000)[0-9]{4}(?![0-9])")
_HINT: Final = re.compile(rb"[0-9]-[0-9]{2}-[0-9]{4}")


def hint(data: bytes) -> bool:
    return b"-" in data and _HINT.search(data) is not None


def find(text: bytes) -> Iterator[Match]:
    for found in _NUMBER.finditer(text):
        start = found.start()
        yield Match(start, found.end(), ((start, start + 3), (start + 4, start + 6)))
