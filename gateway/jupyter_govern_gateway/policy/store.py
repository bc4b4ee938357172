"""The snapshot in force. A changed file is read again; a broken one is refused, the old policy stays, and both are reported.

Decisions and standings are kept per snapshot, so that a repeated statement costs one dictionary look-up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from jupyter_govern.config.load import parse
from jupyter_govern.config.model import Config
from jupyter_govern.errors import ConfigError
from jupyter_govern.model import Actor, Decision, Facts
from jupyter_govern_gateway.policy.snapshot import PolicySnapshot
from jupyter_govern_gateway.policy.standing import Standing

POLL_SECONDS: Final = 1.0
MAX_CACHED: Final = 50_000

OnEvent = Callable[[str, dict[str, Any]], None]


class PolicyStore:
    """on_event(kind, detail): `loaded`, `refused`, `needs-restart`; it must write to the gateway log or raise."""

    def __init__(self, path: Path, on_event: OnEvent) -> None:
        """Raises ConfigError: a gateway does not start with a broken policy."""
        self.path, self._on_event = path, on_event
        self._text = self._read()
        self._snapshot = self._parse(self._text)
        self._decisions: dict[tuple[Actor, str, Facts], Decision] = {}
        self._standings: dict[tuple[Actor, str], Standing] = {}
        self.reloaded: Callable[[], None] = lambda: None

    def current(self) -> PolicySnapshot:
        return self._snapshot

    def report_loaded(self) -> None:
        self._on_event("loaded", {"version": self._snapshot.version, "rules": len(self._snapshot.config.rule)})

    def decide(self, actor: Actor, target: str, facts: Facts) -> Decision:
        key = (actor, target, facts)
        found = self._decisions.get(key)
        if found is None:
            if len(self._decisions) >= MAX_CACHED:
                self._decisions.clear()
            found = self._decisions[key] = self._snapshot.decide(actor, target, facts)
        return found

    def standing(self, actor: Actor, target: str) -> Standing:
        key = (actor, target)
        found = self._standings.get(key)
        if found is None:
            if len(self._standings) >= MAX_CACHED:
                self._standings.clear()
            found = self._standings[key] = self._snapshot.standing(actor, target)
        return found

    def reload(self) -> bool:
        """Take over the file if it changed and is right. Never raises ConfigError: the old policy stays in force."""
        try:
            text = self._read()
            if text == self._text:
                return False
            self._text = text  # a broken file is reported once, not at every poll
            fresh = self._parse(text)
        except ConfigError as problem:
            self._on_event("refused", {"problem": str(problem), "in_force": self._snapshot.version})
            return False
        old = self._snapshot
        if _fixed(fresh.config) != _fixed(old.config):
            what = "the change of [gateway], [identity] or [[target]] takes effect at the next start"
            self._on_event("needs-restart", {"problem": what})
        self._on_event("loaded", {"version": fresh.version, "rules": len(fresh.config.rule), "before": old.version})
        self._snapshot = fresh
        self._decisions, self._standings = {}, {}
        self.reloaded()
        return True

    async def watch(self) -> None:
        """Look at the file once a second until cancelled."""
        seen = self._mtime()
        while True:
            await asyncio.sleep(POLL_SECONDS)
            now = self._mtime()
            if now != seen:
                seen = now
                self.reload()

    def _mtime(self) -> int:
        try:
            return self.path.stat().st_mtime_ns
        except OSError:
            return 0

    def _read(self) -> bytes:
        try:
            return self.path.read_bytes()
        except OSError as error:
            raise ConfigError(f"cannot be read: {error.strerror}", path=str(self.path)) from error

    def _parse(self, text: bytes) -> PolicySnapshot:
        try:
            decoded = text.decode()
        except UnicodeDecodeError as error:
            raise ConfigError("is not UTF-8", path=str(self.path)) from error
        config, problems = parse(decoded, str(self.path))
        if config is None:
            raise problems[0]
        return PolicySnapshot(config, text)


def _fixed(config: Config) -> tuple[Any, ...]:
    """What a running gateway does not take over from a changed file."""
    return (config.gateway, config.identity, config.target)
