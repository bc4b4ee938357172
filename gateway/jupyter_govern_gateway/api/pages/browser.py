"""The browser's side of a login: its cookie, and what a request for a page must look like.

Sec-Fetch-* headers are the browser's own word on how a request came about; scripts cannot set them. Browsers send them to
https and to this machine only, so the pages work only there.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from urllib.parse import urlsplit

from aiohttp import web

from jupyter_govern.errors import AuthenticationFailed
from jupyter_govern_gateway.api.problems import ApiProblem
from jupyter_govern_gateway.api.services import ApiServices
from jupyter_govern_gateway.identity.tokens import Token

MAX_COOKIE = 256
NEXT = re.compile(r"/(?:approvals/\d{1,15}|device(?:\?user_code=[A-Za-z-]{1,16})?)?")
"""Where a login may lead: our own pages, by their exact shape."""
NONCE = re.compile(r"[A-Za-z0-9_-]{43}")
SECURE: web.AppKey[bool] = web.AppKey("browsers come by https, whatever we listen with", bool)


def is_secure(request: web.Request) -> bool:
    """Whether browsers come by https, to us or to the proxy before us."""
    return request.secure or request.app.get(SECURE, False)


def session_cookie(request: web.Request) -> str:
    """Its name: over https with the prefix that ties a cookie to this host alone."""
    return "__Host-govern" if is_secure(request) else "govern"


def login_cookie(request: web.Request) -> str:
    """The name of the cookie that ties a login form to the browser that fetched it."""
    return "__Host-govern-login" if is_secure(request) else "govern-login"


def login_nonce(request: web.Request) -> str:
    """What that cookie holds, or something new to put there."""
    nonce = request.cookies.get(login_cookie(request), "")
    return nonce if NONCE.fullmatch(nonce) else secrets.token_urlsafe(32)


def holder_of(nonce: str) -> str:
    """How a login that is under way knows its browser again."""
    return hashlib.sha256(nonce.encode("utf-8", "replace")).hexdigest()


def own_page(path: str) -> str:
    """The path, where it is one of our pages; else the first of them."""
    return path if NEXT.fullmatch(path) else "/"


def set_cookie(response: web.Response, request: web.Request, name: str, value: str, seconds: float) -> None:
    """HttpOnly, SameSite=Lax, host-only, for the whole site."""
    response.set_cookie(name, value, max_age=int(seconds), path="/", httponly=True, samesite="Lax", secure=is_secure(request))


def drop_cookie(response: web.Response, request: web.Request, name: str) -> None:
    """Have the browser forget it."""
    set_cookie(response, request, name, "", 0)


def need_navigation(request: web.Request) -> None:
    """A page is for a window that a person looks at: not for fetch(), not for a frame. Raises ApiProblem."""
    if request.headers.get("Sec-Fetch-Mode") != "navigate" or request.headers.get("Sec-Fetch-Dest") != "document":
        raise ApiProblem(
            403,
            "not-a-navigation",
            "this page opens only as a page of its own in a browser.",
            "Open it in a current browser, by https or on this machine. Programs use the API: `jupyter govern approvals`.",
        )


def need_own_origin(request: web.Request) -> None:
    """A form of ours comes from a sandboxed page, so its Origin is null; any other name is somebody else's page."""
    origin = request.headers.get("Origin", "null")
    if origin != "null" and urlsplit(origin).netloc != request.host:
        raise ApiProblem(403, "wrong-origin", "this form was sent by another site.")


def signed_in_as(request: web.Request, services: ApiServices) -> Token | None:
    """The browser token in the cookie; None without a living one. A token of any other kind does not count."""
    text = request.cookies.get(session_cookie(request), "")
    if not text or len(text) > MAX_COOKIE:
        return None
    try:
        token = services.identity.authenticate_bearer(text)
    except AuthenticationFailed:
        return None
    return token if token.kind == "browser" else None


def holder_of_form(services: ApiServices, holder: str) -> Token | None:
    """The browser token whose session a form was made for, with live groups; None if it has ended."""
    try:
        token = services.identity.token_actor(holder)
    except AuthenticationFailed:
        return None
    return token if token.kind == "browser" else None
