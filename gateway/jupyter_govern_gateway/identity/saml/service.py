"""SAML logins, from the first redirect to a `login` token of ours. Every outcome is in the gateway log. Knows no HTTP.

The answer comes as a POST from another site, without the cookie of the browser that began. So it makes a ticket only, which works once,
for a minute, with that cookie; the ticket comes back with a redirect, to which browsers add the cookie.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

from jupyter_govern.errors import AuthenticationFailed
from jupyter_govern_gateway.identity.oidc.claims import attributes_of, groups_of, subject_of
from jupyter_govern_gateway.identity.oidc.errors import TokenRefused
from jupyter_govern_gateway.identity.saml.before import read_answer
from jupyter_govern_gateway.identity.saml.errors import AnswerRefused
from jupyter_govern_gateway.identity.saml.partner import Partner
from jupyter_govern_gateway.identity.service import Identity
from jupyter_govern_gateway.identity.tokens import Token
from jupyter_govern_gateway.recorder.log import GatewayLog

PENDING_SECONDS: Final = 600.0
TICKET_SECONDS: Final = 60.0
MAX_KEPT: Final = 10_000
"""Logins under way, tickets, and IDs of assertions; the oldest gives way."""
READING: Final = 2
"""Answers that are verified at the same time; each is a process."""
Kept = TypeVar("Kept")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pending:
    provider: str
    holder: str
    leads_to: str
    expires_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ticket:
    provider: str
    holder: str
    leads_to: str
    subject: str
    groups: frozenset[str]
    attributes: tuple[tuple[str, str], ...]
    login_ends_at: float
    expires_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedIn:
    """token: the `login` token. leads_to: our own page that was wanted."""

    token: Token
    leads_to: str


class SamlLogins:
    """partners: by the providers' names. prefixes: of all providers, so that none names another's people."""

    def __init__(
        self,
        *,
        partners: Mapping[str, Partner],
        prefixes: tuple[str, ...],
        identity: Identity,
        log: GatewayLog,
        clock: Callable[[], float],
    ) -> None:
        self.partners, self._prefixes, self._identity, self._log, self._clock = partners, prefixes, identity, log, clock
        self._pending: OrderedDict[str, _Pending] = OrderedDict()
        self._tickets: OrderedDict[str, _Ticket] = OrderedDict()
        self._seen: OrderedDict[str, float] = OrderedDict()
        self._turns = asyncio.Semaphore(READING)

    def labels(self) -> list[tuple[str, str]]:
        """Name and label of each provider, as configured."""
        return [(name, partner.config.label or name) for name, partner in self.partners.items()]

    def entity_ids(self) -> dict[str, str]:
        """Each provider's own, by its name here."""
        return {name: partner.pinned.entity_id for name, partner in self.partners.items()}

    def begin(self, provider: str, *, holder: str, leads_to: str, base_url: str) -> str:
        """Where the browser goes. holder: a hash of the cookie of the browser that begins."""
        asked = self.partners[provider].ask(base_url)
        expires_at = self._clock() + PENDING_SECONDS
        pending = _Pending(provider=provider, holder=holder, leads_to=leads_to, expires_at=expires_at)
        _keep(self._pending, asked.request_id, pending)
        return asked.url

    async def accept(self, provider: str, answer: str, *, base_url: str, address: str) -> str:
        """A ticket for the answer that a browser brought. Raises AnswerRefused; the request is used up either way."""
        try:
            return await self._accept(provider, answer, base_url)
        except AnswerRefused as refused:
            self._refused(provider, address, refused)
            raise

    async def _accept(self, provider: str, answer: str, base_url: str) -> str:
        request_id = read_answer(answer)
        pending = self._pending.pop(request_id, None)
        if pending is None or pending.provider != provider or pending.expires_at <= self._clock():
            raise AnswerRefused("unsolicited")
        partner = self.partners[provider]
        async with self._turns:
            asserted = await asyncio.to_thread(partner.read, answer, request_id, base_url)
        self._use_up(f"{partner.pinned.entity_id} {asserted.id}", asserted.ends_at + partner.config.clock_skew_seconds)
        try:
            subject = subject_of(asserted.claims, partner.config, self._prefixes)
            groups = groups_of(asserted.claims, partner.config)
            attributes = attributes_of(asserted.claims, partner.config)
        except TokenRefused as refused:
            raise AnswerRefused("name", refused.detail) from None
        now = self._clock()
        login_ends_at = min(now + partner.config.session_seconds, asserted.session_ends_at or float("inf"))
        ticket = secrets.token_urlsafe(32)
        kept = _Ticket(
            provider=provider, holder=pending.holder, leads_to=pending.leads_to, subject=subject, groups=groups,
            attributes=attributes, login_ends_at=login_ends_at, expires_at=now + TICKET_SECONDS,
        )  # fmt: skip
        _keep(self._tickets, _hashed(ticket), kept)
        return ticket

    def finish(self, ticket: str, *, provider: str, holder: str, address: str) -> LoggedIn:
        """The login, in the browser that began it. Raises AnswerRefused."""
        try:
            return self._finish(self._tickets.pop(_hashed(ticket), None), provider, holder, address)
        except AnswerRefused as refused:
            self._refused(provider, address, refused)
            raise

    def _finish(self, kept: _Ticket | None, provider: str, holder: str, address: str) -> LoggedIn:
        now = self._clock()
        if kept is None or kept.provider != provider or kept.expires_at <= now:
            raise AnswerRefused("unsolicited")
        if not hmac.compare_digest(kept.holder, holder):
            raise AnswerRefused("browser")
        if kept.login_ends_at <= now:
            raise AnswerRefused("time", "the session at the provider is over")
        issuer = self.partners[provider].pinned.entity_id
        try:
            self._identity.people.remember(kept.subject, source=issuer, groups=kept.groups, attributes=kept.attributes)
        except AuthenticationFailed as taken:
            raise AnswerRefused("name", str(taken)) from None
        said = {"subject": kept.subject, "address": address, "provider": provider, "issuer": issuer, "groups": sorted(kept.groups)}
        self._log.write("login", event="succeeded", **said)
        _, token = self._identity.issue(
            subject=kept.subject, groups=kept.groups, kind="login", address=address, seconds=kept.login_ends_at - now,
            issued_by=f"saml/{provider}",
        )  # fmt: skip
        return LoggedIn(token=token, leads_to=kept.leads_to)

    def _use_up(self, identifier: str, until: float) -> None:
        """Raises AnswerRefused for an assertion that was presented before."""
        now = self._clock()
        for key in [key for key, end in self._seen.items() if end <= now]:
            del self._seen[key]
        if identifier in self._seen:
            raise AnswerRefused("replay")
        _keep(self._seen, identifier, until)

    def _refused(self, provider: str, address: str, refused: AnswerRefused) -> None:
        self._log.write("login", event="failed", provider=provider, address=address, why=refused.why, detail=refused.detail)


def _keep(table: OrderedDict[str, Kept], key: str, value: Kept) -> None:
    while len(table) >= MAX_KEPT:
        table.popitem(last=False)
    table[key] = value


def _hashed(ticket: str) -> str:
    return hashlib.sha256(ticket.encode("utf-8", "replace")).hexdigest()
