"""What the ways to an identity provider and back have in common, whatever language it speaks."""

from __future__ import annotations

from collections.abc import Callable, Container

from aiohttp import web

from jupyter_govern_gateway.api.access import visitor
from jupyter_govern_gateway.api.bounds import BROWSER_LOGINS_PER_MINUTE
from jupyter_govern_gateway.api.pages.browser import login_cookie, set_cookie
from jupyter_govern_gateway.api.problems import ApiProblem, not_found, too_many
from jupyter_govern_gateway.api.rates import Rate

PROVIDER = "{provider:[a-z][a-z0-9_-]{0,62}}"
"""The part of a path that names one."""


def provider_of(request: web.Request, known: Container[str]) -> str:
    """The provider that the path names; raises ApiProblem where there is none."""
    name = request.match_info["provider"]
    if name not in known:
        raise not_found(f"identity provider '{name}'")
    return name


class LoginRates:
    """How many logins an address may begin, and how many answers it may bring, in a minute."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._begun, self._ended = Rate(BROWSER_LOGINS_PER_MINUTE, clock), Rate(BROWSER_LOGINS_PER_MINUTE, clock)

    def begin(self, request: web.Request) -> None:
        """Raises ApiProblem."""
        if not self._begun.allows(visitor(request)):
            raise too_many("too many logins from this address.")

    def end(self, request: web.Request, what: str = "login") -> None:
        """Raises ApiProblem; each kind of answer counts by itself."""
        if not self._ended.allows(f"{what} {visitor(request)}"):
            raise too_many(f"too many {what}s from this address.")


def leave(request: web.Request, url: str, nonce: str, seconds: float) -> web.Response:
    """To the provider, with the cookie that ties its answer to this browser for so long."""
    response = web.Response(status=303, headers={"Location": url})
    set_cookie(response, request, login_cookie(request), nonce, seconds)
    return response


def login_refused(why: Exception, detail: str, *, status: int = 403) -> ApiProblem:
    """A page that says why nobody is logged in; what the log says besides stays there."""
    hint = f"{detail}. " if detail else ""
    return ApiProblem(status, "login-refused", str(why), f"{hint}Nobody was signed in. Start again at /login.")
