"""What a crash left behind: cut torn tails, note that they were cut, close open recordings as interrupted."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

from jupyter_govern.errors import RecordingFailed
from jupyter_govern.recording import entries_in, genesis, verify
from jupyter_govern_gateway.recorder.chain import Chain, Clock
from jupyter_govern_gateway.recorder.signer import Signer


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    path: Path
    seq: int
    head: str
    torn_bytes: int
    problem: str
    complete: bool


def mend(path: Path) -> Recovered:
    """Cut a torn last line (bytes behind the last newline) and say where the chain stands. A broken chain is left as it is.

    Raises RecordingFailed where the file cannot be cut.
    """
    size = path.stat().st_size
    whole = _whole_lines(path, size)
    torn = size - whole
    if torn:
        try:
            os.truncate(path, whole)
        except OSError as error:
            raise RecordingFailed(f"the torn end of {path.name} cannot be cut: {error.strerror}") from error
    if not whole:
        return Recovered(path=path, seq=0, head=genesis(path.stem), torn_bytes=torn, problem="", complete=False)
    verdict = verify(path)
    return Recovered(path=path, seq=verdict.entries, head=verdict.head, torn_bytes=torn, problem=verdict.problem, complete=verdict.complete)


def _whole_lines(path: Path, size: int) -> int:
    """Where the last line feed is, and one; without reading more of a long recording than its end."""
    with path.open("rb") as file:
        at = size
        while at > 0:
            step = min(at, 64 * 1024)
            at -= step
            file.seek(at)
            found = file.read(step).rfind(b"\n")
            if found >= 0:
                return at + found + 1
    return 0


def close_interrupted(directory: Path, clock: Clock, signer: Signer | None = None) -> list[Recovered]:
    """Close every session recording that has no session-close; returns what was mended, with the heads it has now."""
    mended = []
    for path in sorted(directory.glob("[0-9]*/[0-9]*/[0-9]*/*.jsonl")):
        if ends_closed(path):
            continue
        found = mend(path)
        if found.problem or found.complete:
            mended.append(found)
            continue
        chain = Chain(path, clock, seq=found.seq, head=found.head)
        if found.torn_bytes:
            chain.append("note", {"about": "torn tail cut", "bytes": found.torn_bytes})
        chain.append("session-close", {"reason": "interrupted", "operations": None})
        if signer is not None:
            chain.append("signature", signer.fields(path.stem, chain.seq, chain.head))
        chain.close()
        mended.append(replace(found, seq=chain.seq, head=chain.head, complete=True))
    return mended


def ends_closed(path: Path) -> bool:
    """Whether the last line is a session-close, or the signature that only ever follows one: cheap, so that a start does not
    read every recording."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 1024))
        tail = file.read()
    last = tail.rstrip(b"\n").rsplit(b"\n", 1)[-1]
    return tail.endswith(b"\n") and (b'"type":"session-close"' in last or b'"type":"signature"' in last)


def left_open(log: Path) -> set[str]:
    """Sessions that the gateway's log has opened and never closed."""
    found: set[str] = set()
    with log.open("rb") as file:
        for entry in entries_in(file):
            if entry.get("type") == "session" and entry.get("event") in {"open", "close"}:
                (found.add if entry["event"] == "open" else found.discard)(str(entry.get("session")))
    return found
