"""Publishes the signed head of the gateway's log where whoever can write on this machine cannot: a file elsewhere, a webhook.

Whoever cuts the log back later does not have that head any more: `jupyter govern sessions verify --witness`. A witness that cannot be
reached is said in the log and asked again at the next turn; no session waits for it.
"""

from __future__ import annotations

import asyncio
import os
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from jupyter_govern.config.recording import Witness as Settings
from jupyter_govern.errors import RecordingFailed
from jupyter_govern.heads import Head
from jupyter_govern_gateway.recorder.log import GatewayLog

WEBHOOK_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """file None and webhook "" are none. token: sent as a bearer token."""

    file: Path | None = None
    webhook: str = ""
    token: str = ""
    every_seconds: float = 300.0


def witness_place(settings: Settings, directory: Path) -> Place | None:
    """From the configuration; None where nothing is set. Raises ConfigError."""
    if not settings.file and not settings.webhook:
        return None
    token = settings.webhook_token.read(directory, "gateway.recording.witness.webhook_token") if settings.webhook_token else ""
    file = directory / settings.file if settings.file else None
    return Place(file=file, webhook=settings.webhook, token=token, every_seconds=settings.every_seconds)


class Witness:
    """One head a turn, if there is a new one."""

    def __init__(self, log: GatewayLog, place: Place) -> None:
        self._log, self._place = log, place
        self._told: dict[str, Head] = {}

    async def watch(self) -> None:
        """Publish until cancelled."""
        while True:
            with suppress(RecordingFailed):  # a log that cannot be written is said where sessions are refused
                await asyncio.to_thread(self.publish)
            await asyncio.sleep(self._place.every_seconds)

    def publish(self) -> None:
        """Sign what is not signed, and tell who has not been told. Blocks. Raises RecordingFailed."""
        self._log.sign()
        head = self._log.signed
        if head is None:
            return
        places: list[tuple[str, Callable[[Head], None]]] = [("file", partial(_append, self._place.file))] if self._place.file else []
        if self._place.webhook:
            places.append(("webhook", partial(_post, self._place.webhook, self._place.token)))
        for name, tell in places:
            if self._told.get(name) != head:
                try:
                    tell(head)
                except (OSError, ValueError) as problem:
                    self._log.write("note", about="witness failed", witness=name, problem=str(problem)[:500])
                else:
                    self._told[name] = head


def _append(path: Path, head: Head) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        line = head.line()
        if os.write(descriptor, line) != len(line):
            raise OSError("the head could be written only in part")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _post(url: str, token: str, head: Head) -> None:
    headers = {"Content-Type": "application/json", "User-Agent": "jupyter-govern"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    request = urllib.request.Request(url, head.line(), headers, method="POST")  # noqa: S310 (config checks the scheme)
    with _opener.open(request, timeout=WEBHOOK_SECONDS):
        pass


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """The token is for the configured place only."""

    def redirect_request(self, *_: object) -> None:
        return None


_opener: Final = urllib.request.build_opener(_NoRedirects())
