"""What all pages share: the services, the forms that are out, and how a page for a signed-in person is sent."""

from __future__ import annotations

from urllib.parse import quote

from aiohttp import web

from jupyter_govern_gateway.api.pages.browser import holder_of_form as _holder_of_form
from jupyter_govern_gateway.api.pages.browser import need_navigation, need_own_origin, signed_in_as
from jupyter_govern_gateway.api.pages.forms import Form, Forms
from jupyter_govern_gateway.api.pages.layout import Page, page_response, signed_in
from jupyter_govern_gateway.api.pages.markup import Safe, markup
from jupyter_govern_gateway.api.problems import ApiProblem
from jupyter_govern_gateway.api.services import ApiServices
from jupyter_govern_gateway.identity.tokens import Token


class Site:
    """Pages of one gateway."""

    def __init__(self, services: ApiServices) -> None:
        self.services = services
        self.forms = Forms(services.clock)

    def person(self, request: web.Request) -> Token:
        """Who looks at the page; raises a redirect to the login otherwise."""
        need_navigation(request)
        token = signed_in_as(request, self.services)
        if token is None:
            raise web.HTTPSeeOther(f"/login?next={quote(request.path_qs, safe='')}")
        return token

    def hidden_form(self, purpose: str, token: Token, about: str) -> Safe:
        """The one-time token as a hidden field."""
        value = self.forms.issue(purpose, holder=token.id, about=about)
        return markup('<input type="hidden" name="form" value="{value}">', value=value)

    def redeem(self, request: web.Request, body: dict[str, str], purpose: str) -> tuple[Form, Token]:
        """The form that authorises this POST and whose it is. Neither cookie nor Origin counts for anything here: neither arrives."""
        need_navigation(request)
        need_own_origin(request)
        form = self.forms.redeem(body.get("form", ""), purpose)
        token = _holder_of_form(self.services, form.holder) if form is not None else None
        if form is None or token is None:
            raise ApiProblem(
                403,
                "form-refused",
                "this form was used already, is too old, or was not made for this.",
                "Nothing happened. Open the page again.",
            )
        return form, token

    def send(self, page: Page, token: Token, *, status: int = 200) -> web.Response:
        """A page for a signed-in person."""
        page.who = signed_in(token.subject, self.forms.issue("logout", holder=token.id, about=""))
        return page_response(page, status=status)

