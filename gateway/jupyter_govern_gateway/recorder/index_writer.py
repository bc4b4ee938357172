"""The one writer of the index: takes small rows from an inbox, and reads what is new in the recordings from where it last stopped,
at leisure (so that no statement waits for it). Runs in a thread or in a process of its own; knows neither.

Where it stopped is committed together with the rows, so nothing is missed or put in twice, whatever is killed when.
"""

from __future__ import annotations

import json
import queue
import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from jupyter_govern_gateway.recorder.operations import Reader, forget

QUEUE_ROWS: Final = 10_000
CHUNK: Final = 256 * 1024
"""Bytes of one file that are read at a time."""
TROUBLE_SECONDS: Final = 2.0
"""How long the writer rests after the database could not be written."""
LEISURE: Final = 4.0
"""After each chunk the writer rests so many times as long as it took, unless somebody waits."""
MERGE_SECONDS: Final = 60.0
"""How often the full text is cleaned of what was forgotten, at most; and when the gateway stops."""
FLUSH: Final = "flush"
CATCH_UP: Final = "catch-up"

Item = tuple[str, dict[str, Any]] | None
"""What to do and with what; None: stop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """tickets: the waits that are over. rows, bytes: delivered by operations that were read since the last answer."""

    tickets: tuple[int, ...] = ()
    rows: int = 0
    bytes: int = 0
    dropped: int = 0


def connect(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, timeout=5.0)
    database.execute("pragma journal_mode = wal")
    database.execute("pragma synchronous = normal")
    database.execute("pragma secure_delete = on")
    return database


class IndexWriter:
    """since: operations that ended before are not counted as delivered."""

    def __init__(self, path: Path, since: str, inbox: queue.Queue[Item], answer: Callable[[Answer], None]) -> None:
        self._path, self._since, self._inbox, self._answer = path, since, inbox, answer
        self._behind: dict[str, Path] = {}
        self._waiting: list[int] = []
        self._rest_until = 0.0
        self._has_forgotten, self._next_merge = False, 0.0

    def run(self) -> None:
        """Until None is taken from the inbox."""
        database = connect(self._path)
        running = True
        while running:
            batch = self._next_batch()
            running = None not in batch
            rows = [item for item in batch if item is not None and item[0] not in (FLUSH, CATCH_UP)]
            self._take(database, rows)
            if self._has_forgotten and (not running or time.monotonic() >= self._next_merge):
                self._merge(database)
            self._tell(item[1]["ticket"] for item in batch if item is not None and item[0] == FLUSH)
            self._waiting += [item[1]["ticket"] for item in batch if item is not None and item[0] == CATCH_UP]
            if self._behind and running and (self._waiting or time.monotonic() >= self._rest_until):
                self._read(database)
            if not self._behind:
                self._nobody_waits()
        database.close()

    def _tell(self, tickets: Any) -> None:
        if told := tuple(tickets):
            self._answer(Answer(tickets=told))

    def _nobody_waits(self) -> None:
        waiting, self._waiting = self._waiting, []
        self._tell(waiting)

    def _take(self, database: sqlite3.Connection, rows: list[tuple[str, dict[str, Any]]]) -> None:
        try:
            with database:
                for kind, row in rows:
                    self._apply(database, kind, row)
        except sqlite3.Error:  # a full disk, say; what is lost here is read from the files when there is room again
            self._answer(Answer(dropped=len(rows)))
            self._behind.update({row["id"]: Path(row["path"]) for _, row in rows if row.get("path")})
            self._rest_until = time.monotonic() + TROUBLE_SECONDS

    def _merge(self, database: sqlite3.Connection) -> None:
        """Words of what was forgotten stay in the full text's own pages until these are merged."""
        self._next_merge = time.monotonic() + MERGE_SECONDS
        with suppress(sqlite3.Error):
            with database:
                database.execute("insert into statements (statements) values ('optimize')")
            database.execute("pragma wal_checkpoint(truncate)")
            self._has_forgotten = False

    def _read(self, database: sqlite3.Connection) -> None:
        began = time.monotonic()
        try:
            self._read_some(database)
            self._rest_until = time.monotonic() + LEISURE * (time.monotonic() - began)
        except sqlite3.Error:
            self._rest_until = time.monotonic() + TROUBLE_SECONDS
            self._nobody_waits()  # for a disk

    def _next_batch(self) -> list[Item]:
        batch: list[Item] = []
        timeout = None if not self._behind else 0.0 if self._waiting else max(0.0, self._rest_until - time.monotonic())
        with suppress(queue.Empty):
            batch.append(self._inbox.get(timeout=timeout) if timeout != 0.0 else self._inbox.get_nowait())
            while len(batch) < QUEUE_ROWS:
                batch.append(self._inbox.get_nowait())
        return batch

    def _apply(self, database: sqlite3.Connection, kind: str, row: dict[str, Any]) -> None:
        match kind:
            case "session":
                database.execute(
                    "insert into sessions (id, actor, target, protocol, client, opened_at, path) "
                    "values (:id, :actor, :target, :protocol, :client, :opened_at, :path) on conflict (id) do nothing",
                    row,
                )
                self._behind[row["id"]] = Path(row["path"])
            case "progress":
                database.execute(
                    "update sessions set operations = max(operations, :operations), "
                    "notebook = case when :notebook = '' then notebook else :notebook end where id = :id",
                    row,
                )
            case "forget":
                forget(database, row["id"])
                self._behind.pop(row["id"], None)
                self._has_forgotten = True
                return
            case "close":
                database.execute("update sessions set closed_at = :closed_at, reason = :reason, head = :head where id = :id", row)
        if row["id"] not in self._behind:
            path = row.get("path") or next(iter(database.execute("select path from sessions where id = ?", (row["id"],))), ("",))[0]
            if path:
                self._behind[row["id"]] = Path(path)

    def _read_some(self, database: sqlite3.Connection) -> None:
        """One chunk of the recording that waits for longest."""
        identifier, path = next(iter(self._behind.items()))
        self._behind.pop(identifier)
        row = database.execute("select read_bytes from sessions where id = ?", (identifier,)).fetchone()
        start = row[0] if row else 0
        data, size = _lines_from(path, start)
        if not data:
            return
        reader = Reader(database, identifier, path)
        self._behind[identifier] = path  # until it is committed
        with database:
            take_lines(reader, data, start + len(data))
        self._behind.pop(identifier, None)
        ended = [(rows, size_) for at, rows, size_ in reader.ended if at >= self._since]
        if ended:
            self._answer(Answer(rows=sum(rows for rows, _ in ended), bytes=sum(size_ for _, size_ in ended)))
        if start + len(data) < size:
            self._behind[identifier] = path


def take_lines(reader: Reader, data: bytes, read_bytes: int) -> None:
    """Whole lines of a recording, that end at this byte of it."""
    for line in data.split(b"\n"):
        try:
            reader.take(json.loads(line))
        except (ValueError, KeyError, TypeError, AttributeError):
            continue  # a recording that somebody broke: `verify` says so, a list leaves it out
    reader.finish(read_bytes)


def _lines_from(path: Path, start: int) -> tuple[bytes, int]:
    """Whole lines of the file from there, about a chunk of them, and the file's size; nothing where it cannot be read."""
    try:
        with path.open("rb") as file:
            file.seek(start)
            data = file.read(CHUNK)
            if data and b"\n" not in data:
                data += file.readline()
            size = file.seek(0, 2)
    except OSError:
        return b"", 0
    return data[: data.rfind(b"\n") + 1], size
