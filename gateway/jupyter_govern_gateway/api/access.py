"""Whose token a request carries, and which kinds of token a route takes. Tokens come in the Authorization header only."""

from __future__ import annotations

from aiohttp import web

from jupyter_govern.errors import AuthenticationFailed
from jupyter_govern.model import TokenKind
from jupyter_govern_gateway.api.problems import ApiProblem, forbidden, unauthorized
from jupyter_govern_gateway.api.proxies import CLIENT
from jupyter_govern_gateway.api.services import ApiServices
from jupyter_govern_gateway.identity.backoff import address_key
from jupyter_govern_gateway.identity.binding import is_taken_from
from jupyter_govern_gateway.identity.tokens import Token

LOOKING: frozenset[TokenKind] = frozenset({"person", "server"})
"""Kinds that may read lists."""
HOLDING: frozenset[TokenKind] = frozenset({"person", "server", "kernel", "client", "service", "workload"})
"""Kinds that may ask whose they are, and give themselves back."""
ANY: frozenset[TokenKind] = frozenset({"person", "server", "kernel", "workload"})
"""`browser` is in none of them: a cookie is for pages, never for the API."""
DECIDING: frozenset[TokenKind] = frozenset({"person"})

MAX_TOKEN = 256


def bearer(request: web.Request, services: ApiServices, kinds: frozenset[TokenKind]) -> Token:
    """The living token of this request; raises ApiProblem 401 or 403."""
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not text:
        raise unauthorized("this needs a token: Authorization: Bearer ….")
    if len(text) > MAX_TOKEN:
        raise unauthorized()
    try:
        token = services.identity.authenticate_bearer(text.strip())
    except AuthenticationFailed:
        _record_stranger(request, services)
        raise unauthorized() from None
    if not is_taken_from(token, peer(request)):
        _record_misuse(request, services, token, "another address")
        raise unauthorized("this credential is not taken from this address.")
    if token.kind not in kinds:
        _record_misuse(request, services, token, "a kind that may not")
        raise _wrong_kind(token.kind)
    return token


def _record_misuse(request: web.Request, services: ApiServices, token: Token, why: str) -> None:
    """A living token where it does not count: somebody else has it, or code tries what only its person may. Not more often than a
    rate, so that nobody fills the log."""
    if services.misuse.allows(token.id):
        what = f"{request.method} {request.path}"[:200]
        fields = {"what": what, "why": why, "token": token.id, "token_kind": token.kind, "subject": token.subject}
        services.recorder.log.write("token", event="refused", **fields, kernel_id=token.kernel_id, address=peer(request))


def _record_stranger(request: web.Request, services: ApiServices) -> None:
    """What is no token of ours, or no longer, where somebody would decide: a kernel that tries its hub token, a token after logout."""
    if services.misuse.allows(visitor(request)):
        what = f"{request.method} {request.path}"[:200]
        services.recorder.log.write("token", event="refused", what=what, why="unknown, expired or revoked", address=peer(request))


def _wrong_kind(kind: TokenKind) -> ApiProblem:
    hint = "Use the gateway's own page, or `jupyter govern login` with your own login."
    return forbidden(f"a {kind} token may not do this.", hint)


def is_auditor(token: Token, services: ApiServices) -> bool:
    """Whether this person sees everybody's sessions."""
    return bool(token.groups & services.directory.auditor_groups())


def administrator(request: web.Request, services: ApiServices, what: str) -> Token:
    """A person with a login of their own and in `gateway.admins`; everybody else is refused, and that is on record."""
    token = bearer(request, services, DECIDING)
    if not token.groups & services.directory.admin_groups():
        services.recorder.log.write("token", event="refused", what=what, by=token.subject, address=peer(request))
        raise ApiProblem(403, "not-an-admin", "this is for the gateway's administrators.", "They are the groups in `gateway.admins`.")
    return token


def overseer(request: web.Request, services: ApiServices, what: str) -> Token:
    """As `administrator`, for members of `gateway.auditors` too."""
    token = bearer(request, services, DECIDING)
    if not token.groups & (services.directory.auditor_groups() | services.directory.admin_groups()):
        services.recorder.log.write("token", event="refused", what=what, by=token.subject, address=peer(request))
        hint = "They are the groups in `gateway.auditors` and `gateway.admins`."
        raise ApiProblem(403, "not-an-auditor", "this is for the gateway's auditors and administrators.", hint)
    return token


def peer(request: web.Request) -> str:
    """Whose request it is: the address at the other end of the connection, or, where that is a proxy of ours, the one that it names."""
    return request.get(CLIENT) or request.remote or ""


def visitor(request: web.Request) -> str:
    """Whose tries are counted together: an address, or the network that one holder of IPv6 addresses has."""
    return address_key(peer(request))
