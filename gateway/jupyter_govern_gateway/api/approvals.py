"""Approvals over the API: lists, one of them, and the decision by a person's own token. The page is in pages/decision.py."""

from __future__ import annotations

from typing import Any, Literal, cast

from aiohttp import web

from jupyter_govern.errors import RecordingFailed
from jupyter_govern_gateway.api.access import DECIDING, LOOKING, bearer
from jupyter_govern_gateway.api.bodies import Text, path_number, read_json
from jupyter_govern_gateway.api.bounds import MAX_LISTED
from jupyter_govern_gateway.api.problems import ApiProblem, bad_request, forbidden, not_found
from jupyter_govern_gateway.api.services import ApiServices
from jupyter_govern_gateway.api.views import approval_line, approval_view, may_see
from jupyter_govern_gateway.approvals import MAX_REASON, Approval, DecisionRefused
from jupyter_govern_gateway.identity.tokens import Token

DECISION = Text(longest=8, among=("approve", "deny"))
REASON = Text(longest=MAX_REASON, optional=True)
DIGEST = Text(shortest=64, longest=64)
STATUS = {"not-found": 404, "wrong-login": 403, "self-approval": 403, "not-an-approver": 403, "decided": 409, "changed": 409}


class ApprovalRoutes:
    """GET approvals, GET approvals/N, POST approvals/N/decision."""

    def __init__(self, services: ApiServices) -> None:
        self._services = services

    def routes(self) -> list[web.RouteDef]:
        """Paths and handlers."""
        one = r"/api/v1/approvals/{number:\d{1,15}}"
        return [
            web.get("/api/v1/approvals", self.list, allow_head=False),
            web.get(one, self.show, allow_head=False),
            web.post(one + "/decision", self.decide),
        ]

    async def list(self, request: web.Request) -> web.Response:
        """What the caller asked for, and what the caller may decide; the newest first."""
        token = bearer(request, self._services, LOOKING)
        state = request.query.get("state", "pending")
        if state not in {"pending", "all"}:
            raise bad_request("'state' must be pending or all.")
        actor = token.actor
        seen = [a for a in self._services.approvals.list(pending_only=state == "pending") if may_see(a, actor)]
        return web.json_response([approval_line(approval, actor) for approval in seen[:MAX_LISTED]])

    async def show(self, request: web.Request) -> web.Response:
        """One approval."""
        token = bearer(request, self._services, LOOKING)
        return web.json_response(self._view(find(self._services, path_number(request), token), token))

    async def decide(self, request: web.Request) -> web.Response:
        """Approve or deny: with a person's token, for exactly the digest that was looked at."""
        token = bearer(request, self._services, DECIDING)
        body = await read_json(request, {"decision": DECISION, "reason": REASON, "digest": DIGEST})
        number = find(self._services, path_number(request), token).number
        approval = decide(self._services, number, token, body["decision"], reason=body["reason"], digest=body["digest"])
        return web.json_response(self._view(approval, token))

    def _view(self, approval: Approval, token: Token) -> dict[str, Any]:
        return approval_view(approval, token.actor)


def find(services: ApiServices, number: int, token: Token) -> Approval:
    """The approval, if the caller may know of it; raises ApiProblem 404 both where there is none and where it is not theirs."""
    approval = services.approvals.get(number)
    if approval is None or not may_see(approval, token.actor):
        raise not_found(f"approval #{number}")
    return approval


def decide(services: ApiServices, number: int, token: Token, decision: str, *, reason: str, digest: str) -> Approval:
    """Give the answer to the approvals, who check everything that matters about it; their refusals become ours."""
    try:
        approval = services.approvals.decide(
            number, token.actor, token.kind, cast(Literal["approve", "deny"], decision), reason=reason, digest=digest
        )
    except DecisionRefused as refused:
        message = f"{refused}."
        raise ApiProblem(STATUS.get(refused.code, 403), refused.code, message) from None
    except RecordingFailed as failed:
        raise ApiProblem(503, "recording-failed", f"nothing was decided, because it could not be recorded: {failed}.") from None
    if approval.state not in {"approved", "denied"}:
        raise forbidden(f"approval #{number} is {approval.state} now.")
    return approval
