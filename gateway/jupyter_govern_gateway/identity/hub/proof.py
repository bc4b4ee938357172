"""The identity provider's id_token against the Hub's word for who it is. Pure: time comes in.

The Hub answers 200 to a token long after the provider took the person's away, so its word alone is never enough: the proof must be
whole, young enough, and of the same person.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from jupyter_govern_gateway.identity.hub.presented import HubRefused

CLOCK_SKEW_SECONDS: Final = 30.0
LOG_IN_AGAIN: Final = "Open the Hub in the browser, log out and in again; the notebook server keeps running."


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """What a verified id_token says. Times are seconds since the epoch."""

    subject: str
    """The person's name at the gateway: the same that a login on the gateway's own page gives."""
    issuer: str
    groups: frozenset[str]
    attributes: tuple[tuple[str, str], ...]
    claims: Mapping[str, Any]
    issued_at: float
    expires_at: float


class IdTokenRefused(Exception):
    """An id_token was not accepted; `expired` where time is all that is wrong, `unchecked` where the provider's keys cannot be had."""

    def __init__(self, reason: str, *, expired: bool = False, unchecked: bool = False) -> None:
        self.reason, self.expired, self.unchecked = reason, expired, unchecked
        super().__init__(reason)


class IdTokens(Protocol):
    """Checks an id_token: signature, algorithm, issuer, audience, times, required claims."""

    async def verify(self, text: str) -> Proven:
        """Raises IdTokenRefused."""


def check_person(proven: Proven, *, hub_user: str, username_claim: str) -> None:
    """The claim that the Hub names people by must name this one; raises HubRefused."""
    said = proven.claims.get(username_claim)
    # the Hub lowers names by default (Authenticator.normalize_username)
    if not isinstance(said, str) or hub_user not in (said, said.lower()):
        raise HubRefused(
            "other-person",
            f"the identity provider's proof is not of the Hub's user '{hub_user}'.",
            f"identity.jupyterhub.username_claim ('{username_claim}') must be the claim that the Hub takes its names from.",
        )


def ends_at(proven: Proven, *, now: float, max_age: float) -> float:
    """Until when a login may stand on this proof; raises HubRefused where that is over."""
    until = min(proven.expires_at, proven.issued_at + max_age)
    if until <= now:
        raise log_in_again()
    if proven.issued_at > now + CLOCK_SKEW_SECONDS:
        raise HubRefused("proof-refused", "the identity provider's proof is from the future: a clock is wrong.")
    return until


def log_in_again() -> HubRefused:
    """The Hub still says yes, the proof does not."""
    return HubRefused("login-again", "the login at the Hub is too old: log in at the Hub again.", LOG_IN_AGAIN)
