"""/login/oidc/NAME, /login/callback/NAME: a browser's way to an identity provider and back. /login/backchannel/NAME: its logouts.

What keeps a stranger's page from logging a browser in as somebody else: the answer counts once, in the browser that began the login
(state and cookie), and for the token that was asked for (nonce). The session cookie that comes of it is always a new one.
"""

from __future__ import annotations

from aiohttp import web

from jupyter_govern_gateway.api.access import peer
from jupyter_govern_gateway.api.bodies import read_form
from jupyter_govern_gateway.api.pages.browser import holder_of, login_cookie, login_nonce
from jupyter_govern_gateway.api.pages.providers import PROVIDER, LoginRates, leave, login_refused, provider_of
from jupyter_govern_gateway.api.pages.site import Site
from jupyter_govern_gateway.api.problems import ApiProblem
from jupyter_govern_gateway.identity.oidc.errors import ProviderUnavailable, TokenRefused
from jupyter_govern_gateway.identity.oidc.logout import Logout
from jupyter_govern_gateway.identity.oidc.pending import PENDING_SECONDS
from jupyter_govern_gateway.identity.oidc.service import LoginRefused, OidcLogins, Returned

MAX_VALUE = 4096
"""Characters of one parameter that a provider sends back."""


class OidcPages:
    """`own_url`: how browsers reach this gateway, where that is configured; else the name that brought the browser here."""

    def __init__(self, site: Site, oidc: OidcLogins, logout: Logout, own_url: str = "") -> None:
        self._site, self._oidc, self._logout, self._own_url = site, oidc, logout, own_url
        self._rates = LoginRates(site.services.clock)

    def routes(self) -> list[web.RouteDef]:
        """Paths and handlers."""
        return [
            web.get(f"/login/oidc/{PROVIDER}", self.begin, allow_head=False),
            web.get(f"/login/callback/{PROVIDER}", self.finish, allow_head=False),
            web.post(f"/login/backchannel/{PROVIDER}", self.log_out),
        ]

    async def begin(self, request: web.Request) -> web.Response:
        """To the provider, with the cookie that ties its answer to this browser."""
        self._site.need_page(request)
        provider = provider_of(request, self._oidc.flows)
        self._rates.begin(request)
        nonce = login_nonce(request)
        try:
            url = await self._oidc.begin(
                provider,
                holder=holder_of(nonce),
                leads_to=self._site.leads_to(request),
                redirect_uri=f"{own_url(request, self._own_url)}/login/callback/{provider}",
                address=peer(request),
            )
        except LoginRefused as refused:
            raise _problem(refused) from None
        return leave(request, url, nonce, PENDING_SECONDS)

    async def finish(self, request: web.Request) -> web.Response:
        """Back from the provider: a login of this browser, or a page that says why not."""
        self._site.need_page(request)
        provider = provider_of(request, self._oidc.flows)
        self._rates.end(request)
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
        provider = provider_of(request, self._oidc.flows)
        self._rates.end(request, "logout")
        body = await read_form(request)
        try:
            await self._logout.from_provider(provider, body.get("logout_token", ""), peer(request))
        except TokenRefused as refused:
            raise ApiProblem(400, "logout-refused", refused.detail) from None
        except ProviderUnavailable as problem:
            raise ApiProblem(503, "unavailable", f"{problem}.") from None
        return web.Response(status=200)


def own_url(request: web.Request, configured: str) -> str:
    """How browsers reach us. A Host header was checked against our names before it gets here."""
    return configured or f"{request.scheme}://{request.host}"


def _once(request: web.Request, name: str) -> str:
    """A parameter that is there once at most, and of a reasonable size; "" else."""
    values = request.query.getall(name, [])
    return values[0] if len(values) == 1 and len(values[0]) <= MAX_VALUE else ""


def _problem(refused: LoginRefused) -> ApiProblem:
    return login_refused(refused, refused.detail, status=503 if refused.why == "unavailable" else 403)
