"""SIGUSR2 restarts the gateway; a SIGTERM that comes before it is done means that it is to stop."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from jupyter_govern_gateway.commands import gateway

LEFT: dict[str, tuple[int, ...]] = {"postgresql": (99,)}


class App:
    """Restarted as soon as it has started; `during` comes while it drains."""

    during: int | None = None

    def __init__(self, path: Path, *, say: Any) -> None:
        self.upkeep = SimpleNamespace(reload=lambda: None)

    async def start(self) -> None:
        asyncio.get_running_loop().call_later(0.01, os.kill, os.getpid(), signal.SIGUSR2)

    def leave(self) -> dict[str, tuple[int, ...]]:
        return LEFT

    async def stop(self) -> None:
        if self.during is not None:
            os.kill(os.getpid(), self.during)
        await asyncio.sleep(0.05)


@pytest.mark.parametrize(("during", "left"), [(None, LEFT), (signal.SIGTERM, None), (signal.SIGINT, None), (signal.SIGUSR2, LEFT)])
def test_a_stop_that_is_asked_for_while_it_restarts_counts(monkeypatch: pytest.MonkeyPatch, during: int | None, left: object) -> None:
    monkeypatch.setattr(gateway, "GatewayApp", App)
    monkeypatch.setattr(gateway, "examine", lambda path: (None, []))
    monkeypatch.setattr(App, "during", during)
    assert asyncio.run(gateway._serve(Path("govern.toml"))) == left
