"""/login/saml/NAME, its /acs, /finish and /metadata: a browser's way to a SAML provider and back.

The provider's page sends its answer by a form of its own: a POST from another site, to which no cookie of ours is added. It is taken for
what its signature says and no more; who is logged in is decided by the redirect after it, which brings the cookie.
"""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from jupyter_govern_gateway.api.access import peer
from jupyter_govern_gateway.api.bodies import read_form
from jupyter_govern_gateway.api.pages.browser import holder_of, login_cookie, login_nonce
from jupyter_govern_gateway.api.pages.providers import PROVIDER, LoginRates, leave, login_refused, provider_of
from jupyter_govern_gateway.api.pages.site import Site
from jupyter_govern_gateway.identity.saml.errors import AnswerRefused
from jupyter_govern_gateway.identity.saml.service import PENDING_SECONDS, SamlLogins


class SamlPages:
    """own_url: how browsers reach this gateway; never what a request says, because our addresses are in what we sign up for."""

    def __init__(self, site: Site, saml: SamlLogins, own_url: Callable[[], str]) -> None:
        self._site, self._saml, self._own_url = site, saml, own_url
        self._rates = LoginRates(site.services.clock)

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
        self._site.need_page(request)
        provider = provider_of(request, self._saml.partners)
        self._rates.begin(request)
        nonce = login_nonce(request)
        leads_to = self._site.leads_to(request)
        url = self._saml.begin(provider, holder=holder_of(nonce), leads_to=leads_to, base_url=self._own_url())
        return leave(request, url, nonce, PENDING_SECONDS)

    async def accept(self, request: web.Request) -> web.Response:
        """The provider's answer. RelayState is not looked at."""
        self._site.need_page(request)
        provider = provider_of(request, self._saml.partners)
        self._rates.end(request)
        answer = (await read_form(request)).get("SAMLResponse", "")
        try:
            ticket = await self._saml.accept(provider, answer, base_url=self._own_url(), address=peer(request))
        except AnswerRefused as refused:
            raise login_refused(refused, refused.detail) from None
        return web.Response(status=303, headers={"Location": f"/login/saml/{provider}/finish?ticket={ticket}"})

    async def finish(self, request: web.Request) -> web.Response:
        """The ticket and the cookie of the browser that began: only together are they a login."""
        self._site.need_page(request)
        provider = provider_of(request, self._saml.partners)
        holder = holder_of(request.cookies.get(login_cookie(request), ""))
        try:
            found = self._saml.finish(request.query.get("ticket", ""), provider=provider, holder=holder, address=peer(request))
        except AnswerRefused as refused:
            raise login_refused(refused, refused.detail) from None
        return self._site.sign_in(request, found.token, found.leads_to)

    async def metadata(self, request: web.Request) -> web.Response:
        """For the provider's administrator; nothing in it is secret."""
        text = self._saml.partners[provider_of(request, self._saml.partners)].metadata(self._own_url())
        return web.Response(text=text, content_type="application/samlmetadata+xml", charset="utf-8")
