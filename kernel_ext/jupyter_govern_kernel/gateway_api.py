"""The few calls a kernel makes to the gateway's HTTP API, and its failures in words for the person at the notebook.

Knows the shared client, nothing of where tokens come from and nothing of SQL.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from jupyter_govern.client import GatewayClient, GatewayProblem, GatewayUnreachable
from jupyter_govern_kernel.connection import Endpoint
from jupyter_govern_kernel.problems import GatewayNotRunning, NotLoggedIn, SpokenError

HOW_TO_START = (
    "Start it with `jupyter govern gateway govern.toml`, or let the notebook server do so "
    "(`c.GovernApp.gateway_config` in jupyter_server_config.py).",
    "Where it runs elsewhere, set $JUPYTER_GOVERN_URL or `c.GovernApp.gateway_url`.",
)


class GatewayRefused(SpokenError):
    """The gateway's API answered with an error of its own."""

    headline = "Gateway"


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where the gateway's API is; `ca_file` vouches for an https certificate of its own making."""

    url: str
    ca_file: str = ""


def me(address: Address, token: str) -> dict[str, Any]:
    """Whose token this is: {subject, groups, kind, expires_at}."""
    with _spoken():
        return _client(address, token).me()


def kernel_token(address: Address, token: str, kernel_id: str) -> dict[str, Any]:
    """A kernel's short-lived token for a longer-lived one."""
    with _spoken():
        return _client(address, token).kernel_token(kernel_id)


def targets(address: Address, token: str) -> list[dict[str, Any]]:
    """What may be reached, what is masked there, and where it is connected to."""
    with _spoken():
        return _client(address, token).targets()


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


def _client(address: Address, token: str) -> GatewayClient:
    return GatewayClient(address.url, token, ca_file=address.ca_file)


@contextmanager
def _spoken() -> Iterator[None]:
    """The client's problems as what a person reads in a cell."""
    try:
        yield
    except GatewayUnreachable as problem:
        raise GatewayNotRunning(str(problem), lines=HOW_TO_START) from None
    except GatewayProblem as problem:
        kind = NotLoggedIn if problem.status == 401 else GatewayRefused
        raise kind(problem.message, lines=(problem.hint,) if problem.hint else ()) from None
