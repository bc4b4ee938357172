"""Tasks with an owner. asyncio forgets a task whose failure nobody awaits; this set does not, and ends them with their owner."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any


class Tasks:
    """The tasks of one owner. `failed` hears of every exception but cancellation."""

    def __init__(self, failed: Callable[[BaseException], None]) -> None:
        self._failed = failed
        self._running: set[asyncio.Task[Any]] = set()

    def start(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run it; it ends at the latest with its owner."""
        task = asyncio.get_running_loop().create_task(work)
        self._running.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            problem = task.exception()
            if problem is not None:
                self._failed(problem)

    def cancel(self) -> None:
        """End them all."""
        for task in tuple(self._running):
            task.cancel()

    async def wait(self) -> None:
        """Until all have ended."""
        while self._running:
            await asyncio.wait(tuple(self._running))
