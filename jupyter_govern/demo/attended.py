"""A demo as a command: started, shown or run without a browser, stopped by Ctrl-C, and nothing left behind."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections.abc import Callable, Coroutine
from types import FrameType
from typing import Any

from jupyter_govern.client import GatewayProblem
from jupyter_govern.demo.headless import NotAsPromised
from jupyter_govern.demo.person import PageProblem
from jupyter_govern.demo.postgres import PostgresFailed
from jupyter_govern.demo.processes import StartFailed
from jupyter_govern.demo.stack import Stack, quiet_stop

Say = Callable[[str], None]


def attend(
    stack: Stack,
    name: str,
    *,
    introduction: Callable[[], str],
    headless: Callable[[Say], Coroutine[Any, Any, None]] | None,
) -> int:
    """0 when stopped by Ctrl-C or when the headless run went as promised, 1 when something did not."""
    signal.signal(signal.SIGTERM, as_interrupt)
    started = time.monotonic()
    try:
        stack.start(say)
        if headless is not None:
            asyncio.run(headless(say))
            say(f"\nall as promised, in {time.monotonic() - started:.0f} seconds")
            return 0
        say(introduction())
        _wait(stack)
        return 1
    except KeyboardInterrupt:
        say("\nstopping")
        return 130 if headless is not None else 0
    except (PostgresFailed, StartFailed, PageProblem, GatewayProblem, NotAsPromised, TimeoutError, OSError) as problem:
        print(f"{name}: {problem or type(problem).__name__}", file=sys.stderr, flush=True)
        return 1
    finally:
        quiet_stop(stack)


def as_interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def say(line: str) -> None:
    print(line, flush=True)


def _wait(stack: Stack) -> None:
    """Until Ctrl-C; raises StartFailed if a part ends by itself."""
    while True:
        time.sleep(1)
        for child in stack.children:
            if not child.is_running:
                raise StartFailed(f"{child.name} ended:\n{child.last_words()}")
