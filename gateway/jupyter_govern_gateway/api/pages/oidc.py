"""/login/oidc/NAME, /login/callback/NAME: a browser's way to an identity provider and back. /login/backchannel/NAME: its logouts.

What keeps a stranger's page from logging a browser in as somebody else: the answer counts once, in the browser that began the login
(state and cookie), and for the token that was asked for (nonce). The session cookie that comes of it is always a new one.
"""

from __future__ import annotations

from aiohttp import web

from jupyter_govern_gateway.api.access import peer
from jupyter_govern_gateway.api.bodies import read_form
from jupyter_govern_gateway.api.bounds import OIDC_LOGINS_PER_MINUTE
from jupyter_govern_gateway.api.pages.browser import (
    holder_of,
    login_cookie,
    login_nonce,
    need_navigation,
    own_page,
    set_cookie,
)
from jupyter_govern_gateway.api.pages.site import Site
from jupyter_govern_gateway.api.problems import ApiProblem, not_found, too_many
from jupyter_govern_gateway.api.rates import Rate
from jupyter_govern_gateway.identity.oidc.errors import ProviderUnavailable, TokenRefused
from jupyter_govern_gateway.identity.oidc.logout import Logout
from jupyter_govern_gateway.identity.oidc.pending import PENDING_SECONDS
from jupyter_govern_gateway.identity.oidc.service import LoginRefused, OidcLogins, Returned

PROVIDER = "{provider:[a-z][a-z0-9_-]{0,62}}"
MAX_VALUE = 4096
"""Characters of one parameter that a provider sends back."""


class OidcPages:
    """`own_url`: how browsers reach this gateway, where that is configured; else the name that brought the browser here."""

    def __init__(self, site: Site, oidc: OidcLogins, logout: Logout, own_url: str = "") -> None:
        self._site, self._oidc, self._logout, self._own_url = site, oidc, logout, own_url
        self._begun = Rate(OIDC_LOGINS_PER_MINUTE, site.services.clock)
        self._ended = Rate(OIDC_LOGINS_PER_MINUTE, site.services.clock)

    def routes(self) -> list[web.RouteDef]:
        """Paths and handlers."""
        return [
            web.get(f"/login/oidc/{PROVIDER}", self.begin, allow_head=False),
            web.get(f"/login/callback/{PROVIDER}", self.finish, allow_head=False),
            web.post(f"/login/backchannel/{PROVIDER}", self.log_out),
        ]

    async def begin(self, request: web.Request) -> web.Response:
        """To the provider, with the cookie that ties its answer to this browser."""
        need_navigation(request)
        provider = self._provider(request)
        if not self._begun.allows(peer(request)):
            raise too_many("too many logins from this address.")
        nonce = login_nonce(request)
        try:
            url = await self._oidc.begin(
                provider,
                holder=holder_of(nonce),
                leads_to=own_page(request.query.get("next", "/")),
                redirect_uri=f"{own_url(request, self._own_url)}/login/callback/{provider}",
                address=peer(request),
            )
        except LoginRefused as refused:
            raise _problem(refused) from None
        response = web.Response(status=303, headers={"Location": url})
        set_cookie(response, request, login_cookie(request), nonce, PENDING_SECONDS)
        return response

    async def finish(self, request: web.Request) -> web.Response:
        """Back from the provider: a login of this browser, or a page that says why not."""
        need_navigation(request)
        provider = self._provider(request)
        if not self._ended.allows(peer(request)):
            raise too_many("too many logins from this address.")
        try:
            found = await self._oidc.finish(
                Returned(
                    provider=provider,
                    state=_once(request, "state"),
                    holder=holder_of(request.cookies.get(login_cookie(request), "")),
                    address=peer(request),
                    code=_once(request, "code"),
                    error=_once(request, "error"),
                    issuer=_once(request, "iss"),
                )
            )
        except LoginRefused as refused:
            raise _problem(refused) from None
        return self._site.sign_in(request, found.token, found.leads_to)

    async def log_out(self, request: web.Request) -> web.Response:
        """The provider says that somebody logged out there (Back-Channel Logout 1.0)."""
        provider = self._provider(request)
        if not self._ended.allows(f"backchannel {peer(request)}"):
            raise too_many("too many logouts from this address.")
        body = await read_form(request)
        try:
            await self._logout.from_provider(provider, body.get("logout_token", ""), peer(request))
        except TokenRefused as refused:
            raise ApiProblem(400, "logout-refused", refused.detail) from None
        except ProviderUnavailable as problem:
            raise ApiProblem(503, "unavailable", f"{problem}.") from None
        return web.Response(status=200)

    def _provider(self, request: web.Request) -> str:
        name = request.match_info["provider"]
        if name not in self._oidc.flows:
            raise not_found(f"identity provider '{name}'")
        return name


def own_url(request: web.Request, configured: str) -> str:
    """How browsers reach us. A Host header was checked against our names before it gets here."""
    return configured or f"{request.scheme}://{request.host}"


def _once(request: web.Request, name: str) -> str:
    """A parameter that is there once at most, and of a reasonable size; "" else."""
    values = request.query.getall(name, [])
    return values[0] if len(values) == 1 and len(values[0]) <= MAX_VALUE else ""


def _problem(refused: LoginRefused) -> ApiProblem:
    hint = f"{refused.detail}. " if refused.detail else ""
    status = 503 if refused.why == "unavailable" else 403
    return ApiProblem(status, "login-refused", str(refused), f"{hint}Nobody was signed in. Start again at /login.")
