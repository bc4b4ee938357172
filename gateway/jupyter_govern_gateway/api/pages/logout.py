"""/logout: the end of this browser's login, here and, where it came from an identity provider, there.

The page that leads to the provider is a page and no redirect: browsers hold the redirects of a form to its page's `form-action`.
"""

from __future__ import annotations

from aiohttp import web

from jupyter_govern_gateway.api.bodies import read_form
from jupyter_govern_gateway.api.pages.browser import drop_cookie, session_cookie
from jupyter_govern_gateway.api.pages.layout import Page, page_response
from jupyter_govern_gateway.api.pages.markup import markup
from jupyter_govern_gateway.api.pages.oidc import own_url
from jupyter_govern_gateway.api.pages.site import Site
from jupyter_govern_gateway.identity.oidc.logout import Logout

LEAVING = """<div class="narrow"><div class="card"><h1>Signed out</h1>
<p>This login has ended at the gateway, and with it the programs that were connected through it.</p>
<p class="soft">You are still signed in at your identity provider.</p>
<p><a class="button" href="{url}">Sign out there too</a></p></div></div>"""


class LogoutPage:
    """`logout`: None where there are no identity providers."""

    def __init__(self, site: Site, logout: Logout | None, own_url: str = "") -> None:
        self._site, self._logout, self._own_url = site, logout, own_url

    def routes(self) -> list[web.RouteDef]:
        """Paths and handlers."""
        return [web.post("/logout", self.log_out)]

    async def log_out(self, request: web.Request) -> web.Response:
        """Revoke the browser's token; what forms it has out are void."""
        _, token = self._site.redeem(request, await read_form(request), "logout")
        url = ""
        if self._logout is not None and token.parent:
            url = await self._logout.from_here(token, return_to=f"{own_url(request, self._own_url)}/login")
        else:
            self._site.services.identity.revoke(token.parent or token.id, by=token.subject)
        self._site.forms.forget(token.id)
        response = web.Response(status=303, headers={"Location": "/login"})
        if url:
            response = page_response(Page("Signed out · jupyter-govern", markup(LEAVING, url=url)))
        drop_cookie(response, request, session_cookie(request))
        return response
