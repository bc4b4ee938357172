"""What the API says when it says no: {"error": {"code", "message", "hint"}}. Knows no route and no service."""

from __future__ import annotations

from aiohttp import web

LOG_IN = "Log in with `jupyter govern login`, or on the gateway's /login page."


class ApiProblem(Exception):
    """A refusal with its HTTP status; the middleware answers with it as JSON or as a page."""

    def __init__(self, status: int, code: str, message: str, hint: str = "") -> None:
        self.status, self.code, self.message, self.hint = status, code, message, hint
        super().__init__(message)

    def as_json(self) -> web.Response:
        """The refusal for a program."""
        body = {"error": {"code": self.code, "message": self.message, "hint": self.hint}}
        headers = {"WWW-Authenticate": 'Bearer realm="jupyter-govern"'} if self.status == 401 else None
        return web.json_response(body, status=self.status, headers=headers)


def unauthorized(message: str = "this token is not valid, or no longer.") -> ApiProblem:
    """401."""
    return ApiProblem(401, "unauthorized", message, LOG_IN)


def forbidden(message: str, hint: str = "") -> ApiProblem:
    """403."""
    return ApiProblem(403, "forbidden", message, hint)


def not_found(what: str) -> ApiProblem:
    """404; said also of what exists and is not the caller's to see."""
    return ApiProblem(404, "not-found", f"there is no {what}, or it is not yours to see.")


def too_many(message: str, hint: str = "Wait a minute, then try again.") -> ApiProblem:
    """429."""
    return ApiProblem(429, "too-many-requests", message, hint)


def bad_request(message: str) -> ApiProblem:
    """400."""
    return ApiProblem(400, "bad-request", message)
