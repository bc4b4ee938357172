"""GET events: what changes, as server-sent events, to those who may see it. Ids and states only, never a statement.

A slow reader costs at most LISTENER_QUEUE events and is then hung up on; it asks again and reads the lists anew.
Approvals tell of themselves; sessions are found by looking at the index while somebody listens.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Callable
from typing import Any

from aiohttp import web

from jupyter_govern.errors import AuthenticationFailed
from jupyter_govern_gateway.api.access import LOOKING, bearer, is_auditor
from jupyter_govern_gateway.api.bounds import EVENT_KEEPALIVE_SECONDS, LISTENER_QUEUE, MAX_LISTENERS, MAX_LISTENERS_EACH
from jupyter_govern_gateway.api.problems import too_many
from jupyter_govern_gateway.api.services import ApiServices
from jupyter_govern_gateway.api.views import may_see
from jupyter_govern_gateway.approvals import Approval
from jupyter_govern_gateway.identity.tokens import Token

LOOK_SECONDS = 1.0
LOOKED_AT = 100
HANG_UP_SECONDS = 0.5
log = logging.getLogger(__name__)


class Listener:
    """One open stream. Its token is looked up again for each event: what is revoked hears nothing more."""

    def __init__(self, token: Token) -> None:
        self.token = token
        self.queue: asyncio.Queue[bytes | None] = asyncio.Queue(LISTENER_QUEUE)
        self.lost = False

    def put(self, event: bytes) -> None:
        """Queue one event, or give this listener up."""
        try:
            self.queue.put_nowait(event)
        except asyncio.QueueFull:
            self.lost = True


    def end(self) -> None:
        """Close the stream; what waits in it is not sent any more."""
        self.lost = True
        with contextlib.suppress(asyncio.QueueFull):
            self.queue.put_nowait(None)


class EventRoutes:
    """GET events. `start` and `stop` belong to the server."""

    def __init__(self, services: ApiServices) -> None:
        self._services = services
        self._listeners: set[Listener] = set()
        self._unsubscribe = services.approvals.subscribe(self._approval_changed)
        self._known: dict[str, str] = {}
        self._looking: asyncio.Task[None] | None = None

    def routes(self) -> list[web.RouteDef]:
        """Paths and handlers."""
        return [web.get("/api/v1/events", self.stream, allow_head=False)]

    def stop(self) -> None:
        """End all streams."""
        self._unsubscribe()
        if self._looking is not None:
            self._looking.cancel()
        for listener in self._listeners:
            listener.end()

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """One stream, until the reader goes, the token ends, or the reader is too slow."""
        listener = Listener(bearer(request, self._services, LOOKING))
        mine = sum(each.token.subject == listener.token.subject for each in self._listeners)
        if len(self._listeners) >= MAX_LISTENERS or mine >= MAX_LISTENERS_EACH:
            raise too_many("too many event streams are open.", "Close some of them.")
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"})
        untie = self._tie(listener, request)
        self._listeners.add(listener)
        try:
            self._look_at_sessions()
            await response.prepare(request)
            await response.write(b": this stream tells of approvals and sessions\n\n")
            await self._send(listener, response)
        except ConnectionError:
            pass  # the reader went away
        finally:
            untie()
            self._listeners.discard(listener)
        return response

    def _tie(self, listener: Listener, request: web.Request) -> Callable[[], None]:
        def hang_up() -> None:
            if listener in self._listeners and request.transport is not None:  # its reader does not read
                request.transport.abort()

        def end(reason: str) -> None:
            listener.end()
            asyncio.get_running_loop().call_later(HANG_UP_SECONDS, hang_up)

        identity = self._services.identity
        return identity.ties.tie(identity.lineage(listener.token), what="stream", name="events", end=end)

    async def _send(self, listener: Listener, response: web.StreamResponse) -> None:
        while not listener.lost:
            try:
                async with asyncio.timeout(EVENT_KEEPALIVE_SECONDS):
                    event = await listener.queue.get()
            except TimeoutError:
                event = b": still here\n\n"
            if event is None or self._living(listener) is None:
                return
            await response.write(event)

    def _living(self, listener: Listener) -> Token | None:
        try:
            return self._services.identity.token_actor(listener.token.id)
        except AuthenticationFailed:
            listener.lost = True
            return None

    def _approval_changed(self, approval: Approval) -> None:
        data = {"number": approval.number, "state": approval.state, "actor": approval.operation.actor.subject}
        for listener in self._listeners:
            token = self._living(listener)
            if token is not None and may_see(approval, token.actor):
                listener.put(_event("approval", data))

    def _session_changed(self, identifier: str, state: str, subject: str) -> None:
        for listener in self._listeners:
            token = self._living(listener)
            if token is not None and (token.subject == subject or is_auditor(token, self._services)):
                listener.put(_event("session", {"id": identifier, "state": state}))

    def _look_at_sessions(self) -> None:
        if self._looking is None or self._looking.done():
            self._looking = asyncio.get_running_loop().create_task(self._look())

    async def _look(self) -> None:
        """Compare the newest sessions with what was seen before, as long as somebody listens."""
        first = True
        while self._listeners:
            try:
                rows = await asyncio.to_thread(self._services.recorder.index.sessions, limit=LOOKED_AT)
            except Exception:  # an index that cannot be read costs events, nothing else
                log.exception("the index of sessions could not be read")
                return
            seen = {row["id"]: _progress(row) for row in rows}
            for row in rows:
                if not first and self._known.get(row["id"]) != seen[row["id"]]:
                    self._session_changed(row["id"], "closed" if row["closed_at"] else "open", row["actor"])
            self._known, first = seen, False
            await asyncio.sleep(LOOK_SECONDS)


def _progress(row: dict[str, Any]) -> str:
    return f"{row['closed_at']}/{row['operations']}/{row['read_bytes']}"


def _event(name: str, data: dict[str, Any]) -> bytes:
    return f"event: {name}\ndata: {json.dumps(data)}\n\n".encode()
