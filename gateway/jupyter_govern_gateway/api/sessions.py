"""Sessions over the API: the caller's own, and everybody's for auditors. Files are read in threads."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from aiohttp import web

from jupyter_govern.recording import Verdict, entries_in, verdict_of
from jupyter_govern.stored import Unreadable
from jupyter_govern_gateway.api.access import LOOKING, bearer, is_auditor
from jupyter_govern_gateway.api.bodies import query_number
from jupyter_govern_gateway.api.bounds import BODY_SECONDS, MAX_LISTED, RECORDING_PART, RECORDING_READERS
from jupyter_govern_gateway.api.problems import ApiProblem, bad_request, not_found
from jupyter_govern_gateway.api.services import ApiServices
from jupyter_govern_gateway.api.timeline import timeline
from jupyter_govern_gateway.api.views import session_view


class SessionRoutes:
    """GET sessions, GET sessions/ID, GET sessions/ID/verify, GET sessions/ID/recording."""

    def __init__(self, services: ApiServices) -> None:
        self._services = services
        self._readers = asyncio.Semaphore(RECORDING_READERS)

    def routes(self) -> list[web.RouteDef]:
        """Paths and handlers."""
        one = "/api/v1/sessions/{id:[A-Za-z0-9_-]{1,128}}"
        return [
            web.get("/api/v1/sessions", self.list, allow_head=False),
            web.get(one, self.show, allow_head=False),
            web.get(one + "/verify", self.verify, allow_head=False),
            web.get(one + "/recording", self.recording, allow_head=False),
        ]

    async def list(self, request: web.Request) -> web.Response:
        """The newest first."""
        token = bearer(request, self._services, LOOKING)
        limit = query_number(request, "limit", 50, MAX_LISTED)
        notebook = request.query.get("notebook")
        if notebook is not None and len(notebook) > 1024:
            raise bad_request("'notebook' is too long.")
        actor = None if is_auditor(token, self._services) else token.subject
        self._services.recorder.flush()
        rows = await asyncio.to_thread(self._services.recorder.index.sessions, actor=actor, limit=limit, notebook=notebook)
        return web.json_response([session_view(row) for row in rows])

    async def show(self, request: web.Request) -> web.Response:
        """One session with its newest operations."""
        row = await self._mine(request)
        limit = query_number(request, "limit", MAX_LISTED, MAX_LISTED)
        token = bearer(request, self._services, LOOKING)
        if row["actor"] != token.subject:
            self._watched("show", token.subject, row)
        async with self._readers:
            return web.json_response(text=await asyncio.to_thread(_told, self._open, row, limit))

    async def verify(self, request: web.Request) -> web.Response:
        """Whether the recording is whole, and still ends as the gateway's own log says it ended."""
        row = await self._mine(request)
        log = self._services.recorder.log.path
        async with self._readers:
            return web.json_response(await asyncio.to_thread(_verified, self._open, row, log))

    async def recording(self, request: web.Request) -> web.StreamResponse:
        """The recording as it is, line by line; that it was taken is on record before its first byte."""
        purpose = request.query.get("purpose", "export")
        if purpose not in {"export", "replay"}:
            raise bad_request("'purpose' must be export or replay.")
        row = await self._mine(request)
        self._services.recorder.flush()
        self._watched(purpose, bearer(request, self._services, LOOKING).subject, row)
        answer = web.StreamResponse(headers={"Content-Type": "application/jsonl"})
        async with self._readers:
            with await asyncio.to_thread(self._open, row) as file:
                left = _size(row)  # what is written from now on is not part of it
                await answer.prepare(request)
                while left > 0 and (part := await asyncio.to_thread(file.read, int(min(left, RECORDING_PART)))):
                    left -= len(part)
                    async with asyncio.timeout(BODY_SECONDS):
                        await answer.write(part)
        await answer.write_eof()
        return answer

    def _open(self, row: dict[str, Any]) -> IO[bytes]:
        """The recording, in whatever form and wherever it is. Blocks."""
        try:
            return self._services.recorder.storage.open(Path(row["path"]))
        except FileNotFoundError:
            raise ApiProblem(410, "recording-gone", "the recording cannot be found: it was moved or removed.") from None
        except (OSError, Unreadable) as problem:
            raise ApiProblem(503, "unavailable", f"the recording cannot be read: {problem}") from None

    def _watched(self, event: str, by: str, row: dict[str, Any]) -> None:
        """Who looked at whom. Raises RecordingFailed: what cannot be put down is not shown."""
        self._services.recorder.log.write("watch", event=event, by=by, whom=[row["actor"]], session=row["id"])

    async def _mine(self, request: web.Request) -> dict[str, Any]:
        token = bearer(request, self._services, LOOKING)
        identifier = request.match_info["id"]
        self._services.recorder.flush()
        row = await asyncio.to_thread(self._services.recorder.index.session, identifier)
        if row is None or not (row["actor"] == token.subject or is_auditor(token, self._services)):
            raise not_found(f"session {identifier}")
        return row


Opener = Callable[[dict[str, Any]], IO[bytes]]


def _told(opener: Opener, row: dict[str, Any], limit: int) -> str:
    try:
        with opener(row) as file:
            told = timeline(entries_in(file), limit)
    except (OSError, Unreadable) as problem:
        raise ApiProblem(503, "unavailable", f"the recording cannot be read: {problem}") from None
    # a session whose gateway was killed may have more on record than in the index
    session = session_view(row) | {"operations": max(told.asked, row["operations"] or 0)}
    return json.dumps({"session": session, "operations": told.operations, "notes": told.notes})


def _verified(opener: Opener, row: dict[str, Any], log: Path) -> dict[str, Any]:
    try:
        with opener(row) as file:
            verdict = verdict_of(row["id"], file)
    except (OSError, Unreadable) as unreadable:
        verdict = Verdict(ok=False, entries=0, head="", problem=f"it cannot be read: {unreadable}")
    problem = verdict.problem
    said = _head_in_log(log, row["id"]) if verdict.ok else None
    if said is not None and said != verdict.head:
        problem = "the recording does not end as the gateway's own log says it ended: it was replaced or cut"
    return {
        "ok": verdict.ok and not problem,
        "entries": verdict.entries,
        "head": verdict.head,
        "problem": problem,
        "complete": verdict.complete,
    }


def _head_in_log(log: Path, session: str) -> str | None:
    """The head with which the gateway closed this session; None where it did not (still open, or the gateway was killed)."""
    needle = session.encode()
    with log.open("rb") as file:
        for line in file:
            if needle in line:
                entry = json.loads(line)
                if entry.get("type") == "session" and entry.get("event") == "close" and entry.get("session") == session:
                    return str(entry.get("head"))
    return None


def _size(row: dict[str, Any]) -> float:
    """Bytes of an open recording by now; a stored one is whole."""
    path = Path(row["path"])
    return path.stat().st_size if path.is_file() else math.inf
