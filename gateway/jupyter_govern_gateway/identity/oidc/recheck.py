"""The provider is asked again about each login, by its refresh token, from half of max_age_seconds on; what it refuses, or has not
confirmed when they are over, ends with its tokens and open sessions. Logins that ended here give their refresh token back."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final

from jupyter_govern.errors import AuthenticationFailed, GovernError, RecordingFailed
from jupyter_govern_gateway.identity.oidc.errors import ProviderUnavailable, TokenRefused
from jupyter_govern_gateway.identity.oidc.flow import Flow, Granted, GrantRefused
from jupyter_govern_gateway.identity.oidc.logins import Login
from jupyter_govern_gateway.identity.oidc.service import OidcLogins

LOOK_SECONDS: Final = 0.5
RETRY_SECONDS: Final = 10.0
"""How long a provider that did not answer is left alone about one login (or a tenth of max_age_seconds, where that is less)."""
MAX_AT_ONCE: Final = 16
"""Logins of one provider that are asked about at the same time: one that hangs must not cost another's people their logins."""
CHECK_SECONDS: Final = 30.0
"""One question with all its parts."""
log = logging.getLogger(__name__)


class Recheck:
    """`watch()` runs as long as the gateway does."""

    def __init__(self, oidc: OidcLogins) -> None:
        self._oidc = oidc
        self._asking: dict[str, asyncio.Task[None]] = {}
        self._asked: Counter[str] = Counter()
        self._not_before: dict[str, float] = {}

    def restore(self) -> None:
        """After a start: logins without a token, or of a provider that is gone or another now, end; and tokens without a login."""
        oidc, known = self._oidc, set()
        for login in oidc.logins.all():
            flow = oidc.flows.get(login.provider)
            if flow is None or flow.config.issuer != login.issuer:
                self._end(login, "the identity provider is no longer configured")
            else:
                known.add(login.id)
        for token in oidc.identity.tokens_of("login"):
            if token.issued_by.startswith("oidc/") and token.id not in known:
                oidc.identity.revoke(token.id, by="the gateway", reason="nothing is known of this login at its provider")

    async def watch(self) -> None:
        """Until cancelled."""
        try:
            while True:
                try:
                    self.look()
                except Exception:  # a disk that is full for a moment, or a bug: nobody would ever be checked again
                    log.exception("logins could not be looked at")
                await asyncio.sleep(LOOK_SECONDS)
        finally:
            for task in self._asking.values():
                task.cancel()

    def look(self) -> None:
        """Begin what is due, end what is over."""
        now = self._oidc.clock()
        for login in self._oidc.logins.all():
            if not self._lives(login):
                self._oidc.logins.drop(login.id)
                self._start(login, self._give_back)
                continue
            most = self._oidc.flows[login.provider].config.max_age_seconds
            if now >= login.checked_at + most:
                self._end(login, f"the identity provider has not confirmed it for {most:g} seconds", "refresh failed")
            elif login.refresh_token and now >= max(login.checked_at + most / 2, self._not_before.get(login.id, 0.0)):
                self._start(login, self.check)
        self._not_before = {key: at for key, at in self._not_before.items() if at > now}

    async def check(self, login: Login) -> None:
        """Ask about one login now."""
        flow = self._oidc.flows[login.provider]
        try:
            async with asyncio.timeout(CHECK_SECONDS):
                granted = await flow.refresh(login.refresh_token)
                # kept at once: the old one may be used up, whatever comes next
                self._oidc.logins.put(replace(login, refresh_token=granted.refresh_token))
                await self._confirm(flow, login, granted)
        except GrantRefused:
            self._end(login, "the identity provider ended the login", "refresh refused")
        except (TokenRefused, AuthenticationFailed) as refused:
            self._end(login, str(refused), "refresh refused")
        except (ProviderUnavailable, TimeoutError) as problem:
            self._not_before[login.id] = self._oidc.clock() + min(RETRY_SECONDS, flow.config.max_age_seconds / 10)
            log.warning("a login at %s could not be confirmed: %s", login.provider, problem)

    async def _confirm(self, flow: Flow, login: Login, granted: Granted) -> None:
        """What the provider says now counts from now on. Without an ID token it only says that the login lives."""
        oidc = self._oidc
        kept = replace(login, refresh_token=granted.refresh_token, checked_at=oidc.clock())
        if granted.id_token:
            more = await flow.userinfo(granted.access_token)
            verified = await flow.verifier.verify(granted.id_token, access_token=granted.access_token, more=more)
            if (verified.issuer_subject, verified.subject) != (login.issuer_subject, login.subject):
                raise TokenRefused("subject", "the login is somebody else's now")
            if not self._lives(login):
                return
            oidc.identity.people.remember(
                login.subject,
                source=login.issuer,
                groups=verified.groups,
                attributes=verified.attributes,
                issuer_subject=verified.issuer_subject,
            )
            kept = replace(kept, id_token=granted.id_token)
        if self._lives(login):
            oidc.logins.put(kept)

    def _start(self, login: Login, work: Callable[[Login], Awaitable[None]]) -> None:
        if login.id in self._asking or self._asked[login.provider] >= MAX_AT_ONCE:
            return
        self._asked[login.provider] += 1
        self._asking[login.id] = task = asyncio.get_running_loop().create_task(self._run(login, work))
        task.add_done_callback(lambda _: self._done(login))

    async def _run(self, login: Login, work: Callable[[Login], Awaitable[None]]) -> None:
        try:
            await work(login)
        except RecordingFailed:
            log.exception("the login of %s could not be kept", login.subject)

    def _done(self, login: Login) -> None:
        self._asking.pop(login.id, None)
        self._asked[login.provider] -= 1

    async def _give_back(self, login: Login) -> None:
        try:
            await self._oidc.flows[login.provider].revoke(login.refresh_token)
        except ProviderUnavailable as problem:
            log.warning("%s", problem)

    def _lives(self, login: Login) -> bool:
        try:
            self._oidc.identity.token_actor(login.id)
        except AuthenticationFailed:
            return False
        return True

    def _end(self, login: Login, reason: str, event: str = "ended") -> None:
        """First of all it ends; that this cannot be written down saves nobody."""
        oidc = self._oidc
        try:
            oidc.identity.revoke(login.id, by=f"oidc/{login.provider}", reason=reason)
        except GovernError:
            log.exception("the login of %s ended, but not cleanly", login.subject)
        oidc.logins.drop(login.id)
        oidc.log.write("login", event=event, subject=login.subject, provider=login.provider, reason=reason)
