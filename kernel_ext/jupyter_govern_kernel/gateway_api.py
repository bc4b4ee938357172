"""The few calls a kernel makes to the gateway's HTTP API, and its failures in words for the person.

Knows the API's paths, nothing of where tokens come from and nothing of SQL.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlsplit

from jupyter_govern_kernel.connection import Endpoint
from jupyter_govern_kernel.problems import GatewayNotRunning, NotLoggedIn, SpokenError

SECONDS = 15.0
MAX_ANSWER = 16 * 1024 * 1024

HOW_TO_START = (
    "Start it with `jupyter govern gateway govern.toml`, or let the notebook server do so "
    "(`c.GovernApp.gateway_config` in jupyter_server_config.py).",
    "Where it runs elsewhere, set $JUPYTER_GOVERN_URL or `c.GovernApp.gateway_url`.",
)


class GatewayRefused(SpokenError):
    """The gateway's API answered with an error of its own."""

    headline = "Gateway"


def me(url: str, token: str) -> dict[str, Any]:
    """Whose token this is: {subject, groups, kind, expires_at}."""
    return _object(_ask(url, token, "me"))


def kernel_token(url: str, token: str, kernel_id: str) -> dict[str, Any]:
    """A kernel's short-lived token for a longer-lived one."""
    return _object(_ask(url, token, "tokens", {"kernel_id": kernel_id, "server": ""}))


def targets(url: str, token: str) -> list[dict[str, Any]]:
    """What may be reached, what is masked there, and where it is connected to."""
    answer = _ask(url, token, "targets")
    if isinstance(answer, dict):
        answer = answer.get("targets")
    if not isinstance(answer, list):
        raise GatewayRefused("the gateway's list of targets could not be read.")
    return answer


def endpoint(connect: dict[str, Any]) -> Endpoint:
    """`connect` of a target as an Endpoint."""
    return Endpoint(
        host=str(connect["host"]),
        port=int(connect["port"]),
        dbname=str(connect["dbname"]),
        user=str(connect["user"]),
        sslmode=str(connect.get("sslmode") or "verify-full"),
        ca_file=str(connect.get("ca_file") or ""),
    )


def _ask(url: str, token: str, path: str, body: dict[str, Any] | None = None) -> Any:
    if urlsplit(url).scheme not in {"http", "https"}:
        raise GatewayNotRunning(f"{url!r} is not a gateway's address.", lines=HOW_TO_START)
    request = urllib.request.Request(  # noqa: S310 (the scheme was just checked)
        f"{url.rstrip('/')}/api/v1/{path}",
        None if body is None else json.dumps(body).encode(),
        {"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310
            return json.loads(answer.read(MAX_ANSWER))
    except urllib.error.HTTPError as problem:
        raise _refusal(problem) from None
    except OSError as problem:
        reason = getattr(problem, "reason", problem)
        raise GatewayNotRunning(f"nothing answers properly at {url} ({reason}).", lines=HOW_TO_START) from None
    except ValueError:
        raise GatewayRefused(f"what {url} answered could not be read.") from None


def _refusal(problem: urllib.error.HTTPError) -> SpokenError:
    with problem:
        try:
            error = json.loads(problem.read(MAX_ANSWER))["error"]
            message, hint = str(error["message"]), str(error.get("hint") or "")
        except (OSError, ValueError, KeyError, TypeError):
            message, hint = f"HTTP {problem.code}", ""
    kind = NotLoggedIn if problem.code == 401 else GatewayRefused
    return kind(message, lines=(hint,) if hint else ())


def _object(answer: Any) -> dict[str, Any]:
    if not isinstance(answer, dict):
        raise GatewayRefused("the gateway's answer could not be read.")
    return answer
