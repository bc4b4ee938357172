"""POST token-exchange (RFC 8693): a workload's own OIDC token for a short-lived token of ours."""

from __future__ import annotations

from aiohttp import web

from jupyter_govern.model import Actor
from jupyter_govern_gateway.api.access import peer, visitor
from jupyter_govern_gateway.api.bodies import Text, check, read_form, read_json
from jupyter_govern_gateway.api.bounds import EXCHANGES_PER_MINUTE
from jupyter_govern_gateway.api.login import token_fields
from jupyter_govern_gateway.api.problems import ApiProblem, too_many
from jupyter_govern_gateway.api.rates import Rate
from jupyter_govern_gateway.api.services import ApiServices
from jupyter_govern_gateway.identity.oidc.errors import ProviderUnavailable, TokenRefused

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 (a name of RFC 8693)
TOKEN_TYPES = ("urn:ietf:params:oauth:token-type:jwt", "urn:ietf:params:oauth:token-type:id_token")
FIELDS = {
    "grant_type": Text(longest=100, among=(EXCHANGE,)),
    "subject_token": Text(shortest=1, longest=48 * 1024),
    "subject_token_type": Text(longest=100, among=TOKEN_TYPES),
    "requested_token_type": Text(longest=100, optional=True),
    "audience": Text(longest=63, optional=True),
    "scope": Text(longest=63, optional=True),
}


class WorkloadRoute:
    """One call. It takes a form, as the RFC has it, or the same fields as JSON."""

    def __init__(self, services: ApiServices) -> None:
        self._services = services
        self._rate = Rate(EXCHANGES_PER_MINUTE, services.clock)

    def routes(self) -> list[web.RouteDef]:
        """Paths and handlers."""
        return [web.post("/api/v1/token-exchange", self.exchange)]

    async def exchange(self, request: web.Request) -> web.Response:
        """audience: a target that the token shall open alone. scope: the service that is meant, where several fit."""
        if not self._rate.allows(visitor(request)):
            raise too_many("too many tokens were presented from this address.")
        is_json = request.content_type == "application/json"
        body = await read_json(request, FIELDS) if is_json else check(await read_form(request), FIELDS)
        if self._services.workloads is None:
            raise ApiProblem(404, "no-workloads", "this gateway takes no tokens of workloads.", "[[identity.workload]] names them.")
        try:
            text, token = await self._services.workloads.exchange(
                body["subject_token"],
                address=peer(request),
                service=body["scope"],
                targets=(body["audience"],) if body["audience"] else (),
            )
        except TokenRefused as refused:
            raise ApiProblem(400, "invalid_grant", f"the workload's token is refused ({refused.why}): {refused.detail}.") from None
        except ProviderUnavailable as problem:
            raise ApiProblem(503, "unavailable", f"{problem}.") from None
        self._check_targets(Actor(subject=token.subject, groups=token.groups), token.targets, token.id)
        seconds = int(token.expires_at - token.issued_at)
        answer = {"access_token": text, "issued_token_type": ACCESS_TOKEN, "token_type": "Bearer", "expires_in": seconds}
        return web.json_response(answer | token_fields(token))

    def _check_targets(self, actor: Actor, targets: tuple[str, ...], token_id: str) -> None:
        """A token for a target that is not there is of no use; it is taken back."""
        unknown = set(targets) - {target.name for target in self._services.directory.targets(actor)}
        if unknown:
            self._services.identity.revoke(token_id, by=actor.subject, reason="for a target that is not there")
            raise ApiProblem(400, "invalid_target", f"there is no target '{min(unknown)}', or it is not this service's to see.")
