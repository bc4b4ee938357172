"""/login, /login/finish: passwords of local accounts; the ways to identity providers start here too (oidc.py, saml.py).

The login form is sandboxed like every page, so no cookie comes with its POST. What keeps a stranger's page from logging a
browser in as somebody else is the second step: the POST gives a ticket that works for a minute, once, and only together
with the cookie of the browser that fetched the form. It arrives with the redirect, which is a plain top-level GET.
"""

from __future__ import annotations

import secrets
from urllib.parse import quote

from aiohttp import web

from jupyter_govern.errors import AuthenticationFailed
from jupyter_govern_gateway.api.access import peer
from jupyter_govern_gateway.api.bodies import read_form
from jupyter_govern_gateway.api.bounds import FORM_SECONDS, LOGIN_TICKET_SECONDS
from jupyter_govern_gateway.api.login import NAME, PASSWORD, Passwords
from jupyter_govern_gateway.api.pages.browser import (
    drop_cookie,
    holder_of,
    login_cookie,
    login_nonce,
    session_cookie,
    set_cookie,
    signed_in_as,
)
from jupyter_govern_gateway.api.pages.forms import Forms
from jupyter_govern_gateway.api.pages.layout import Page, page_response
from jupyter_govern_gateway.api.pages.markup import Safe, joined, markup
from jupyter_govern_gateway.api.pages.providers import LoginRates
from jupyter_govern_gateway.api.pages.site import Site
from jupyter_govern_gateway.api.problems import ApiProblem

PAGE = """<div class="narrow"><div class="card"><h1>Sign in</h1><p class="soft">{purpose}</p>{problem}{providers}{form}</div></div>"""
FORM = """<form method="post" action="/login"><input type="hidden" name="form" value="{form}">
<label for="username">Name</label>
<input type="text" id="username" name="username" value="{username}" autocomplete="username"
 autocapitalize="none" spellcheck="false" required {focus_name}>
<label for="password">Password</label>
<input type="password" id="password" name="password" autocomplete="current-password" required {focus_password}>
<div class="actions"><button>Sign in</button></div></form>"""
PROVIDER = """<p><a class="button" href="/login/{kind}/{name}?next={leads_to}">Sign in with {label}</a></p>"""
OR = """<p class="soft small">or with an account of this gateway:</p>"""


class LoginPages:
    """The gateway's own browser login."""

    def __init__(self, site: Site, passwords: Passwords) -> None:
        self._site, self._passwords = site, passwords
        # apart from the other forms: strangers can make these, and must not push out anybody's decision
        self._forms = Forms(site.services.clock)
        self._rates = LoginRates(site.services.clock)

    def routes(self) -> list[web.RouteDef]:
        """Paths and handlers."""
        return [
            web.get("/login", self.show, allow_head=False),
            web.post("/login", self.check),
            web.get("/login/finish", self.finish, allow_head=False),
        ]

    async def show(self, request: web.Request) -> web.Response:
        """The form, and the cookie of this browser's login."""
        self._site.need_page(request)
        leads_to = self._site.leads_to(request)
        if signed_in_as(request, self._site.services) is not None:
            raise web.HTTPSeeOther(leads_to)
        self._rates.begin(request)
        nonce = login_nonce(request)
        response = self._form(holder_of(nonce), leads_to)
        set_cookie(response, request, login_cookie(request), nonce, FORM_SECONDS)
        return response

    async def check(self, request: web.Request) -> web.Response:
        """Check the password; the browser itself is logged in by the next step."""
        self._site.need_own_form(request)
        if not self._site.services.identity.has_local_accounts:
            raise ApiProblem(404, "not-found", "this gateway has no accounts of its own.", "Sign in with an identity provider.")
        body = await read_form(request)
        form = self._forms.redeem(body.get("form", ""), "login")
        if form is None:
            self._site.record_refusal(request, "a sign-in form that is unknown or used")
            raise ApiProblem(403, "form-refused", "this sign-in form was used already, or is too old.", "Open the page again.")
        username, password = body.get("username", ""), body.get("password", "")
        if not (NAME.shortest <= len(username) <= NAME.longest and PASSWORD.shortest <= len(password) <= PASSWORD.longest):
            return self._form(form.holder, form.about, problem="Type your name and your password.", status=400)
        try:
            await self._passwords.check(username, password, peer(request))
        except ApiProblem as refused:
            message = refused.message[:1].upper() + refused.message[1:]
            return self._form(form.holder, form.about, problem=message, username=username, status=refused.status)
        ticket = self._forms.issue("ticket", holder=form.holder, about=f"{form.about}\n{username}", seconds=LOGIN_TICKET_SECONDS)
        raise web.HTTPSeeOther(f"/login/finish?ticket={ticket}")

    async def finish(self, request: web.Request) -> web.Response:
        """The ticket and the cookie of the browser that fetched the form: only together are they a login."""
        self._site.need_page(request)
        ticket = self._forms.redeem(request.query.get("ticket", ""), "ticket")
        nonce = request.cookies.get(login_cookie(request), "")
        if ticket is None or not secrets.compare_digest(ticket.holder, holder_of(nonce)):
            self._site.record_refusal(request, "a sign-in that was not begun in this browser, or an old one")
            raise ApiProblem(403, "login-refused", "this sign-in was not begun in this browser, or is too old.", "Sign in again.")
        leads_to, _, subject = ticket.about.partition("\n")
        identity = self._site.services.identity
        try:
            groups = identity.live_groups(subject)
        except AuthenticationFailed:
            raise ApiProblem(403, "login-refused", "this account is gone.") from None
        text, token = identity.issue(subject=subject, groups=groups, kind="browser", address=peer(request))
        response = web.Response(status=303, headers={"Location": leads_to})
        set_cookie(response, request, session_cookie(request), text, token.expires_at - self._site.services.clock())
        drop_cookie(response, request, login_cookie(request))
        return response

    def _form(self, holder: str, leads_to: str, *, problem: str = "", username: str = "", status: int = 200) -> web.Response:
        purpose = "to look at an approval" if leads_to.startswith("/approvals") else "to the gateway"
        if leads_to.startswith("/device"):
            purpose = "to confirm a login elsewhere"
        body = markup(
            PAGE,
            purpose=purpose,
            problem=markup('<p class="note error" role="alert">{problem}</p>', problem=problem) if problem else Safe(""),
            providers=self._providers(leads_to),
            form=self._passwords_form(holder, leads_to, username) if self._site.services.identity.has_local_accounts else Safe(""),
        )
        return page_response(Page("Sign in · jupyter-govern", body), status=status)

    def _providers(self, leads_to: str) -> Safe:
        services = self._site.services
        ways = [("oidc", way) for way in (services.oidc.labels() if services.oidc is not None else [])]
        ways += [("saml", way) for way in (services.saml.labels() if services.saml is not None else [])]
        if not ways:
            return Safe("")
        leads = quote(leads_to, safe="")
        links = joined(markup(PROVIDER, kind=kind, name=name, label=label, leads_to=leads) for kind, (name, label) in ways)
        return joined([links, Safe(OR)]) if services.identity.has_local_accounts else links

    def _passwords_form(self, holder: str, leads_to: str, username: str) -> Safe:
        return markup(
            FORM,
            form=self._forms.issue("login", holder=holder, about=leads_to),
            username=username,
            focus_name="" if username else "autofocus",
            focus_password="autofocus" if username else "",
        )
