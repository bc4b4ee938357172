"""The gateway's events, told again as Jupyter events: identifiers only, because every user of this server sees them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from logging import Logger
from pathlib import Path
from typing import Any

from jupyter_govern_server.gateway import Gateway, GatewayProblem
from jupyter_govern_server.login import LoggedIn, Login

SCHEMA_ID = "https://schema.jupyter-govern.dev/govern/v1"
SCHEMA_FILE = Path(__file__).parent / "events" / "govern-v1.yaml"
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0


def told(name: str, data: dict[str, Any]) -> dict[str, Any] | None:
    """A gateway event as the Jupyter event's data; None for one that this version does not know."""
    state = str(data.get("state", ""))[:64]
    match name, data:
        case "approval", {"number": int(number)} if not isinstance(number, bool):
            return {"kind": "approval", "number": number, "state": state}
        case "session", {"id": str(identifier)}:
            return {"kind": "session", "id": identifier[:128], "state": state}
    return None


async def relay(gateway: Gateway, login: Login, emit: Callable[[dict[str, Any]], None], log: Logger) -> None:
    """Follow the gateway's events for as long as somebody is logged in; never returns by itself."""
    pause = FIRST_PAUSE
    while True:
        current = login.current
        login.wake.clear()
        if current is None:
            await login.wake.wait()
            pause = FIRST_PAUSE
            continue
        heard = False

        def hear(name: str, data: dict[str, Any], current: LoggedIn = current) -> None:
            nonlocal heard
            heard = True
            if login.current is current and (event := told(name, data)) is not None:
                emit(event)

        loop = asyncio.get_running_loop()
        # whoever logs in or out ends the stream: it belongs to the one before, and is silent from then on
        waking, following = loop.create_task(login.wake.wait()), loop.create_task(_follow(gateway, current.token, hear))
        try:
            await asyncio.wait({waking, following}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waking.cancel()
            following.cancel()
            _, ended = await asyncio.gather(waking, following, return_exceptions=True)
        if isinstance(ended, GatewayProblem):
            if ended.status == 401 and login.current is current:
                login.lose("expired")
            log.debug("jupyter-govern: events: %s", ended)
        if login.current is not current:
            continue
        pause = FIRST_PAUSE if heard else pause
        await asyncio.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE)


async def _follow(gateway: Gateway, token: str, hear: Callable[[str, dict[str, Any]], None]) -> None:
    async for name, data in gateway.events(token):
        hear(name, data)
