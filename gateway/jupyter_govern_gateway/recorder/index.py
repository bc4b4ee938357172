"""SQLite over the recordings: for lists and searches only. The files are the truth; delete the index and the next start makes it anew.

The event loop puts at most two small rows per session and flush into a queue. One writer does the rest (index_writer.py), in a process
of its own where the system can (index_process.py); here are its inbox, and what asks.
"""

from __future__ import annotations

import itertools
import queue
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Final

from jupyter_govern_gateway.recorder.index_process import IndexProcess, can_be_apart
from jupyter_govern_gateway.recorder.index_writer import (
    CATCH_UP,
    CHUNK,
    FLUSH,
    QUEUE_ROWS,
    Answer,
    IndexWriter,
    Item,
    connect,
    take_lines,
)
from jupyter_govern_gateway.recorder.operations import OPERATIONS_SCHEMA, Reader

VERSION: Final = 4
"""Of the tables; another one is thrown away and made anew from the files."""
SCHEMA = """
create table if not exists sessions (
  id text primary key, actor text not null, target text not null, protocol text not null, client text not null, opened_at text not null,
  closed_at text, reason text, operations integer not null default 0, notebook text not null default '', head text, path text not null,
  read_bytes integer not null default 0, read_operations integer not null default 0);
create index if not exists sessions_by_actor on sessions (actor, opened_at);
create index if not exists sessions_by_time on sessions (opened_at);
create table made (id text not null);
insert into made values (lower(hex(randomblob(8))));
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
    "read_bytes",
)


class SessionIndex:
    """since: operations that ended before are not counted as delivered. apart: write in another process, where the system can."""

    def __init__(self, path: Path, since: str = "", *, apart: bool = False) -> None:
        self.path, self._since = path, since
        self.dropped = 0
        self.delivered_rows = self.delivered_bytes = 0
        self._queue: queue.Queue[Item] = queue.Queue(QUEUE_ROWS)
        self._numbers = itertools.count()
        self._tickets: dict[int, threading.Event] = {}
        self._rebuilt = threading.Event()
        self._rebuilt.set()
        self._thread: threading.Thread | None = None
        self._process: IndexProcess | None = None
        self.is_new = self._prepare()
        if apart and can_be_apart():
            self._process = IndexProcess(path, since, self._answered, self._write_here)
        else:
            self._write_here()

    def _write_here(self) -> None:
        """Write in a thread of this process; also where the other one ended by itself. What was on its way to it is read from
        the files, of closed sessions at the next start."""
        self._process = None
        self._answered(Answer(tickets=tuple(self._tickets)))
        writer = IndexWriter(self.path, self._since, self._queue, self._answered)
        self._thread = threading.Thread(target=writer.run, name="session-index", daemon=True)
        self._thread.start()

    def put(self, kind: str, row: dict[str, Any]) -> None:
        process = self._process
        if process is not None:
            self.dropped += not process.put((kind, row))
            return
        try:
            self._queue.put_nowait((kind, row))
        except queue.Full:
            self.dropped += 1

    def _put_and_wait(self, kind: str, row: dict[str, Any]) -> None:
        """Blocks where there is much to do."""
        process = self._process
        if process is None or not process.put((kind, row), waits=True):
            self._queue.put((kind, row))

    def read(self, paths: Iterable[Path]) -> None:
        """Have these recordings read from where they were left. Blocks where there are many."""
        for path in paths:
            self._put_and_wait("read", {"id": path.stem, "path": str(path)})
        self._rebuilt = self._ask(CATCH_UP)[1]

    def ended(self, rows: Iterable[dict[str, Any]]) -> None:
        """Sessions that a crash ended: told before the first list. Blocks where there are many."""
        for row in rows:
            self._put_and_wait("close", row)

    def flush(self, seconds: float = 5.0) -> None:
        """Wait until the lists of sessions are as new as what was put and read before. Blocks: not for the event loop."""
        ends = time.monotonic() + seconds
        self._rebuilt.wait(seconds)
        self._wait(FLUSH, max(0.1, ends - time.monotonic()))

    def catch_up(self, seconds: float = 5.0) -> bool:
        """Wait until the operations are, too, but not longer than that; whether they are."""
        return self._wait(CATCH_UP, seconds)

    def _wait(self, kind: str, seconds: float) -> bool:
        ticket, done = self._ask(kind)
        happened = done.wait(seconds)
        self._tickets.pop(ticket, None)
        return happened

    def _ask(self, kind: str) -> tuple[int, threading.Event]:
        ticket, done = next(self._numbers), threading.Event()
        self._tickets[ticket] = done
        self._put_and_wait(kind, {"ticket": ticket})
        return ticket, done

    def _answered(self, answer: Answer) -> None:
        """In the writer's thread, or the one that listens to its process."""
        self.delivered_rows += answer.rows
        self.delivered_bytes += answer.bytes
        self.dropped += answer.dropped
        for ticket in answer.tickets:
            if (done := self._tickets.pop(ticket, None)) is not None:
                done.set()

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
        database = connect(self.path)
        try:
            return database.execute(query, values).fetchall()
        finally:
            database.close()

    def take(self, path: Path, lines: IO[bytes]) -> None:
        """Read a recording that is in no plain file, in this thread beside the writer. Raises OSError, sqlite3.Error, Unreadable."""
        database = connect(self.path)
        try:
            at = 0
            while data := lines.read(CHUNK):
                data += lines.readline() if not data.endswith(b"\n") else b""
                at += len(data)
                with database:
                    take_lines(Reader(database, path.stem, path), data, at)
        finally:
            database.close()

    def close(self) -> None:
        process, thread = self._process, self._thread
        if process is not None:
            process.close(5.0)
        elif thread is not None and thread.is_alive():
            self._queue.put(None)
            thread.join(5.0)

    def _prepare(self) -> bool:
        """Whether the tables had to be made."""
        database = connect(self.path)
        is_new = bool(database.execute("pragma user_version").fetchone()[0] != VERSION)
        if is_new:
            database.close()
            for suffix in ("", "-wal", "-shm"):
                with suppress(FileNotFoundError):
                    Path(f"{self.path}{suffix}").unlink()
            database = connect(self.path)
            database.executescript(SCHEMA + OPERATIONS_SCHEMA + f"pragma user_version = {VERSION};")
        database.close()
        self.path.chmod(0o600)
        return is_new


def rebuild_index(directory: Path, index: SessionIndex) -> int:
    """Have what the index does not have yet read from every session recording below `directory`; returns how many there are."""
    known = dict(index.select("select id, read_bytes from sessions", ()))
    paths = sorted(directory.glob("[0-9]*/[0-9]*/[0-9]*/*.jsonl"))
    index.read(path for path in paths if known.get(path.stem, 0) < path.stat().st_size)
    return len(paths)
