"""Operations over the API: search in the index, one's own or, for auditors, everybody's. Who takes them away goes on record."""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from jupyter_govern_gateway.api.access import LOOKING, bearer, is_auditor
from jupyter_govern_gateway.api.bodies import query_number
from jupyter_govern_gateway.api.bounds import CATCH_UP_SECONDS, MAX_LISTED, MAX_SEARCHED, RECORDING_READERS
from jupyter_govern_gateway.api.problems import bad_request, forbidden
from jupyter_govern_gateway.api.services import ApiServices
from jupyter_govern_gateway.recorder.operations import Position, Search, as_object, query

FILTERS = ("user", "target", "session", "touched", "rule", "kind", "decision", "notebook", "text")
TIMES = ("since", "until")
OTHERS = ("limit", "cursor", "purpose")
DECISIONS = ("allow", "block", "approve")


class OperationRoutes:
    """GET operations."""

    def __init__(self, services: ApiServices) -> None:
        self._services = services
        self._readers = asyncio.Semaphore(RECORDING_READERS)

    def routes(self) -> list[web.RouteDef]:
        """Paths and handlers."""
        return [web.get("/api/v1/operations", self.search, allow_head=False)]

    async def search(self, request: web.Request) -> web.Response:
        """The newest first, page by page."""
        token = bearer(request, self._services, LOOKING)
        limit = query_number(request, "limit", 50, MAX_LISTED)
        asked = _asked(request)
        auditor = is_auditor(token, self._services)
        if not auditor:
            if asked.get("user", token.subject) != token.subject:
                raise forbidden("only auditors see what others did.")
            asked["user"] = token.subject
        search = Search(actor=asked.pop("user", ""), **asked)
        after = _position(request.query.get("cursor", ""))
        recorder = self._services.recorder
        recorder.flush()
        async with self._readers:
            found, complete = await asyncio.to_thread(self._search, search, after, limit + 1)
        page = found[:limit]
        whom = sorted({str(each["actor"]) for each in page})
        event = request.query.get("purpose") or ("search" if set(whom) - {token.subject} else "")
        if event:  # what cannot be put down is not shown
            said = {key: value for key, value in (("user", search.actor), *asked.items()) if value}
            recorder.log.write("watch", event=event, by=token.subject, whom=whom, search=said, operations=len(page))
        cursor = _cursor(page[-1]) if len(found) > limit else None
        return web.json_response({"operations": page, "cursor": cursor, "complete": complete})

    def _search(self, search: Search, after: Position | None, limit: int) -> tuple[list[dict[str, Any]], bool]:
        index = self._services.recorder.index
        complete = index.catch_up(CATCH_UP_SECONDS)
        text, values = query(search, after, limit)
        return [as_object(row) for row in index.select(text, values)], complete


def _asked(request: web.Request) -> dict[str, str]:
    asked = {}
    for key, value in request.query.items():
        if key not in (*FILTERS, *TIMES, *OTHERS):
            raise bad_request(f"unknown filter '{key[:64]}'; there are {', '.join((*FILTERS, *TIMES))}.")
        if len(value) > MAX_SEARCHED:
            raise bad_request(f"'{key}' is too long.")
        if key in TIMES:
            asked[key] = _time(key, value)
        elif key in FILTERS and value:
            asked[key] = value.encode("utf-8", "replace").decode()
    if asked.get("decision", "allow") not in DECISIONS:
        raise bad_request(f"'decision' must be one of {', '.join(DECISIONS)}.")
    if request.query.get("purpose", "export") != "export":
        raise bad_request("'purpose' must be export.")
    return asked


def _time(key: str, value: str) -> str:
    try:
        moment = datetime.fromisoformat(value)
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise bad_request(f"'{key}' must be a time in ISO form, 2026-11-24T08:00:00Z.") from None
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _cursor(last: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps([last["at"], last["session"], last["seq"]]).encode()).decode()


def _position(cursor: str) -> Position | None:
    if not cursor:
        return None
    try:
        at, session, seq = json.loads(base64.b64decode(cursor.encode(), b"-_", validate=True))
    except (binascii.Error, ValueError, TypeError):
        raise bad_request("'cursor' is not one of ours.") from None
    if not (isinstance(at, str) and isinstance(session, str) and isinstance(seq, int) and abs(seq) < 1 << 62):
        raise bad_request("'cursor' is not one of ours.")
    return at, session, seq
