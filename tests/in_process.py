"""A whole gateway in a thread of this process, in a folder of its own: what the rigs of the integration tests are made of."""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
import threading
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any

import uvloop

from jupyter_govern.model import Actor
from jupyter_govern_gateway.app import GatewayApp
from jupyter_govern_gateway.approvals import Approval
from jupyter_govern_gateway.identity.accounts import write_accounts

WAIT_SECONDS = 60


class InProcess:
    """The folder is there at once, the gateway from `start` to `stop`."""

    def __init__(self, name: str, people: Mapping[str, tuple[str, list[str]]]) -> None:
        self._people = people
        self._folder = tempfile.TemporaryDirectory(prefix=f"govern-{name}-")
        self.directory = Path(self._folder.name)
        self.config = self.directory / "govern.toml"
        self.loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.app: GatewayApp

    def start(self, config: str) -> None:
        """The gateway with this govern.toml; its accounts.json holds the people."""
        os.environ["JUPYTER_RUNTIME_DIR"] = str(self.directory / "runtime")
        write_accounts(self.directory / "accounts.json", self._people)
        self.config.write_text(config)
        self._thread.start()
        self.app = GatewayApp(self.config, say=lambda line: None)
        self.call(self.app.start())

    def stop(self) -> None:
        """The gateway, its loop and its thread end; the folder goes with `cleanup`, when nothing else needs it."""
        try:
            self.call(self.app.stop())
        finally:
            self.loop.call_soon_threadsafe(self.loop.stop)
            self._thread.join(10)
            self.loop.close()

    def cleanup(self) -> None:
        self._folder.cleanup()

    def call(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run it on the gateway's loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(WAIT_SECONDS)

    def run(self, work: Callable[[], Any]) -> Any:
        """Call it on the gateway's loop."""

        async def done() -> Any:
            return work()

        return self.call(done())

    # -- people ---------------------------------------------------------------------------------------

    @property
    def services(self) -> Any:
        return self.app.postgresql._house.services

    def groups(self, who: str) -> frozenset[str]:
        return frozenset(self._people[who][1])

    def token(self, who: str = "ana", *, kind: str = "person", **more: Any) -> str:
        """A person's token."""
        text, _ = self.run(lambda: self.services.identity.issue(subject=who, groups=self.groups(who), kind=kind, **more))
        return str(text)

    @property
    def approvals(self) -> Any:
        return self.services.gate._approvals

    def pending(self) -> list[Approval]:
        return list(self.run(lambda: self.approvals.list(pending_only=True)))

    def decide(self, approval: Approval, decision: str, who: str = "ben") -> None:
        actor = Actor(subject=who, groups=self.groups(who))
        self.run(lambda: self.approvals.decide(approval.number, actor, "person", decision, reason="because", digest=approval.digest))

    # -- recordings -------------------------------------------------------------------------------------

    @property
    def recordings(self) -> Path:
        return self.directory / "state" / "recordings"

    def entries(self, *types: str) -> list[dict[str, Any]]:
        """The entries of all session recordings, oldest session first."""
        files = sorted(self.recordings.rglob("20*/**/*.jsonl"), key=lambda path: path.stat().st_ctime)
        found = [json.loads(line) for path in files for line in path.read_text().splitlines()]
        return [entry for entry in found if not types or entry["type"] in types]
