"""What all pages share: the services, the forms that are out, and how a page for a signed-in person is sent."""

from __future__ import annotations

from urllib.parse import quote

from aiohttp import web

from jupyter_govern_gateway.api.access import peer, visitor
from jupyter_govern_gateway.api.pages.browser import (
    drop_cookie,
    login_cookie,
    need_navigation,
    need_own_origin,
    own_page,
    session_cookie,
    set_cookie,
    signed_in_as,
)
from jupyter_govern_gateway.api.pages.browser import holder_of_form as _holder_of_form
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

    def need_page(self, request: web.Request) -> None:
        """As `need_navigation`, and what is refused is on record: a frame, a script, another site's page."""
        try:
            need_navigation(request)
        except ApiProblem as refused:
            self.record_refusal(request, refused.code)
            raise

    def leads_to(self, request: web.Request) -> str:
        """The page of ours to which the login in this request leads. A way out of here is not taken, and is on record."""
        wanted = request.query.get("next", "/")
        path = own_page(wanted)
        if path != wanted:
            self.record_refusal(request, f"a login that would lead elsewhere: {wanted[:200]}")
        return path

    def person(self, request: web.Request) -> Token:
        """Who looks at the page; raises a redirect to the login otherwise."""
        self.need_page(request)
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
        self.need_own_form(request)
        form = self.forms.redeem(body.get("form", ""), purpose)
        token = _holder_of_form(self.services, form.holder) if form is not None else None
        if form is None or token is None:
            self.record_refusal(request, "a form that is unknown, used or of another login")
            raise ApiProblem(
                403,
                "form-refused",
                "this form was used already, is too old, or was not made for this.",
                "Nothing happened. Open the page again.",
            )
        return form, token

    def sign_in(self, request: web.Request, login: Token, leads_to: str) -> web.Response:
        """A new cookie for a login at a provider, whatever the browser had before; what it had ends."""
        identity = self.services.identity
        before = signed_in_as(request, self.services)
        if before is not None:
            identity.revoke(before.id, by=login.subject, reason="a new login in the same browser")
        text, token = identity.issue(
            subject=login.subject, groups=login.groups, kind="browser", parent=login.id, address=peer(request)
        )  # fmt: skip
        response = web.Response(status=303, headers={"Location": leads_to})
        set_cookie(response, request, session_cookie(request), text, token.expires_at - self.services.clock())
        drop_cookie(response, request, login_cookie(request))
        return response

    def need_own_form(self, request: web.Request) -> None:
        """What a form of ours must come as; anything else is on record. Raises ApiProblem."""
        self.need_page(request)
        try:
            need_own_origin(request)
        except ApiProblem as refused:
            self.record_refusal(request, refused.code)
            raise

    def record_refusal(self, request: web.Request, why: str) -> None:
        """A request that somebody else may have made. Not more often than a rate, so that nobody fills the log."""
        if self.services.misuse.allows(visitor(request)):
            what = f"{request.method} {request.path}"[:200]
            self.services.recorder.log.write("token", event="refused", what=what, why=why, address=peer(request))

    def send(self, page: Page, token: Token, *, status: int = 200) -> web.Response:
        """A page for a signed-in person."""
        page.who = signed_in(token.subject, self.forms.issue("logout", holder=token.id, about=""))
        return page_response(page, status=status)

