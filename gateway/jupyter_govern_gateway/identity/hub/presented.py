"""What the Hub says of a presented token, and whether that makes it the token of one notebook server. Pure: no I/O, no clock.

A notebook server's token has no session behind it, opens exactly that server, and administers nothing. A person's browser token, a personal
API token with wide powers, a service's and an administrator's are not that, and get nothing here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

MAX_NAME: Final = 255
MAX_SCOPES: Final = 500
OPENS_SERVER: Final = "access:servers!server="
ADMINISTERS: Final = ("admin:", "admin-ui", "inherit", "proxy", "shutdown", "tokens", "read:tokens", "servers", "users", "groups", "list:")
"""Scopes that begin so and are not held down to one person by a filter are an administrator's or a service's."""


class HubRefused(Exception):
    """A hub token gets nothing. `code` is for programs and the record, the message and hint for the person at the notebook."""

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        self.code, self.message, self.hint = code, message, hint
        super().__init__(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Presented:
    """The Hub's answer to `whose token is this`."""

    user: str
    kind: str
    token_id: str
    has_session: bool
    scopes: frozenset[str]


def read_presented(said: dict[str, Any]) -> Presented:
    """GET /hub/api/user as a Presented; raises HubRefused for what this version cannot read."""
    scopes = said.get("scopes")
    if (
        not isinstance(said.get("name"), str)
        or not isinstance(said.get("token_id"), str)
        or not isinstance(scopes, list)
        or len(scopes) > MAX_SCOPES
        or "session_id" not in said
    ):
        # JupyterHub before 5 does not say token_id: without it nothing could be bound to the token
        raise HubRefused("hub-unreadable", "the Hub's answer about this token cannot be read.", "The gateway needs JupyterHub 5 or later.")
    return Presented(
        user=said["name"][:MAX_NAME],
        kind=str(said.get("kind")),
        token_id=said["token_id"][:MAX_NAME],
        has_session=said["session_id"] is not None,
        scopes=frozenset(str(scope) for scope in scopes),
    )


def server_of(presented: Presented, service: str) -> str:
    """The name of the one server that the token is of ("" is a person's default server); raises HubRefused."""
    if presented.kind != "user" or presented.has_session or any(_administers(scope) for scope in presented.scopes):
        raise HubRefused(
            "not-a-server-token",
            "this hub token is not a notebook server's.",
            "The gateway takes only what JupyterHub gives a server as $JUPYTERHUB_API_TOKEN; people log in on the gateway's own page.",
        )
    if not presented.scopes & {f"access:services!service={service}", "access:services"}:
        raise HubRefused(
            "not-for-the-gateway",
            f"the Hub does not let {presented.user} use the service '{service}'.",
            f"The scope access:services!service={service} is missing: in the user's role, or in c.Spawner.server_token_scopes.",
        )
    opened = [scope.removeprefix(OPENS_SERVER) for scope in presented.scopes if scope.startswith("access:servers")]
    owner, slash, server = opened[0].partition("/") if len(opened) == 1 else ("", "", "")
    if not slash or owner != presented.user:
        raise HubRefused(
            "not-a-server-token",
            "this hub token does not belong to exactly one notebook server of its owner.",
            "c.Spawner.server_token_scopes must hold access:servers!server and no wider access:servers.",
        )
    return server


def _administers(scope: str) -> bool:
    """Whether a scope reaches past its owner: it has no filter, and is of a kind that rules over others."""
    return "!" not in scope and scope.startswith(ADMINISTERS)
