"""How long recordings are kept: holds, deletion with a tombstone, retention by target. Knows files, the log and the index; no HTTP.

A tombstone is an entry of the gateway's log that is signed before the file goes. Who deletes files by other means leaves none, and
`sessions verify` says that they are missing. Methods block: call them in a thread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any, Final, Literal

from jupyter_govern.recording import entries_in
from jupyter_govern_gateway.recorder.chain import Clock, timestamp
from jupyter_govern_gateway.recorder.index import SessionIndex
from jupyter_govern_gateway.recorder.log import GatewayLog

BATCH: Final = 500
"""Recordings that one turn of retention looks at, at a time."""
RETENTION: Final = "retention"
"""Who deletes when a recording's days are over."""
Refusal = Literal["", "unknown", "open", "held", "not-held"]


@dataclass(slots=True, kw_only=True)
class Standing:
    """What the log says of sessions."""

    held: set[str] = field(default_factory=set)
    deleted: set[str] = field(default_factory=set)


def standing(log: Path) -> Standing:
    """Read it from the log: the log is the truth, after a crash too."""
    found = Standing()
    with log.open("rb") as file:
        for entry in entries_in(file):
            if entry.get("type") == "session":
                session = str(entry.get("session"))
                match entry.get("event"):
                    case "hold":
                        found.held.add(session)
                    case "release":
                        found.held.discard(session)
                    case "deleted":
                        found.deleted.add(session)
    return found


class Keeping:
    """remove: takes all forms of a recording away, by the path in the index."""

    def __init__(
        self,
        *,
        directory: Path,
        log: GatewayLog,
        index: SessionIndex,
        clock: Clock,
        remove: Callable[[Path], None],
    ) -> None:
        self._directory, self._log, self._index, self._clock = directory, log, index, clock
        self._remove = remove
        self._lock = Lock()
        found = standing(log.path)
        self._held = found.held
        self._finish(found.deleted)

    def _finish(self, deleted: set[str]) -> None:
        """A crash may have come between a tombstone and its file."""
        if not deleted:
            return
        for path in self._directory.glob("[0-9]*/[0-9]*/[0-9]*/*.jsonl*"):
            if path.name.partition(".jsonl")[0] in deleted:
                path.unlink(missing_ok=True)
        for session in deleted:
            self._index.put("forget", {"id": session})

    def held(self) -> list[str]:
        """The sessions on hold."""
        with self._lock:
            return sorted(self._held)

    def hold(self, session: str, *, by: str, reason: str) -> Refusal:
        """Nothing deletes it until it is released. Raises RecordingFailed."""
        if self._index.session(session) is None:
            return "unknown"
        with self._lock:
            self._log.write("session", event="hold", session=session, by=by, reason=reason)
            self._held.add(session)
        return ""

    def release(self, session: str, *, by: str, reason: str) -> Refusal:
        """Raises RecordingFailed."""
        with self._lock:
            if session not in self._held:
                return "not-held"
            self._log.write("session", event="release", session=session, by=by, reason=reason)
            self._held.discard(session)
        return ""

    def delete(self, session: str, *, by: str, reason: str) -> Refusal:
        """Write and sign the tombstone, then remove the recording and what the index has of it. Raises RecordingFailed, OSError."""
        row = self._index.session(session)
        if row is None:
            return "unknown"
        if row["closed_at"] is None:
            return "open"
        with self._lock:
            if session in self._held:
                return "held"
            said = {key: row[key] for key in ("actor", "target", "opened_at", "closed_at", "operations", "head")}
            self._log.write("session", event="deleted", session=session, by=by, reason=reason, **said)
            self._log.sign()
        self._log.keep_head()
        self._remove(Path(row["path"]))
        self._index.put("forget", {"id": session})
        return ""

    def expire(self, days: Callable[[str], int]) -> int:
        """Delete what is older than its target's days (0: for ever); how many that were."""
        count = 0
        for row in list(self._closed()):
            kept = days(row["target"])
            if kept and row["closed_at"] < timestamp(self._clock() - kept * 86400):
                reason = f"older than {kept} days, by gateway.recording.retention"
                count += not self.delete(row["id"], by=RETENTION, reason=reason)
        return count

    def _closed(self) -> Iterator[dict[str, Any]]:
        self._index.flush()
        query = (
            "select id, target, closed_at from sessions where closed_at is not null and (closed_at, id) > (?, ?) "
            "order by closed_at, id limit ?"
        )
        at, last = "", ""
        while rows := self._index.select(query, (at, last, BATCH)):
            for last, target, at in rows:
                yield {"id": last, "target": target, "closed_at": at}
