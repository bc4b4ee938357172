"""The one thread that waits for the disk: many recordings, many operations, one pass (group commit). Never the event loop.

What is put while a pass runs is in the next one. A recording that cannot be synced is failed from then on, like one that
cannot be written. It also looks at the file system's free space and has the gateway's log signed every few minutes.
"""

from __future__ import annotations

import asyncio
import os
import queue
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from jupyter_govern.errors import RecordingFailed
from jupyter_govern_gateway.recorder.chain import Chain
from jupyter_govern_gateway.recorder.tally import Tally

CARE_SECONDS: Final = 5.0
"""How often free space and the log's signature are looked after."""

Done = Callable[[RecordingFailed | None], None]
_sync: Final = getattr(os, "fdatasync", os.fsync)


class Flusher:
    """care: called every CARE_SECONDS in the thread."""

    def __init__(self, tally: Tally, care: Callable[[], None]) -> None:
        self._tally, self._care = tally, care
        self._queue: queue.SimpleQueue[tuple[Chain | None, int, Done | None, asyncio.AbstractEventLoop | None] | None] = queue.SimpleQueue()
        self._known_folders: set[Path] = set()
        self._thread = threading.Thread(target=self._run, name="recording-flusher", daemon=True)
        self._thread.start()

    def sync(self, chain: Chain) -> None:
        """Have it on the disk soon."""
        self._queue.put((chain, -1, None, None))

    def committed(self, chain: Chain, done: Done) -> None:
        """Call `done` on this event loop when all that was appended so far is on the disk, or why it is not."""
        self._queue.put((chain, -1, done, asyncio.get_running_loop()))

    def release(self, chain: Chain, descriptor: int) -> None:
        """Nothing more will be written to it: sync and close."""
        self._queue.put((chain, descriptor, None, None))

    def close(self) -> None:
        """Sync what was put, then end."""
        self._queue.put(None)
        self._thread.join(10.0)

    def _run(self) -> None:
        next_care = 0.0
        running = True
        while running:
            if time.monotonic() >= next_care:
                with suppress(RecordingFailed, OSError):
                    self._care()
                next_care = time.monotonic() + CARE_SECONDS
            try:
                batch = [self._queue.get(timeout=CARE_SECONDS)]
            except queue.Empty:
                continue
            with suppress(queue.Empty):
                while True:
                    batch.append(self._queue.get_nowait())
            self._pass([item for item in batch if item is not None])
            running = None not in batch

    def _pass(self, batch: list[tuple[Chain | None, int, Done | None, asyncio.AbstractEventLoop | None]]) -> None:
        # a chain that is closed meanwhile keeps its descriptor until its own `release` is reached, here and nowhere else
        began = time.monotonic()
        chains = {chain: chain.descriptor for chain, released, _, _ in batch if chain is not None and released < 0}
        chains.update({chain: released for chain, released, _, _ in batch if chain is not None and released >= 0})
        problems = {chain: self._sync_one(chain, descriptor) for chain, descriptor in chains.items() if descriptor >= 0}
        for _, released, _, _ in batch:
            if released >= 0:
                os.close(released)
        self._tally.sync_seconds += time.monotonic() - began
        answers: dict[asyncio.AbstractEventLoop, list[tuple[Done, RecordingFailed | None]]] = {}
        for chain, _, done, loop in batch:
            if chain is not None and done is not None and loop is not None:
                problem = problems[chain] if chain in problems else RecordingFailed("the recording is closed")
                answers.setdefault(loop, []).append((done, problem))
        for loop, each in answers.items():
            with suppress(RuntimeError):  # the loop has ended: nobody waits any more
                loop.call_soon_threadsafe(_answer, each)

    def _sync_one(self, chain: Chain, descriptor: int) -> RecordingFailed | None:
        try:
            _sync(descriptor)
            if not chain.synced:
                self._sync_folders(chain.path.parent)
            size = os.fstat(descriptor).st_size
        except OSError as error:
            # the kernel may have dropped what it could not write: nothing of this file can be trusted any more
            return chain.fail(f"the recording cannot be brought to the disk: {error.strerror}")
        self._tally.syncs += 1
        self._tally.bytes_synced += size - chain.synced
        chain.synced = size
        return None

    def _sync_folders(self, folder: Path) -> None:
        """A file is only there after a crash if its folder's entry is, and that folder's own."""
        new = [folder, *(list(folder.parents)[:4] if folder not in self._known_folders else ())]
        self._known_folders.add(folder)
        for each in new:
            descriptor = os.open(each, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


def _answer(each: list[tuple[Done, RecordingFailed | None]]) -> None:
    for done, problem in each:
        done(problem)
