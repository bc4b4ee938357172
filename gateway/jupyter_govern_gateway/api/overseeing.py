"""What auditors and administrators do with sessions and their recordings: watch, terminate, hold, release, delete. On record first."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import IO, assert_never

from aiohttp import web

from jupyter_govern.errors import AuthenticationFailed
from jupyter_govern_gateway.api.access import administrator, overseer
from jupyter_govern_gateway.api.bodies import Text, read_json
from jupyter_govern_gateway.api.bounds import BODY_SECONDS, EVENT_KEEPALIVE_SECONDS, MAX_WATCHERS, RECORDING_PART, WATCH_SECONDS
from jupyter_govern_gateway.api.problems import ApiProblem, not_found, too_many
from jupyter_govern_gateway.api.services import ApiServices
from jupyter_govern_gateway.identity.tokens import Token
from jupyter_govern_gateway.recorder.storage import Storage

ONE = "/api/v1/sessions/{id:[A-Za-z0-9_-]{1,128}}"


class Overseeing:
    """GET sessions/ID/live, POST sessions/ID/terminate, hold, release and delete, GET holds."""

    def __init__(self, services: ApiServices) -> None:
        self._services = services
        self._watchers = 0

    def routes(self) -> list[web.RouteDef]:
        """Paths and handlers."""
        return [
            web.get(ONE + "/live", self.live, allow_head=False),
            web.post(ONE + "/terminate", self.terminate),
            web.post(ONE + "/{what:hold|release|delete}", self.keep),
            web.get("/api/v1/holds", self.holds, allow_head=False),
        ]

    async def holds(self, request: web.Request) -> web.Response:
        """The sessions whose recordings nothing deletes."""
        overseer(request, self._services, "holds")
        return web.json_response(self._services.recorder.keeping.held())

    async def keep(self, request: web.Request) -> web.Response:
        """Hold a recording, release it, or delete it with a tombstone."""
        what, identifier = request.match_info["what"], request.match_info["id"]
        token = administrator(request, self._services, f"{what} a recording")
        body = await read_json(request, {"reason": Text(shortest=1, longest=500)})
        keeping = self._services.recorder.keeping
        act = {"hold": keeping.hold, "release": keeping.release, "delete": keeping.delete}[what]
        self._services.recorder.flush()
        refusal = await asyncio.to_thread(partial(act, identifier, by=token.subject, reason=body["reason"]))
        match refusal:
            case "unknown":
                raise not_found(f"session {identifier}")
            case "open":
                hint = "`jupyter govern sessions terminate` ends it."
                raise ApiProblem(409, "still-open", f"session {identifier} is open: only a finished recording can be deleted.", hint)
            case "held":
                hint = "`jupyter govern sessions release` first, if that is yours to decide."
                raise ApiProblem(409, "on-hold", f"the recording of {identifier} is on hold.", hint)
            case "not-held":
                raise ApiProblem(409, "not-on-hold", f"the recording of {identifier} is not on hold.")
            case "":
                return web.json_response({"session": identifier, "done": what})
            case _:
                assert_never(refusal)

    async def terminate(self, request: web.Request) -> web.Response:
        """End an open session; the reason is told to its person and is on record."""
        token = overseer(request, self._services, "terminate")
        body = await read_json(request, {"reason": Text(shortest=1, longest=500)})
        identifier = request.match_info["id"]
        self._services.recorder.flush()
        row = await asyncio.to_thread(self._services.recorder.index.session, identifier)
        if row is None:
            raise not_found(f"session {identifier}")
        log, reason = self._services.recorder.log, body["reason"]
        log.write("session", event="terminated", session=identifier, whom=row["actor"], by=token.subject, reason=reason)
        if not self._services.identity.ties.end_session(identifier, f"terminated by {token.subject}: {reason}"):
            raise ApiProblem(409, "not-open", f"session {identifier} is not open at this gateway.")
        return web.json_response({"session": identifier, "actor": row["actor"], "target": row["target"]})

    async def live(self, request: web.Request) -> web.StreamResponse:
        """The entries of a session from its beginning, and then as they are written, until it closes or the watcher may not any more."""
        token = overseer(request, self._services, "watch")
        identifier, recorder = request.match_info["id"], self._services.recorder
        recorder.flush()
        row = await asyncio.to_thread(recorder.index.session, identifier)
        if row is None:
            raise not_found(f"session {identifier}")
        path = Path(row["path"])
        if row["closed_at"] is not None:
            raise ApiProblem(409, "not-open", f"session {identifier} is over.", "`jupyter govern sessions replay` shows it.")
        if self._watchers >= MAX_WATCHERS:
            raise too_many("too many sessions are being watched.", "Close some of them.")
        recorder.log.write("watch", event="live", by=token.subject, whom=[row["actor"]], session=identifier)
        answer = web.StreamResponse(headers={"Content-Type": "application/jsonl", "X-Accel-Buffering": "no"})
        task = asyncio.current_task()
        identity = self._services.identity
        untie = identity.ties.tie(identity.lineage(token), what="stream", name="live", end=_canceller(task))
        self._watchers += 1
        try:
            await answer.prepare(request)
            async for part in self._followed(path, token):
                async with asyncio.timeout(BODY_SECONDS):
                    await answer.write(part)
            await answer.write_eof()
        except (ConnectionError, FileNotFoundError):
            pass  # the watcher went away, or somebody deleted the recording
        finally:
            self._watchers -= 1
            untie()
        return answer

    async def _followed(self, path: Path, token: Token) -> AsyncIterator[bytes]:
        """Whole lines; a blank one now and then, so that both sides know of each other."""
        quiet, at = 0.0, 0
        while self._may_still(token):
            part = await asyncio.to_thread(_lines_from, self._services.recorder.storage, path, at)
            at += len(part)
            if part:
                quiet = 0.0
                yield part
                if _is_over(part):
                    return
            else:
                quiet += WATCH_SECONDS
                await asyncio.sleep(WATCH_SECONDS)
            if quiet >= EVENT_KEEPALIVE_SECONDS:
                quiet = 0.0
                yield b"\n"

    def _may_still(self, token: Token) -> bool:
        try:
            now = self._services.identity.token_actor(token.id)
        except AuthenticationFailed:
            return False
        directory = self._services.directory
        return bool(now.groups & (directory.auditor_groups() | directory.admin_groups()))


def _canceller(task: asyncio.Task[object] | None) -> Callable[[str], None]:
    def end(reason: str) -> None:
        if task is not None:
            task.cancel(reason)

    return end


def _lines_from(storage: Storage, path: Path, at: int) -> bytes:
    """Whole lines from there on, RECORDING_PART bytes or one line."""
    try:
        with path.open("rb") as file:
            file.seek(at)
            return _whole_lines(file)
    except FileNotFoundError:  # closed, and stored in another form meanwhile
        with storage.open(path) as file:
            left = at
            while left and (passed := file.read(min(left, RECORDING_PART))):
                left -= len(passed)
            return _whole_lines(file)


def _whole_lines(file: IO[bytes]) -> bytes:
    data = file.read(RECORDING_PART)
    if data and b"\n" not in data:
        data += file.readline()
    return data[: data.rfind(b"\n") + 1]


def _is_over(part: bytes) -> bool:
    """Whether a session-close is among these lines."""
    return any(b'"type":"session-close"' in line and json.loads(line)["type"] == "session-close" for line in part.splitlines())
