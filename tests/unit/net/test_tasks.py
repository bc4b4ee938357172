from __future__ import annotations

import asyncio

from jupyter_govern_gateway.net.tasks import Tasks


async def test_a_failure_is_heard_of() -> None:
    heard: list[BaseException] = []
    tasks = Tasks(heard.append)

    async def fail() -> None:
        raise ValueError("x")

    tasks.start(fail())
    await tasks.wait()
    assert [str(problem) for problem in heard] == ["x"]


async def test_tasks_end_with_their_owner() -> None:
    heard: list[BaseException] = []
    tasks = Tasks(heard.append)
    task = tasks.start(asyncio.sleep(60))
    tasks.cancel()
    await tasks.wait()
    assert task.cancelled()
    assert heard == []
