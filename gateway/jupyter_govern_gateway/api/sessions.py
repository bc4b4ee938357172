"""Sessions over the API: the caller's own, and everybody's for auditors. Files are read in threads."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from aiohttp import web

from jupyter_govern.recording import verify
from jupyter_govern_gateway.api.access import LOOKING, bearer, is_auditor
from jupyter_govern_gateway.api.bodies import query_number
from jupyter_govern_gateway.api.bounds import BODY_SECONDS, MAX_LISTED, MAX_RECORDING_READ, RECORDING_PART, RECORDING_READERS
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
            return web.json_response(text=await asyncio.to_thread(_told, row, limit))

    async def verify(self, request: web.Request) -> web.Response:
        """Whether the recording is whole, and still ends as the gateway's own log says it ended."""
        row = await self._mine(request)
        log = self._services.recorder.log.path
        async with self._readers:
            return web.json_response(await asyncio.to_thread(_verified, row, log))

    async def recording(self, request: web.Request) -> web.StreamResponse:
        """The recording as it is, line by line; that it was taken is on record before its first byte."""
        purpose = request.query.get("purpose", "export")
        if purpose not in {"export", "replay"}:
            raise bad_request("'purpose' must be export or replay.")
        row = await self._mine(request)
        self._services.recorder.flush()
        path = await asyncio.to_thread(_file, row)
        self._watched(purpose, bearer(request, self._services, LOOKING).subject, row)
        answer = web.StreamResponse(headers={"Content-Type": "application/jsonl"})
        async with self._readers:
            with await asyncio.to_thread(path.open, "rb") as file:
                left = path.stat().st_size  # what is written from now on is not part of it
                await answer.prepare(request)
                while left > 0 and (part := await asyncio.to_thread(file.read, min(left, RECORDING_PART))):
                    left -= len(part)
                    async with asyncio.timeout(BODY_SECONDS):
                        await answer.write(part)
        await answer.write_eof()
        return answer

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


def _told(row: dict[str, Any], limit: int) -> str:
    path = _file(row)
    told = timeline(_entries(path), limit)
    # a session whose gateway was killed may have more on record than in the index
    session = session_view(row) | {"operations": max(told.asked, row["operations"] or 0)}
    return json.dumps({"session": session, "operations": told.operations, "notes": told.notes})


def _entries(path: Path) -> Iterator[dict[str, Any]]:
    """The entries one by one; a torn tail is left out."""
    with path.open("rb") as file:
        for line in file:
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            if isinstance(entry, dict):
                yield entry


def _verified(row: dict[str, Any], log: Path) -> dict[str, Any]:
    verdict = verify(_verifiable(row))
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


def _file(row: dict[str, Any]) -> Path:
    path = Path(row["path"])
    if not path.is_file():
        raise ApiProblem(410, "recording-gone", "the recording's file cannot be read: it was moved or removed.")
    return path


def _verifiable(row: dict[str, Any]) -> Path:
    path = _file(row)
    if path.stat().st_size > MAX_RECORDING_READ:
        hint = "Verify the file itself: `jupyter govern sessions verify --file`."
        raise ApiProblem(413, "too-large", "the recording is too large to verify over the API.", hint)
    return path
