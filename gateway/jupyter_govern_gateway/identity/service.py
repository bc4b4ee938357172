"""Identity as the rest of the gateway sees it, with local accounts behind it. OIDC will be another implementation.

Every login, issue and revocation is written to the gateway log before it counts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from jupyter_govern.errors import AuthenticationFailed
from jupyter_govern.model import TokenKind
from jupyter_govern_gateway.identity.accounts import LocalAccounts
from jupyter_govern_gateway.identity.backoff import Backoff
from jupyter_govern_gateway.identity.scram import ScramVerifiers
from jupyter_govern_gateway.identity.tokens import Token, TokenStore
from jupyter_govern_gateway.recorder.log import GatewayLog


class TooManyFailures(AuthenticationFailed):
    """Wrong passwords before this one: wait `seconds`."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        super().__init__(f"too many failed logins: try again in {max(1, round(seconds))} seconds")


class Identity(Protocol):
    """Proofs in, tokens out."""

    def check_password(self, subject: str, password: str, address: str) -> frozenset[str]: ...
    def issue(
        self,
        *,
        subject: str,
        groups: frozenset[str],
        kind: TokenKind,
        kernel_id: str = "",
        server: str = "",
        parent: str = "",
        address: str = "",
    ) -> tuple[str, Token]: ...
    def authenticate_bearer(self, text: str) -> Token: ...
    def authenticate_password(self, subject: str, token: str) -> Token: ...
    def scram_verifiers(self, subject: str) -> ScramVerifiers: ...
    def token_actor(self, token_id: str) -> Token: ...
    def revoke(self, token_id: str, *, by: str) -> None: ...
    def live_groups(self, subject: str) -> frozenset[str]: ...


class LocalIdentity:
    """Local accounts. Groups are read anew at every use of a token, so that losing a group counts at once."""

    def __init__(self, *, accounts: Path, state_dir: Path, secret: bytes, log: GatewayLog, clock: Callable[[], float]) -> None:
        self._accounts = LocalAccounts(accounts)
        self._tokens = TokenStore(state_dir / "tokens.json", secret=secret, clock=clock)
        self._log, self._backoff = log, Backoff(clock)

    def check_password(self, subject: str, password: str, address: str) -> frozenset[str]:
        """The person's groups. Raises AuthenticationFailed or TooManyFailures. Slow on purpose: call it in a thread."""
        keys = (f"name:{subject}", f"address:{address}")
        if (seconds := self._backoff.wait(*keys)) > 0:
            self._log.write("login", event="held off", subject=subject, address=address)
            raise TooManyFailures(seconds)
        groups = self._accounts.check(subject, password)
        if groups is None:
            self._backoff.failed(*keys)
            self._log.write("login", event="failed", subject=subject, address=address)
            raise AuthenticationFailed("the name or the password is wrong")
        self._backoff.succeeded(*keys)
        self._log.write("login", event="succeeded", subject=subject, address=address)
        return groups

    def issue(
        self,
        *,
        subject: str,
        groups: frozenset[str],
        kind: TokenKind,
        kernel_id: str = "",
        server: str = "",
        parent: str = "",
        address: str = "",
    ) -> tuple[str, Token]:
        text, token = self._tokens.issue(
            subject=subject, groups=groups, kind=kind, kernel_id=kernel_id, server=server, parent=parent
        )
        self._log.write(
            "token",
            event="issued",
            token=token.id,
            token_kind=kind,
            subject=subject,
            kernel_id=kernel_id,
            server=server,
            parent=parent,
            address=address,
        )
        return text, token

    def authenticate_bearer(self, text: str) -> Token:
        return self._current(self._tokens.authenticate_bearer(text))

    def authenticate_password(self, subject: str, token: str) -> Token:
        """A token sent as a password: it must be this person's, and of a kind that may connect."""
        found = self.authenticate_bearer(token)
        if found.subject != subject or found.kind not in ("person", "kernel"):
            raise AuthenticationFailed("the token is unknown, expired or revoked")
        return found

    def scram_verifiers(self, subject: str) -> ScramVerifiers:
        return self._tokens.scram_verifiers(subject)

    def token_actor(self, token_id: str) -> Token:
        """The living token of this id. Raises AuthenticationFailed."""
        token = self._tokens.living(token_id)
        if token is None:
            raise AuthenticationFailed("the token is unknown, expired or revoked")
        return self._current(token)

    def revoke(self, token_id: str, *, by: str) -> None:
        self._tokens.revoke(token_id)
        self._log.write("token", event="revoked", token=token_id, by=by)

    def live_groups(self, subject: str) -> frozenset[str]:
        """Raises AuthenticationFailed where the person is gone."""
        groups = self._accounts.groups(subject)
        if groups is None:
            raise AuthenticationFailed("the account is gone")
        return groups

    def _current(self, token: Token) -> Token:
        groups, claims = self.live_groups(token.subject), self._accounts.attributes(token.subject)
        return token if groups == token.groups and claims == token.claims else replace(token, groups=groups, claims=claims)
