"""The recording format: canonical JSON lines in a hash chain, and its verification. Pure but for reading a file in `verify`.

A recording is one append-only file. Each line is one entry: {"v","seq","at","type",...,"prev","hash"}. `hash` is the SHA-256 of
the entry's canonical form without `hash`; `prev` is the hash of the entry before, and for the first entry the hash of the file's
name in the recording (its session id). docs/recording.md says what the format does not capture.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FORMAT_VERSION = 1
ENTRY_TYPES = frozenset(
    {
        "session-open",
        "operation",
        "approval",
        "result",
        "output",
        "end",
        "wire-check",
        "note",
        "session-close",
        "gateway",
        "policy",
        "login",
        "token",
        "session",
        "signature",
        "watch",
    }
)


def canonical(entry: dict[str, Any]) -> bytes:
    """The one byte form of an entry: sorted keys, no blanks, UTF-8."""
    return json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")


def genesis(name: str) -> str:
    """What the first entry's `prev` must be."""
    return hashlib.sha256(b"jupyter-govern recording 1\0" + name.encode()).hexdigest()


def entry_hash(entry: dict[str, Any]) -> str:
    return hashlib.sha256(canonical({key: value for key, value in entry.items() if key != "hash"})).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """ok: every entry is where and what it was. head: hash of the last good entry. complete: it ends with session-close, and
    perhaps the signature of that."""

    ok: bool
    entries: int
    head: str
    problem: str = ""
    complete: bool = False


class NotWhole(Exception):
    """A recording is not what was written. entries: how many good ones stand before that; head: the hash of the last of them."""

    def __init__(self, problem: str, entries: int, head: str) -> None:
        super().__init__(problem)
        self.problem, self.entries, self.head = problem, entries, head


def checked(name: str, lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """Each entry as soon as it was found good; lines end with their line feed. Raises NotWhole. Keeps one entry at a time.

    A torn last line is a problem like any other edit: recovery notes it and goes on behind it.
    """
    head, count, complete, signed = genesis(name), 0, False, False
    for line in lines:
        if not line.endswith(b"\n"):
            raise NotWhole("the last entry is torn (no newline at its end)", count, head)
        problem, entry = _check_line(line[:-1], count + 1, head)
        if not problem and complete and (signed or entry["type"] != "signature"):
            problem = "stands behind session-close"
        if problem:
            raise NotWhole(f"entry {count + 1}: {problem}", count, head)
        count += 1
        signed = complete
        head, complete = entry["hash"], complete or entry["type"] == "session-close"
        yield entry
    if not count:
        raise NotWhole("the recording is empty", 0, head)


def verdict_of(name: str, lines: Iterable[bytes]) -> Verdict:
    """Check a whole recording, line by line."""
    entries, head, complete = 0, genesis(name), False
    try:
        for entry in checked(name, lines):
            entries, head, complete = entry["seq"], entry["hash"], complete or entry["type"] == "session-close"
    except NotWhole as found:
        return Verdict(ok=False, entries=found.entries, head=found.head, problem=found.problem)
    return Verdict(ok=True, entries=entries, head=head, complete=complete)


def verify_lines(name: str, data: bytes) -> Verdict:
    """Check a whole recording that is in memory."""
    return verdict_of(name, io.BytesIO(data))


def _check_line(line: bytes, number: int, prev: str) -> tuple[str, dict[str, Any]]:
    try:
        entry = json.loads(line)
    except ValueError:
        return "is not JSON", {}
    if not isinstance(entry, dict) or canonical(entry) != line:
        return "is not in canonical form", {}
    if entry.get("v") != FORMAT_VERSION or entry.get("type") not in ENTRY_TYPES:
        return f"has an unknown version or type ({entry.get('v')!r}, {entry.get('type')!r})", {}
    if entry.get("seq") != number:
        return f"has sequence number {entry.get('seq')!r}: an entry was cut or moved", {}
    if entry.get("prev") != prev:
        return "does not follow the entry before it (prev)", {}
    if entry.get("hash") != entry_hash(entry):
        return "was edited (hash)", {}
    return "", entry


def verify(path: Path) -> Verdict:
    """Check the recording in a file. A file that cannot be read is a Verdict too."""
    try:
        with path.open("rb") as file:
            return verdict_of(path.stem, file)
    except OSError as error:
        return Verdict(ok=False, entries=0, head="", problem=f"cannot be read: {error.strerror}")


def entries_in(lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """Entries as they stand, one by one, without checking them; a torn tail is left out."""
    for line in lines:
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict):
            yield entry


def read_entries(path: Path) -> list[dict[str, Any]]:
    """The entries of a recording as they stand, without checking them; a torn tail is left out."""
    with path.open("rb") as file:
        return list(entries_in(file))
