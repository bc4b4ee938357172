"""The gateway's HTTP side, running over real parts (world.py)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from .world import Browser, World, running


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with running(tmp_path) as started:
        yield started


@pytest_asyncio.fixture
async def browser(world: World) -> Browser:
    return world.browser()
