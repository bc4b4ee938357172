"""/login/saml/NAME, its /acs, /finish and /metadata: a browser's way to a SAML provider and back.

The provider's page sends its answer by a form of its own: a POST from another site, to which no cookie of ours is added. It is taken for
what its signature says and no more; who is logged in is decided by the redirect after it, which brings the cookie.
"""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from jupyter_govern_gateway.api.access import peer
from jupyter_govern_gateway.api.bodies import read_form
from jupyter_govern_gateway.api.bounds import OIDC_LOGINS_PER_MINUTE
from jupyter_govern_gateway.api.pages.browser import holder_of, login_cookie, login_nonce, need_navigation, own_page, set_cookie
from jupyter_govern_gateway.api.pages.oidc import PROVIDER
from jupyter_govern_gateway.api.pages.site import Site
from jupyter_govern_gateway.api.problems import ApiProblem, not_found, too_many
from jupyter_govern_gateway.api.rates import Rate
from jupyter_govern_gateway.identity.saml.errors import AnswerRefused
from jupyter_govern_gateway.identity.saml.service import PENDING_SECONDS, SamlLogins


class SamlPages:
    """own_url: how browsers reach this gateway; never what a request says, because our addresses are in what we sign up for."""

    def __init__(self, site: Site, saml: SamlLogins, own_url: Callable[[], str]) -> None:
        self._site, self._saml, self._own_url = site, saml, own_url
        self._begun = Rate(OIDC_LOGINS_PER_MINUTE, site.services.clock)
        self._ended = Rate(OIDC_LOGINS_PER_MINUTE, site.services.clock)

    def routes(self) -> list[web.RouteDef]:
        """Paths and handlers."""
        return [
            web.get(f"/login/saml/{PROVIDER}", self.begin, allow_head=False),
            web.post(f"/login/saml/{PROVIDER}/acs", self.accept),
            web.get(f"/login/saml/{PROVIDER}/finish", self.finish, allow_head=False),
            web.get(f"/login/saml/{PROVIDER}/metadata", self.metadata, allow_head=False),
        ]

    async def begin(self, request: web.Request) -> web.Response:
        """To the provider, with the cookie that ties its answer to this browser."""
        need_navigation(request)
        provider = self._provider(request)
        if not self._begun.allows(peer(request)):
            raise too_many("too many logins from this address.")
        nonce = login_nonce(request)
        leads_to = own_page(request.query.get("next", "/"))
        url = self._saml.begin(provider, holder=holder_of(nonce), leads_to=leads_to, base_url=self._own_url())
        response = web.Response(status=303, headers={"Location": url})
        set_cookie(response, request, login_cookie(request), nonce, PENDING_SECONDS)
        return response

    async def accept(self, request: web.Request) -> web.Response:
        """The provider's answer. RelayState is not looked at."""
        need_navigation(request)
        provider = self._provider(request)
        if not self._ended.allows(peer(request)):
            raise too_many("too many logins from this address.")
        answer = (await read_form(request)).get("SAMLResponse", "")
        try:
            ticket = await self._saml.accept(provider, answer, base_url=self._own_url(), address=peer(request))
        except AnswerRefused as refused:
            raise _problem(refused) from None
        return web.Response(status=303, headers={"Location": f"/login/saml/{provider}/finish?ticket={ticket}"})

    async def finish(self, request: web.Request) -> web.Response:
        """The ticket and the cookie of the browser that began: only together are they a login."""
        need_navigation(request)
        provider = self._provider(request)
        holder = holder_of(request.cookies.get(login_cookie(request), ""))
        try:
            found = self._saml.finish(request.query.get("ticket", ""), provider=provider, holder=holder, address=peer(request))
        except AnswerRefused as refused:
            raise _problem(refused) from None
        return self._site.sign_in(request, found.token, found.leads_to)

    async def metadata(self, request: web.Request) -> web.Response:
        """For the provider's administrator; nothing in it is secret."""
        text = self._saml.partners[self._provider(request)].metadata(self._own_url())
        return web.Response(text=text, content_type="application/samlmetadata+xml", charset="utf-8")

    def _provider(self, request: web.Request) -> str:
        name = request.match_info["provider"]
        if name not in self._saml.partners:
            raise not_found(f"identity provider '{name}'")
        return name


def _problem(refused: AnswerRefused) -> ApiProblem:
    hint = f"{refused.detail}. " if refused.detail else ""
    return ApiProblem(403, "login-refused", str(refused), f"{hint}Nobody was signed in. Start again at /login.")
