"""The end of a login: from here (RP-initiated logout) and from the provider (OpenID Connect Back-Channel Logout 1.0)."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, Final

from jupyter_govern_gateway.identity.oidc.errors import ProviderUnavailable, TokenRefused
from jupyter_govern_gateway.identity.oidc.service import OidcLogins
from jupyter_govern_gateway.identity.tokens import Token

EVENT: Final = "http://schemas.openid.net/event/backchannel-logout"
LOGOUT_SECONDS: Final = 300.0
"""A logout token older than this is not believed."""
MAX_SEEN: Final = 10_000


class Logout:
    """Ends logins and remembers which logout tokens were used."""

    def __init__(self, oidc: OidcLogins) -> None:
        self._oidc = oidc
        self._seen: OrderedDict[str, float] = OrderedDict()

    async def from_here(self, token: Token, *, return_to: str) -> str:
        """End the login that this browser token came of, with all that hangs on it; where its provider is logged out at ("" nowhere)."""
        oidc = self._oidc
        login = oidc.logins.find(token.parent)
        oidc.identity.revoke(token.parent or token.id, by=token.subject, reason="logged out")
        if login is None:
            return ""
        oidc.log.write("login", event="logged out", subject=login.subject, provider=login.provider)
        try:
            return await oidc.flows[login.provider].logout_url(login.id_token, return_to)
        except ProviderUnavailable:
            return ""

    async def from_provider(self, provider: str, logout_token: str, address: str) -> int:
        """End what a logout token names; how many logins that were. Raises TokenRefused (on record), ProviderUnavailable."""
        oidc, flow = self._oidc, self._oidc.flows[provider]
        try:
            claims = await flow.verifier.issuer.claims(logout_token, (flow.config.client_id,))
            self._check(claims)
        except TokenRefused as refused:
            oidc.log.write("login", event="logout refused", provider=provider, address=address, why=refused.why, detail=refused.detail)
            raise
        sid, subject = claims.get("sid"), claims.get("sub")
        # an ID token need not say its session: then the person's logins are all there is to go by
        ended = [
            login
            for login in oidc.logins.all()
            if login.provider == provider and (login.sid == sid if sid and login.sid else bool(subject) and login.issuer_subject == subject)
        ]
        for login in ended:
            oidc.log.write("login", event="logged out", subject=login.subject, provider=provider, by="provider")
            oidc.identity.revoke(login.id, by=f"oidc/{provider}", reason="logged out at the identity provider")
        return len(ended)

    def _check(self, claims: dict[str, Any]) -> None:
        """Back-Channel Logout 1.0, 2.4 and 2.6: the event is there, a nonce is not, and it is used once."""
        now, events = self._oidc.clock(), claims.get("events")
        if not isinstance(events, dict) or EVENT not in events or "nonce" in claims:
            # an ID token must not pass for a logout token
            raise TokenRefused("missing-claim", "it is no logout token")
        if now - float(claims["iat"]) > LOGOUT_SECONDS:
            raise TokenRefused("expired", "the logout token is too old")
        jti = claims.get("jti")
        if not isinstance(jti, str) or not jti:
            raise TokenRefused("missing-claim", "the logout token has no jti")
        key = f"{claims['iss']} {jti}"
        if key in self._seen:
            raise TokenRefused("replayed", "the logout token was used already")
        self._seen[key] = now
        while len(self._seen) > MAX_SEEN:
            self._seen.popitem(last=False)
