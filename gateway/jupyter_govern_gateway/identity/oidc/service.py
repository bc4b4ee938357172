"""Logins at providers, from the first redirect to the end: what a browser begins becomes a `login` token of ours, to which
everything that comes of it is tied; the provider is asked again before max_age_seconds are over, and its no ends it all.

Every outcome is in the gateway log. Knows no HTTP of ours.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from jupyter_govern.errors import AuthenticationFailed, RecordingFailed
from jupyter_govern_gateway.identity.oidc.errors import ProviderUnavailable, TokenRefused
from jupyter_govern_gateway.identity.oidc.flow import ERRORS, Flow, Granted, GrantRefused
from jupyter_govern_gateway.identity.oidc.logins import Login, Logins
from jupyter_govern_gateway.identity.oidc.pending import Pending, Pendings
from jupyter_govern_gateway.identity.oidc.verify import Identity as Verified
from jupyter_govern_gateway.identity.service import Identity
from jupyter_govern_gateway.identity.tokens import LIFETIME, Token
from jupyter_govern_gateway.recorder.log import GatewayLog

Why = Literal["state", "browser", "issuer", "denied", "provider", "code", "token", "name", "unavailable"]
SAYS: Final[Mapping[Why, str]] = {
    "state": "this login was not begun here, was used already, or took longer than ten minutes.",
    "browser": "this login was begun in another browser.",
    "issuer": "the answer came from another identity provider than the one that was asked.",
    "denied": "the identity provider says that the login was refused or cancelled there.",
    "provider": "the identity provider answered with an error.",
    "code": "the identity provider did not take its own code again.",
    "token": "what the identity provider says of you is not accepted here.",
    "name": "the name that the identity provider gives you belongs to somebody else here.",
    "unavailable": "the identity provider cannot be asked right now.",
}


class LoginRefused(AuthenticationFailed):
    """A login that came to nothing, on record already. `detail` is for the log and the person; it quotes no secret."""

    def __init__(self, why: Why, detail: str = "") -> None:
        self.why, self.detail = why, detail
        super().__init__(SAYS[why])


@dataclass(frozen=True, slots=True, kw_only=True)
class Returned:
    """What the browser brought back, as it is: nothing of it is believed yet."""

    provider: str
    state: str
    holder: str
    address: str
    code: str = ""
    error: str = ""
    issuer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedIn:
    """token: the `login` token. leads_to: our own page that was wanted."""

    token: Token
    leads_to: str


class OidcLogins:
    """flows: by the providers' names."""

    def __init__(
        self, *, flows: Mapping[str, Flow], logins: Logins, identity: Identity, log: GatewayLog, clock: Callable[[], float]
    ) -> None:
        self.flows, self.logins, self.identity, self.log, self.clock = flows, logins, identity, log, clock
        self._pending = Pendings(clock)

    def labels(self) -> list[tuple[str, str]]:
        """Name and label of each provider, as configured."""
        return [(name, flow.config.label or name) for name, flow in self.flows.items()]

    async def begin(self, provider: str, *, holder: str, leads_to: str, redirect_uri: str, address: str) -> str:
        """Where the browser goes. Raises LoginRefused."""
        try:
            asked = await self.flows[provider].ask(redirect_uri)
        except ProviderUnavailable as problem:
            raise self._refused(provider, address, "unavailable", str(problem)) from None
        pending = Pending(
            provider=provider,
            holder=holder,
            nonce=asked.nonce,
            code_verifier=asked.code_verifier,
            redirect_uri=redirect_uri,
            leads_to=leads_to,
            expires_at=self._pending.expires_at(),
        )
        self._pending.put(asked.state, pending)
        return asked.url

    async def finish(self, came: Returned) -> LoggedIn:
        """The login that this answer makes. Raises LoginRefused; the state is used up either way."""
        pending = self._pending.take(came.state)
        if pending is None or pending.provider != came.provider:
            raise self._refused(came.provider, came.address, "state")
        if not hmac.compare_digest(pending.holder, came.holder):
            raise self._refused(came.provider, came.address, "browser")
        flow = self.flows[came.provider]
        try:
            await self._check_issuer(flow, came)
            granted, verified = await self._verified(flow, pending, came)
        except GrantRefused:
            raise self._refused(came.provider, came.address, "code") from None
        except TokenRefused as refused:
            raise self._refused(came.provider, came.address, "token", f"{refused.why}: {refused.detail}") from None
        except ProviderUnavailable as problem:
            raise self._refused(came.provider, came.address, "unavailable", str(problem)) from None
        return LoggedIn(token=self._keep(flow, granted, verified, came.address), leads_to=pending.leads_to)

    async def _check_issuer(self, flow: Flow, came: Returned) -> None:
        """Mix-up defence (RFC 9207): a provider that names itself in its answers must do so in each; then its errors."""
        metadata = await flow.verifier.issuer.discovery.get()
        if (came.issuer or metadata.says_issuer) and came.issuer != metadata.issuer:
            raise self._refused(came.provider, came.address, "issuer")
        if came.error:
            code = came.error if came.error in ERRORS else "unknown"
            raise self._refused(came.provider, came.address, "denied" if code == "access_denied" else "provider", code)

    async def _verified(self, flow: Flow, pending: Pending, came: Returned) -> tuple[Granted, Verified]:
        granted = await flow.redeem(came.code, pending.code_verifier, pending.redirect_uri)
        if not granted.id_token:
            raise TokenRefused("missing-claim", "the provider sent no ID token: is the scope openid allowed for this client?")
        more = await flow.userinfo(granted.access_token)
        verified = await flow.verifier.verify(granted.id_token, nonce=pending.nonce, access_token=granted.access_token, more=more)
        return granted, verified

    def _keep(self, flow: Flow, granted: Granted, verified: Verified, address: str) -> Token:
        """The person is known from now on, and the login is a token of ours that nobody holds."""
        try:
            self.identity.people.remember(
                verified.subject,
                source=verified.issuer,
                groups=verified.groups,
                attributes=verified.attributes,
                issuer_subject=verified.issuer_subject,
            )
        except AuthenticationFailed as taken:
            raise self._refused(verified.provider, address, "name", str(taken)) from None
        self.log.write(
            "login",
            event="succeeded",
            subject=verified.subject,
            address=address,
            provider=verified.provider,
            issuer=verified.issuer,
            issuer_subject=verified.issuer_subject,
            groups=sorted(verified.groups),
            auth_time=verified.auth_time,
        )
        return self._login(flow, granted, verified, address)

    def _login(self, flow: Flow, granted: Granted, verified: Verified, address: str) -> Token:
        """The token that everything hangs on. Raises RecordingFailed: a login that is not kept is never checked again, so it is none."""
        # a provider that gives no refresh token cannot be asked again: then max_age_seconds are all there is
        seconds = LIFETIME["login"] if granted.refresh_token else flow.config.max_age_seconds
        _, token = self.identity.issue(
            subject=verified.subject,
            groups=verified.groups,
            kind="login",
            address=address,
            seconds=seconds,
            issued_by=f"oidc/{verified.provider}",
        )
        login = Login(
            id=token.id,
            provider=verified.provider,
            issuer=verified.issuer,
            subject=verified.subject,
            issuer_subject=verified.issuer_subject,
            sid=verified.sid,
            checked_at=self.clock(),
            refresh_token=granted.refresh_token,
            id_token=granted.id_token,
        )
        try:
            self.logins.put(login)
        except RecordingFailed:
            self.logins.drop_unsaved(token.id)
            self.identity.revoke(token.id, by="the gateway", reason="the login could not be kept")
            raise
        return token

    def _refused(self, provider: str, address: str, why: Why, detail: str = "") -> LoginRefused:
        self.log.write("login", event="failed", provider=provider, address=address, why=why, detail=detail)
        return LoginRefused(why, detail)
