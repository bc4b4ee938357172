"""SQLite over the recordings: for lists only. The files are the truth; the index can be thrown away and rebuilt from them.

Rows come from the event loop through a bounded queue and are written by one thread, so that no statement waits for SQLite.
A full queue drops rows, says so in `dropped`, and `rebuild_index` brings them back.
"""

from __future__ import annotations

import queue
import sqlite3
import threading
from pathlib import Path
from typing import Any

from jupyter_govern.recording import read_entries

QUEUE_ROWS = 10_000
SCHEMA = """
create table if not exists sessions (
  id text primary key, actor text not null, target text not null, protocol text not null, client text not null, opened_at text not null,
  closed_at text, reason text, operations integer not null default 0, notebook text not null default '', head text, path text not null);
create index if not exists sessions_by_actor on sessions (actor, opened_at);
"""
FIELDS = (
    "id",
    "actor",
    "target",
    "protocol",
    "client",
    "opened_at",
    "closed_at",
    "reason",
    "operations",
    "notebook",
    "head",
    "path",
)


class SessionIndex:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.dropped = 0
        self._is_behind = False
        self._queue: queue.Queue[tuple[str, dict[str, Any]] | threading.Event | None] = queue.Queue(QUEUE_ROWS)
        with self._connect() as database:
            database.executescript(SCHEMA)
        database.close()
        path.chmod(0o600)
        self._thread = threading.Thread(target=self._write, name="session-index", daemon=True)
        self._thread.start()

    def put(self, kind: str, row: dict[str, Any]) -> None:
        try:
            self._queue.put_nowait((kind, row))
        except queue.Full:
            self._is_behind = True
            self.dropped += 1

    def flush(self, seconds: float = 5.0) -> None:
        """Wait until what was put before is in the database. Blocks: not for the event loop."""
        done = threading.Event()
        self._queue.put(done)
        done.wait(seconds)

    def sessions(self, *, actor: str | None = None, limit: int = 100, notebook: str | None = None) -> list[dict[str, Any]]:
        """The newest sessions first; `actor` None means everybody's. Blocks: call it in a thread."""
        self.flush()
        where, values = ["1 = 1"], []
        if actor is not None:
            where.append("actor = ?")
            values.append(actor)
        if notebook is not None:
            where.append("notebook = ?")
            values.append(notebook)
        query = f"select {', '.join(FIELDS)} from sessions where {' and '.join(where)} order by opened_at desc limit ?"
        return [dict(zip(FIELDS, row, strict=True)) for row in self._read(query, (*values, limit))]

    def session(self, identifier: str) -> dict[str, Any] | None:
        self.flush()
        rows = self._read(f"select {', '.join(FIELDS)} from sessions where id = ?", (identifier,))
        return dict(zip(FIELDS, rows[0], strict=True)) if rows else None

    @property
    def lacks_rows(self) -> bool:
        """Rows were dropped in an earlier run: it must be rebuilt."""
        return bool(self._read("pragma user_version", ())[0][0])

    def is_whole(self) -> None:
        """It has been rebuilt."""
        database = self._connect()
        with database:
            database.execute("pragma user_version = 0")
        database.close()

    def close(self) -> None:
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join(5.0)

    def _connect(self) -> sqlite3.Connection:
        database = sqlite3.connect(self.path, timeout=5.0)
        database.execute("pragma journal_mode = wal")
        database.execute("pragma synchronous = normal")
        return database

    def _read(self, query: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        database = self._connect()
        try:
            return database.execute(query, values).fetchall()
        finally:
            database.close()

    def _write(self) -> None:
        database = self._connect()
        running = True
        while running:
            batch = [self._queue.get()]
            while not self._queue.empty():
                batch.append(self._queue.get())
            try:
                with database:
                    if self._is_behind:
                        database.execute("pragma user_version = 1")
                        self._is_behind = False
                    for item in batch:
                        if isinstance(item, tuple):
                            _apply(database, *item)
            except sqlite3.Error:  # a full disk, say; the next start rebuilds the index from the files
                self._is_behind = True
                self.dropped += sum(isinstance(item, tuple) for item in batch)
            for item in batch:
                if isinstance(item, threading.Event):
                    item.set()
            running = None not in batch
        database.close()


def _apply(database: sqlite3.Connection, kind: str, row: dict[str, Any]) -> None:
    match kind:
        case "session":
            database.execute(
                "insert or replace into sessions (id, actor, target, protocol, client, opened_at, path) "
                "values (:id, :actor, :target, :protocol, :client, :opened_at, :path)",
                row,
            )
        case "progress":
            database.execute(
                "update sessions set operations = :operations, "
                "notebook = case when :notebook = '' then notebook else :notebook end where id = :id",
                row,
            )
        case "close":
            database.execute("update sessions set closed_at = :closed_at, reason = :reason, head = :head where id = :id", row)


def rebuild_index(directory: Path, index: SessionIndex) -> int:
    """Put every session recording below `directory` into the index anew; returns how many."""
    count = 0
    for path in sorted(directory.glob("[0-9]*/[0-9]*/[0-9]*/*.jsonl")):
        _put_recording(path, index)
        count += 1
    index.flush(60.0)
    index.is_whole()
    return count


def _put_recording(path: Path, index: SessionIndex) -> None:
    operations = 0
    for entry in read_entries(path):
        match entry.get("type"):
            case "session-open":
                row = {key: entry[key] for key in ("target", "protocol", "client")}
                index.put(
                    "session",
                    {**row, "id": path.stem, "actor": entry["actor"]["subject"], "opened_at": entry["at"], "path": str(path)},
                )
            case "operation":
                operations += 1
                index.put("progress", {"id": path.stem, "operations": operations, "notebook": entry.get("cell", {}).get("notebook", "")})
            case "session-close":
                row = {"id": path.stem, "closed_at": entry["at"], "reason": entry["reason"], "head": entry["hash"]}
                index.put("close", row)
