"""Heads of the gateway's log, signed and kept outside it: in `gateway.head` beside it, and wherever a witness keeps them.

A log that was cut back to an earlier signature is good by itself; a head that was signed later says that there was more.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jupyter_govern.recording import canonical

HEAD_FILE = "gateway.head"


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """Entry number `seq` of the gateway's log has this hash, says the gateway with its signature (signatures.message)."""

    seq: int
    hash: str
    key: str
    signature: str

    def line(self) -> bytes:
        """The one form in which it is kept."""
        return canonical({"log": "gateway", "seq": self.seq, "hash": self.hash, "key": self.key, "signature": self.signature}) + b"\n"

    def as_entry(self) -> dict[str, Any]:
        """The `signature` entry that says the same in the log."""
        return {"seq": self.seq + 1, "prev": self.hash, "key": self.key, "signature": self.signature}


def head_of(signature: Mapping[str, Any]) -> Head:
    """What a `signature` entry of the log says."""
    return Head(seq=signature["seq"] - 1, hash=signature["prev"], key=signature["key"], signature=signature["signature"])


def read_heads(path: Path) -> Iterator[Head | None]:
    """The heads in a file, None for a line that is none of ours. Raises OSError."""
    with path.open("rb") as file:
        yield from heads_in(file)


def heads_in(lines: Iterable[bytes]) -> Iterator[Head | None]:
    """The same for lines."""
    for line in lines:
        try:
            said = json.loads(line)
            head = Head(seq=said["seq"], hash=said["hash"], key=said["key"], signature=said["signature"])
            good = head.line() == line and type(head.seq) is int and bytes.fromhex(head.signature).hex() == head.signature
            yield head if good else None
        except (ValueError, KeyError, TypeError):
            yield None
