"""Opens recordings: one file a session below recordings/YYYY/MM/DD, the gateway's own log, the index over both."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final

from jupyter_govern.errors import RecordingFailed
from jupyter_govern.stored import Unreadable
from jupyter_govern_gateway.recorder.chain import Chain, Clock, timestamp
from jupyter_govern_gateway.recorder.flusher import Done, Flusher
from jupyter_govern_gateway.recorder.index import SessionIndex, rebuild_index
from jupyter_govern_gateway.recorder.keeping import Keeping
from jupyter_govern_gateway.recorder.log import GatewayLog
from jupyter_govern_gateway.recorder.recover import Recovered, close_interrupted, left_open, mend
from jupyter_govern_gateway.recorder.session import SessionRecording
from jupyter_govern_gateway.recorder.signer import Signer
from jupyter_govern_gateway.recorder.storage import Storage, Wanted
from jupyter_govern_gateway.recorder.tally import Tally

DEFER_SECONDS: Final = 0.04
"""How long the end of an operation may wait to be written; its beginning never waits. Then the disk is told, so that both are
on it within 50 ms or as soon as the disk can."""
SIGN_SECONDS: Final = 300.0
FIRST_KEEPING_SECONDS: Final = 30.0
"""When finished recordings are looked at first."""
LOW_SPACE: Final = 0.1
"""Below this share of the file system a warning is written."""


class Recorder:
    """state_dir/recordings and state_dir/index.sqlite. On start it mends what a crash left and says so in the gateway log."""

    def __init__(
        self,
        state_dir: Path,
        clock: Clock,
        *,
        signer: Signer | None = None,
        durable: bool = False,
        min_free_bytes: int = 0,
        index_apart: bool = False,
        wanted: Wanted | None = None,
    ) -> None:
        self.directory = state_dir / "recordings"
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._clock, self._signer, self.durable = clock, signer, durable
        self._min_free = min_free_bytes
        self._is_low = self._is_ready = self._has_kept = False
        self._next_signature = time.monotonic() + SIGN_SECONDS
        self.tally = Tally()
        self._deferred: dict[Chain, SessionRecording] = {}
        log_path = self.directory / "gateway.jsonl"
        found = mend(log_path) if log_path.exists() else None
        self._flusher = Flusher(self.tally, self._care)
        self.log = GatewayLog(
            self.directory,
            clock,
            seq=found.seq if found else 0,
            head=found.head if found else None,
            signer=signer,
            flusher=self._flusher,
            tally=self.tally,
        )
        mended = close_interrupted(self.directory, clock, signer)
        self.index = SessionIndex(state_dir / "index.sqlite", since=timestamp(clock()), apart=index_apart)
        self.storage = Storage(directory=self.directory, log=self.log, index=self.index, wanted=wanted or Wanted())
        rebuild_index(self.directory, self.index)
        now = timestamp(clock())
        self.index.ended(
            {"id": each.path.stem, "path": str(each.path), "closed_at": now, "reason": "interrupted", "head": each.head}
            for each in mended
            if each.complete and not each.problem
        )
        if found is not None and (found.torn_bytes or found.problem):
            self.log.write("note", about="gateway log mended", torn_bytes=found.torn_bytes, problem=found.problem)
        for each in mended:
            self.log.write("note", about="session interrupted", session=each.path.stem, torn_bytes=each.torn_bytes, problem=each.problem)
        self._settle({each.path.stem: each for each in mended})
        self.keeping = Keeping(directory=self.directory, log=self.log, index=self.index, clock=clock, remove=self.storage.remove)
        self.log.sign()
        with suppress(OSError):
            self.log.keep_head()
        self._is_ready = True

    def _settle(self, mended: dict[str, Recovered]) -> None:
        """Have the log say how each session ended that a crash ended, or that ended while the log could not be written."""
        unknown = left_open(self.log.path) - mended.keys()
        for path in self.directory.glob("[0-9]*/[0-9]*/[0-9]*/*.jsonl") if unknown else ():
            if path.stem in unknown:
                mended[path.stem] = mend(path)
        for session, each in sorted(mended.items()):
            if not each.problem:
                self.log.write("session", event="close", session=session, reason="interrupted", head=each.head)

    def open(self, session: str) -> SessionRecording:
        """A new recording. Raises RecordingFailed: then there is no session."""
        free = self._space()[0] if self._min_free else 0
        if free < self._min_free:
            self.tally.write_errors += 1
            raise RecordingFailed(f"only {free} bytes are free where recordings are, and {self._min_free} are asked for (min_free_bytes)")
        day = datetime.fromtimestamp(self._clock(), UTC).strftime("%Y/%m/%d")

        def later(chain: Chain) -> None:
            self._later(chain, recording)

        chain = Chain(
            self.directory / day / f"{session}.jsonl",
            self._clock,
            later=later if _has_loop() else None,
            tally=self.tally,
            release=self._flusher.release,
        )
        recording = SessionRecording(session=session, chain=chain, index=self.index, signer=self._signer, tally=self.tally)
        return recording

    def _later(self, chain: Chain, recording: SessionRecording) -> None:
        if chain in self._deferred:
            return
        if not self._deferred:
            asyncio.get_running_loop().call_later(DEFER_SECONDS, self.flush)
        self._deferred[chain] = recording

    def flush(self) -> None:
        """Write what was deferred. A recording that cannot be written refuses its session's next operation."""
        waiting, self._deferred = self._deferred, {}
        for chain, recording in waiting.items():
            recording.progress()
            try:
                chain.flush()
            except RecordingFailed:
                continue
            self.index.put("read", {"id": recording.session, "path": str(chain.path)})
            self._flusher.sync(chain)

    def committed(self, recording: SessionRecording, done: Done) -> None:
        """Call `done` when everything of this recording is on the disk, or with the reason why it is not."""
        self._flusher.committed(recording.chain, done)

    def free_bytes(self) -> int:
        """Of the file system where recordings are; 0 where it cannot be said."""
        try:
            return self._space()[0]
        except OSError:
            return 0

    def _space(self) -> tuple[int, int]:
        """Bytes that are free for us, and bytes in all."""
        found = os.statvfs(self.directory)
        return found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize

    def _care(self) -> None:
        """In the flusher's thread, every few seconds."""
        if not self._is_ready:
            return
        free, size = self._space()
        was_low, self._is_low = self._is_low, free < size * (LOW_SPACE * 1.2 if self._is_low else LOW_SPACE)
        if self._is_low and not was_low:
            self.log.write("note", about="disk space is low", free_bytes=free, size_bytes=size, min_free_bytes=self._min_free)
        if time.monotonic() >= self._next_signature:
            self._next_signature = time.monotonic() + SIGN_SECONDS
            self.log.sign()
        self.log.keep_head()

    def path_of(self, session: str) -> Path | None:
        """The file of a session, by the index. Blocks: call it in a thread."""
        row = self.index.session(session)
        return Path(row["path"]) if row else None

    def index_stored(self) -> None:
        """Have the index read what it does not have of recordings that are stored in another form: it was made anew. Blocks."""
        for path in self.storage.missing_in_index():
            try:
                with self.storage.open(path) as file:
                    self.index.take(path, file)
            except (OSError, Unreadable, sqlite3.Error) as problem:
                self.log.write("note", about="recording not indexed", session=path.stem, problem=str(problem)[:500])

    async def keep(self, days: Callable[[str], int], every_seconds: float) -> None:
        """Store finished recordings as wanted and delete those whose days are over, until cancelled."""
        while True:
            await asyncio.sleep(every_seconds if self._has_kept else min(every_seconds, FIRST_KEEPING_SECONDS))
            await asyncio.to_thread(self._keep_once, days)

    def _keep_once(self, days: Callable[[str], int]) -> None:
        first = () if self._has_kept else (self.index_stored,)
        self._has_kept = True
        for what in (*first, partial(self.keeping.expire, days), self.storage.turn):
            try:
                what()
            except (OSError, sqlite3.Error) as problem:  # the next turn tries again
                with suppress(RecordingFailed):
                    self.log.write("note", about="recordings not kept as asked", problem=str(problem)[:500])
            except RecordingFailed:
                continue  # without the log nothing is changed; sessions are refused meanwhile, which is said where they are

    def close(self) -> None:
        self.flush()
        self.index.close()
        self.log.close()
        self._flusher.close()
        with suppress(OSError):
            self.log.keep_head()


def _has_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
