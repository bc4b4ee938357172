"""SQLite over the recordings: for lists and searches only. The files are the truth; delete the index and the next start makes it anew.

The event loop puts at most one small row per session and flush into a queue. One thread does the rest: it reads what is new in the
files from where it last stopped, at leisure (so that no statement waits for it), and writes sessions and operations. Where
it stopped is committed together with the rows, so nothing is missed or put in twice, whatever is killed when.
"""

from __future__ import annotations

import json
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Final

from jupyter_govern.errors import GovernError
from jupyter_govern_gateway.recorder.operations import OPERATIONS_SCHEMA, Reader, forget

QUEUE_ROWS = 10_000
VERSION: Final = 3
"""Of the tables; another one is thrown away and made anew from the files."""
CHUNK: Final = 256 * 1024
"""Bytes of one file that are read at a time."""
TROUBLE_SECONDS: Final = 2.0
"""How long the thread rests after the database could not be written."""
MERGE_SECONDS: Final = 60.0
"""How often the full text is cleaned of what was forgotten, at most; and when the gateway stops."""
LEISURE: Final = 4.0
"""After each chunk the thread rests so many times as long as it took, unless somebody waits."""
SCHEMA = """
create table if not exists sessions (
  id text primary key, actor text not null, target text not null, protocol text not null, client text not null, opened_at text not null,
  closed_at text, reason text, operations integer not null default 0, notebook text not null default '', head text, path text not null,
  read_bytes integer not null default 0, read_operations integer not null default 0);
create index if not exists sessions_by_actor on sessions (actor, opened_at);
create index if not exists sessions_by_time on sessions (opened_at);
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
    """since: operations that ended before are not counted as delivered."""

    def __init__(self, path: Path, since: str = "") -> None:
        self.path = path
        self.dropped = 0
        self._has_forgotten, self._next_merge = False, 0.0
        self.open_stored: Callable[[Path], IO[bytes]] = lambda path: path.open("rb")
        self.delivered_rows = self.delivered_bytes = 0
        self._since = since
        self._queue: queue.Queue[tuple[str, dict[str, Any]] | threading.Event | None] = queue.Queue(QUEUE_ROWS)
        self._behind: dict[str, Path] = {}
        self._waiting: list[threading.Event] = []
        self.is_new = self._prepare()
        self._thread = threading.Thread(target=self._write, name="session-index", daemon=True)
        self._thread.start()

    def put(self, kind: str, row: dict[str, Any]) -> None:
        try:
            self._queue.put_nowait((kind, row))
        except queue.Full:
            self.dropped += 1

    def read(self, paths: Iterable[Path]) -> None:
        """Have these recordings read from where they were left. Blocks where there are many."""
        for path in paths:
            self._queue.put(("read", {"id": path.stem, "path": str(path)}))

    def flush(self, seconds: float = 5.0) -> None:
        """Wait until the lists of sessions are as new as what was put before. Blocks: not for the event loop."""
        done = threading.Event()
        self._queue.put(("flush", {"done": done}))
        done.wait(seconds)

    def catch_up(self, seconds: float = 5.0) -> bool:
        """Wait until the operations are, too, but not longer than that; whether they are."""
        done = threading.Event()
        self._queue.put(done)
        return done.wait(seconds)

    def sessions(
        self,
        *,
        actor: str | None = None,
        limit: int = 100,
        notebook: str | None = None,
    ) -> list[dict[str, Any]]:
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
        return [dict(zip(FIELDS, row, strict=True)) for row in self.select(query, (*values, limit))]

    def session(self, identifier: str) -> dict[str, Any] | None:
        self.flush()
        rows = self.select(f"select {', '.join(FIELDS)} from sessions where id = ?", (identifier,))
        return dict(zip(FIELDS, rows[0], strict=True)) if rows else None

    def select(self, query: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        """Blocks: call it in a thread."""
        database = self._connect()
        try:
            return database.execute(query, values).fetchall()
        finally:
            database.close()

    def close(self) -> None:
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join(5.0)

    def _prepare(self) -> bool:
        """Whether the tables had to be made."""
        database = self._connect()
        is_new = bool(database.execute("pragma user_version").fetchone()[0] != VERSION)
        if is_new:
            database.close()
            for suffix in ("", "-wal", "-shm"):
                with suppress(FileNotFoundError):
                    Path(f"{self.path}{suffix}").unlink()
            database = self._connect()
            database.executescript(SCHEMA + OPERATIONS_SCHEMA + f"pragma user_version = {VERSION};")
        database.close()
        self.path.chmod(0o600)
        return is_new

    def _connect(self) -> sqlite3.Connection:
        database = sqlite3.connect(self.path, timeout=5.0)
        database.execute("pragma journal_mode = wal")
        database.execute("pragma synchronous = normal")
        database.execute("pragma secure_delete = on")
        return database

    # -- the thread ------------------------------------------------------------------------------------

    def _write(self) -> None:
        database = self._connect()
        running = True
        rest_until = 0.0
        while running:
            batch = self._next_batch(rest_until)
            running = None not in batch
            try:
                with database:
                    for item in batch:
                        if isinstance(item, tuple) and item[0] != "flush":
                            self._apply(database, *item)
            except sqlite3.Error:  # a full disk, say; what is lost here is read from the files when there is room again
                self._lost(batch)
                rest_until = time.monotonic() + TROUBLE_SECONDS
            if self._has_forgotten and (not running or time.monotonic() >= self._next_merge):
                self._merge(database)
            for item in batch:
                if isinstance(item, tuple) and item[0] == "flush":
                    item[1]["done"].set()
            self._waiting += [item for item in batch if isinstance(item, threading.Event)]
            if self._behind and running and (self._waiting or time.monotonic() >= rest_until):
                began = time.monotonic()
                try:
                    self._read_some(database)
                    rest_until = time.monotonic() + LEISURE * (time.monotonic() - began)
                except sqlite3.Error:
                    rest_until = time.monotonic() + TROUBLE_SECONDS
                    for event in self._waiting:  # nobody waits for a disk
                        event.set()
                    self._waiting.clear()
            if not self._behind:
                for event in self._waiting:
                    event.set()
                self._waiting.clear()
        database.close()

    def _merge(self, database: sqlite3.Connection) -> None:
        """Words of what was forgotten stay in the full text's own pages until these are merged."""
        self._next_merge = time.monotonic() + MERGE_SECONDS
        with suppress(sqlite3.Error):
            with database:
                database.execute("insert into statements (statements) values ('optimize')")
            database.execute("pragma wal_checkpoint(truncate)")
            self._has_forgotten = False

    def _lost(self, batch: list[tuple[str, dict[str, Any]] | threading.Event | None]) -> None:
        for item in batch:
            if isinstance(item, tuple) and item[0] != "flush":
                self.dropped += 1
                if item[1].get("path"):
                    self._behind[item[1]["id"]] = Path(item[1]["path"])

    def _next_batch(self, rest_until: float) -> list[tuple[str, dict[str, Any]] | threading.Event | None]:
        batch: list[tuple[str, dict[str, Any]] | threading.Event | None] = []
        timeout = None if not self._behind else 0.0 if self._waiting else max(0.0, rest_until - time.monotonic())
        with suppress(queue.Empty):
            batch.append(self._queue.get(timeout=timeout) if timeout != 0.0 else self._queue.get_nowait())
            while len(batch) < QUEUE_ROWS:
                batch.append(self._queue.get_nowait())
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
        try:
            with path.open("rb") as file:
                file.seek(start)
                data = file.read(CHUNK)
                if data and b"\n" not in data:
                    data += file.readline()
                size = file.seek(0, 2)
        except FileNotFoundError:
            self._read_stored(database, identifier, path, start)
            return
        except OSError:
            return
        data = data[: data.rfind(b"\n") + 1]
        if not data:
            return
        self._take(database, identifier, path, data, start + len(data))
        if start + len(data) < size:
            self._behind[identifier] = path

    def _take(self, database: sqlite3.Connection, identifier: str, path: Path, data: bytes, read_bytes: int) -> None:
        reader = Reader(database, identifier, path)
        self._behind[identifier] = path  # until it is committed
        with database:
            for line in data.split(b"\n"):
                try:
                    entry = json.loads(line)
                    reader.take(entry)
                except (ValueError, KeyError, TypeError, AttributeError):
                    continue  # a recording that somebody broke: `verify` says so, a list leaves it out
            reader.finish(read_bytes)
        self._behind.pop(identifier, None)
        for at, rows, size in reader.ended:
            if at >= self._since:
                self.delivered_rows += rows
                self.delivered_bytes += size

    def _read_stored(self, database: sqlite3.Connection, identifier: str, path: Path, start: int) -> None:
        """A recording that was compressed, encrypted or moved before the index had read it: all of it, part by part."""
        try:
            with self.open_stored(path) as file:
                at = 0
                while data := file.read(CHUNK):
                    data += file.readline() if not data.endswith(b"\n") else b""
                    at += len(data)
                    if at > start:
                        self._take(database, identifier, path, data, at)
        except (OSError, GovernError):
            self._behind.pop(identifier, None)  # it cannot be read now: the next start tries again


def rebuild_index(directory: Path, index: SessionIndex) -> int:
    """Have what the index does not have yet read from every session recording below `directory`; returns how many there are."""
    known = dict(index.select("select id, read_bytes from sessions", ()))
    paths = sorted(directory.glob("[0-9]*/[0-9]*/[0-9]*/*.jsonl"))
    index.read(path for path in paths if known.get(path.stem, 0) < path.stat().st_size)
    return len(paths)
