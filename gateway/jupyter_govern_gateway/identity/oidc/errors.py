"""Why a token or a provider is not believed: a closed set, so that the log says which, and strangers are told no more."""

from __future__ import annotations

from typing import Literal

from jupyter_govern.errors import AuthenticationFailed, GovernError

Refusal = Literal[
    "malformed",
    "algorithm",
    "unknown-key",
    "signature",
    "issuer",
    "audience",
    "authorized-party",
    "expired",
    "not-yet-valid",
    "issued-in-future",
    "nonce",
    "access-token-hash",
    "missing-claim",
    "required-claim",
    "subject",
    "groups",
    "attributes",
    "replayed",
    "no-rule",
    "ambiguous",
]


class TokenRefused(AuthenticationFailed):
    """A token of an identity provider is not believed. `why` is for the log and for the person; it quotes no token."""

    def __init__(self, why: Refusal, detail: str) -> None:
        self.why, self.detail = why, detail
        super().__init__(f"the identity provider's token is refused ({why}): {detail}")


class ProviderUnavailable(GovernError):
    """The identity provider does not answer, or answers something that cannot be used."""
