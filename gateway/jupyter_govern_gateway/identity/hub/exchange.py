"""A hub token for a short-lived gateway token, bound to person, server, kernel and hub token. Every outcome is on record.

The order of the checks: the Hub knows the token; it is a notebook server's; that server runs and has this kernel; the identity
provider's own proof holds and is of the same person. What comes of it is a *login* (a token that nobody ever holds) with short tokens
hanging on it: cut the login, and all that was opened under it ends.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from jupyter_govern.errors import AuthenticationFailed
from jupyter_govern.model import TokenKind
from jupyter_govern_gateway.identity.binding import network
from jupyter_govern_gateway.identity.hub.api import Hub, HubUnreachable, HubUser
from jupyter_govern_gateway.identity.hub.presented import HubRefused, Presented, server_of
from jupyter_govern_gateway.identity.hub.proof import IdTokenRefused, IdTokens, Proven, check_person, ends_at, log_in_again
from jupyter_govern_gateway.identity.service import Identity
from jupyter_govern_gateway.identity.tokens import Token
from jupyter_govern_gateway.recorder.log import GatewayLog

BY: Final = "jupyterhub"
"""`issued_by` of a login is `jupyterhub/USER/TOKEN-ID`: whose word it stands on, and what is rechecked."""
KERNEL_SECONDS: Final = 600.0
SERVER_SECONDS: Final = 900.0


@dataclass(frozen=True, slots=True, kw_only=True)
class HubSettings:
    """What [identity.jupyterhub] says, read."""

    service: str
    username_claim: str
    max_age_seconds: float
    takes_hub_groups: bool
    hub_group_prefix: str
    binds_address: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request: a hub token, for which server and kernel (kernel "" asks for the server's own token), from where."""

    hub_token: str
    server: str
    kernel_id: str
    address: str


class HubLogins:
    """The exchange."""

    def __init__(
        self,
        *,
        hub: Hub,
        id_tokens: IdTokens,
        identity: Identity,
        settings: HubSettings,
        log: GatewayLog,
        clock: Callable[[], float],
    ) -> None:
        self._hub, self._id_tokens, self._identity = hub, id_tokens, identity
        self._settings, self._log, self._clock = settings, log, clock

    async def exchange(self, asked: Asked) -> tuple[str, Token]:
        """A new token and its text. Raises HubRefused, after it is on record."""
        user = ""
        try:
            presented = await self._hub.introspect(asked.hub_token)
            user = presented.user
            who = await self._server(presented, asked)
            await self._own_kernel(presented, who, asked)
            proven, until = await self._proof(who)
            groups = self._remember(proven, who)
        except HubRefused as refused:
            self._record("hub refused", asked, user, code=refused.code)
            raise
        login = self._login(presented, proven, groups, asked, until)
        return self._issue(login, groups, asked)

    async def end(self, asked: Asked) -> bool:
        """End the login of this hub token; whether there was one. Raises HubRefused."""
        presented = await self._hub.introspect(asked.hub_token)
        found = [login for login in self._identity.tokens_of("login") if login.issued_by == _by(presented)]
        for login in found:
            self._identity.revoke(login.id, by=login.subject, reason="the notebook server gave its login back")
        return bool(found)

    async def _server(self, presented: Presented, asked: Asked) -> HubUser:
        """The person, whose named server is the token's own and runs."""
        server = server_of(presented, self._settings.service)
        if server != asked.server:
            raise HubRefused("other-server", "this hub token is another notebook server's.")
        who = await self._hub.user(presented.user)
        if who.name != presented.user or server not in who.servers:
            raise HubRefused("no-such-server", f"the Hub knows of no running server '{server or 'default'}' of '{presented.user}'.")
        return who

    async def _own_kernel(self, presented: Presented, who: HubUser, asked: Asked) -> None:
        """The kernel must be one of that very server's, by the server's own word, and of no other hub token."""
        if not asked.kernel_id:
            return
        held = [token for token in self._identity.tokens_of("kernel") if token.kernel_id == asked.kernel_id]
        logins = {parent.issued_by for token in held for parent in self._identity.lineage(token)[1:]}
        if logins - {_by(presented)} or not await self._hub.runs_kernel(who.servers[asked.server], asked.hub_token, asked.kernel_id):
            raise HubRefused("other-kernel", "this kernel is not one of that notebook server's.")

    async def _proof(self, who: HubUser) -> tuple[Proven, float]:
        if not who.id_token:
            missing = "an id_token" if who.has_auth_state else "auth_state"
            raise HubRefused(
                "no-proof",
                f"the Hub keeps no {missing} of '{who.name}': there is no proof to look at.",
                "c.Authenticator.enable_auth_state must be on, with $JUPYTERHUB_CRYPT_KEY; then log in at the Hub again.",
            )
        try:
            proven = await self._id_tokens.verify(who.id_token)
        except IdTokenRefused as refused:
            if refused.expired:
                raise log_in_again() from None
            if refused.unchecked:
                hint = "Try again; if it stays so, tell whoever runs the gateway."
                raise HubRefused("provider-unreachable", f"the proof cannot be checked: {refused.reason}.", hint) from None
            raise HubRefused("proof-refused", f"the identity provider's proof is not accepted: {refused.reason}.") from None
        check_person(proven, hub_user=who.name, username_claim=self._settings.username_claim)
        return proven, ends_at(proven, now=self._clock(), max_age=self._settings.max_age_seconds)

    def _login(self, presented: Presented, proven: Proven, groups: frozenset[str], asked: Asked, until: float) -> Token:
        """The login that hangs on this hub token: made anew, or, where the proof is newer now, longer."""
        by = _by(presented)
        for login in self._identity.tokens_of("login"):
            if login.issued_by == by and login.server == asked.server:
                if login.subject == proven.subject:
                    return self._identity.prolong(login.id, until)
                self._identity.revoke(login.id, by=BY, reason="the Hub's token is another person's now")
        self._record("hub succeeded", asked, presented.user, subject=proven.subject)
        # its text is thrown away on purpose: it is there to hang things on, and no one ever holds it
        _, login = self._identity.issue(
            subject=proven.subject,
            groups=groups,
            kind="login",
            server=asked.server,
            address=asked.address,
            seconds=max(1.0, until - self._clock()),
            issued_by=by,
        )
        return login

    def _remember(self, proven: Proven, who: HubUser) -> frozenset[str]:
        """Keep who the person is; the groups. Raises HubRefused for a name that is somebody else's."""
        settings, people = self._settings, self._identity.people
        if (known := people.find(proven.subject)) is not None and proven.issued_at <= known.revoked_at:
            raise log_in_again()
        hub_groups = frozenset(settings.hub_group_prefix + group for group in who.groups) if settings.takes_hub_groups else frozenset()
        try:
            people.remember(
                proven.subject,
                source=proven.issuer,
                groups=proven.groups,
                attributes=proven.attributes,
                as_of=proven.issued_at,
                hub_groups=hub_groups,
                issuer_subject=str(proven.claims.get("sub") or ""),
            )
        except AuthenticationFailed as taken:
            raise HubRefused("name-taken", f"{taken}.") from None
        return proven.groups | hub_groups

    def _issue(self, login: Token, groups: frozenset[str], asked: Asked) -> tuple[str, Token]:
        kind: TokenKind = "kernel" if asked.kernel_id else "server"
        left = max(1.0, login.expires_at - self._clock())
        return self._identity.issue(
            subject=login.subject,
            groups=groups,
            kind=kind,
            kernel_id=asked.kernel_id,
            server=asked.server,
            parent=login.id,
            address=asked.address,
            seconds=min(KERNEL_SECONDS if asked.kernel_id else SERVER_SECONDS, left),
            networks=self._networks(asked.address),
            issued_by=BY,
        )

    def _networks(self, address: str) -> tuple[str, ...]:
        try:
            return (network(address),) if self._settings.binds_address else ()
        except ValueError:
            raise HubUnreachable("the address that asks cannot be read, and tokens are bound to it") from None

    def _record(self, event: str, asked: Asked, user: str, **more: str) -> None:
        self._log.write(
            "login",
            event=event,
            hub_user=user,
            server=asked.server,
            kernel_id=asked.kernel_id,
            address=asked.address,
            **more,
        )


def _by(presented: Presented) -> str:
    return f"{BY}/{presented.user}/{presented.token_id}"
