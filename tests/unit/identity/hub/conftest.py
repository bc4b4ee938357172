from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio
from aiohttp import web

from .world import HubWorld, SmallHub


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[HubWorld]:
    small = SmallHub()
    app = web.Application()
    app.router.add_route("*", "/{any:.*}", small.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    small.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    made = HubWorld(tmp_path, small)
    yield made
    await made.hub.close()
    await runner.cleanup()
