"""What holds for every request and every answer: known host name, strict headers, errors in one shape, no surprises.

Knows no route but the prefix /api/ (errors as JSON there, as a page elsewhere) and no service.
"""

from __future__ import annotations

import ipaddress
import logging
from http import HTTPStatus

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from jupyter_govern.errors import GovernError
from jupyter_govern_gateway.api.bounds import MAX_BODY
from jupyter_govern_gateway.api.pages.browser import is_secure
from jupyter_govern_gateway.api.pages.layout import page_response, problem_page
from jupyter_govern_gateway.api.problems import ApiProblem

log = logging.getLogger(__name__)

STRICT_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
NOTHING_MAY_RUN = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; sandbox"
"""The Content-Security-Policy of what is no page."""


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """A signal handler, so that no kind of answer gets past it, streams and errors included."""
    for name, value in STRICT_HEADERS.items():
        response.headers[name] = value
    response.headers.setdefault("Content-Security-Policy", NOTHING_MAY_RUN)
    if is_secure(request):
        response.headers["Strict-Transport-Security"] = "max-age=31536000"
    response.headers["Server"] = "jupyter-govern"


def host_check(names: frozenset[str]) -> Middleware:
    """A middleware that answers only under the names of this gateway: a stranger's name that was rebound to our address
    would otherwise make a stranger's page our own origin."""

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not is_known_host(request.headers.get("Host", ""), names):
            problem = ApiProblem(421, "wrong-host", "this gateway does not go by that name.", "Use the address it was configured with.")
            return problem.as_json()
        return await handler(request)

    return check


def is_known_host(host: str, names: frozenset[str]) -> bool:
    """Whether a Host header names this gateway, whatever the port."""
    name = host.strip().lower()
    if name.startswith("["):
        name, bracket, rest = name[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            return False
    else:
        name = name.partition(":")[0]
    if name in names or name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


@web.middleware
async def speak_plainly(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every error in our own shape; the text of a bug stays in the log."""
    try:
        return await handler(request)
    except ApiProblem as problem:
        return _answer(request, problem)
    except web.HTTPRequestEntityTooLarge:
        return _answer(request, ApiProblem(413, "too-large", f"the body is larger than {MAX_BODY} bytes."))
    except web.HTTPException as problem:
        if problem.status < 400:
            raise
        phrase = HTTPStatus(problem.status).phrase
        answer = _answer(
            request,
            ApiProblem(problem.status, phrase.lower().replace(" ", "-"), f"{phrase.lower()}: {request.method} {request.path[:200]}"),
        )
        if "Allow" in problem.headers:
            answer.headers["Allow"] = problem.headers["Allow"]
        return answer
    except GovernError as problem:
        log.warning("%s %s: %s", request.method, request.path, problem)
        return _answer(request, ApiProblem(503, "unavailable", str(problem)))
    except Exception:  # the boundary where a bug becomes an answer
        log.exception("a bug while answering %s %s", request.method, request.path)
        return _answer(request, ApiProblem(500, "internal-error", "the gateway failed at this; its log says why."))


def _answer(request: web.Request, problem: ApiProblem) -> web.Response:
    if request.path.startswith("/api/") or request.path in {"/healthz", "/metrics"}:
        return problem.as_json()
    return page_response(problem_page(problem.message, problem.hint), status=problem.status)
