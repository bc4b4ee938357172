"""Identity as the rest of the gateway sees it, with local accounts and people of identity providers behind it.

Every login, issue and revocation is written to the gateway log before it counts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from jupyter_govern.errors import AuthenticationFailed, RecordingFailed
from jupyter_govern.model import TokenKind
from jupyter_govern_gateway.identity.accounts import LocalAccounts
from jupyter_govern_gateway.identity.backoff import Backoff, address_key
from jupyter_govern_gateway.identity.people import People
from jupyter_govern_gateway.identity.scram import ScramVerifiers
from jupyter_govern_gateway.identity.ties import Ties
from jupyter_govern_gateway.identity.tokens import CONNECTING_KINDS, SERVICE, Token, TokenStore
from jupyter_govern_gateway.recorder.chain import timestamp
from jupyter_govern_gateway.recorder.log import GatewayLog


class TooManyFailures(AuthenticationFailed):
    """Wrong passwords before this one: wait `seconds`."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        super().__init__(f"too many failed logins: try again in {max(1, round(seconds))} seconds")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What a revocation ended, by id."""

    tokens: tuple[str, ...]
    sessions: tuple[str, ...]
    streams: int


def no_services() -> Mapping[str, frozenset[str]]:
    """No static keys."""
    return {}


class Identity(Protocol):
    """Proofs in, tokens out. `ties`: what hangs on tokens and ends with them."""

    @property
    def ties(self) -> Ties: ...
    @property
    def people(self) -> People: ...
    @property
    def has_local_accounts(self) -> bool: ...
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
        seconds: float = 0.0,
        targets: tuple[str, ...] = (),
        networks: tuple[str, ...] = (),
        issued_by: str = "",
    ) -> tuple[str, Token]: ...
    def authenticate_bearer(self, text: str) -> Token: ...
    def authenticate_password(self, subject: str, token: str) -> Token: ...
    def scram_verifiers(self, subject: str) -> ScramVerifiers: ...
    def token_actor(self, token_id: str) -> Token: ...
    def lineage(self, token: Token) -> tuple[Token, ...]: ...
    def service_keys(self) -> list[Token]: ...
    def tokens_of(self, kind: TokenKind) -> list[Token]: ...
    def prolong(self, token_id: str, expires_at: float) -> Token: ...
    def revoke(self, token_id: str, *, by: str, reason: str = "") -> Ended: ...
    def revoke_person(self, subject: str, *, by: str, reason: str) -> Ended: ...
    def live_groups(self, subject: str) -> frozenset[str]: ...


class LocalIdentity:
    """Local accounts, people of identity providers, services. Groups are looked up at every use of a token, so that losing one counts
    at once.

    accounts: None where there are no local accounts. services: those that may have static keys now, by subject, with their groups.
    workloads: the same for services that come with tokens of their own.
    """

    def __init__(
        self,
        *,
        accounts: Path | None,
        state_dir: Path,
        secret: bytes,
        log: GatewayLog,
        clock: Callable[[], float],
        services: Callable[[], Mapping[str, frozenset[str]]] = no_services,
        workloads: Callable[[], Mapping[str, frozenset[str]]] = no_services,
    ) -> None:
        self._accounts = LocalAccounts(accounts)
        self._tokens = TokenStore(state_dir / "tokens.json", secret=secret, clock=clock)
        self._log, self._backoff = log, Backoff(clock)
        self._services, self._workloads = services, workloads
        self.has_local_accounts = accounts is not None
        self.people = People(
            state_dir / "people.json",
            clock=clock,
            is_local=lambda subject: self._accounts.groups(subject) is not None,
            renamed=self._renamed,
        )
        self.ties = Ties(clock=clock, groups=self.live_groups)

    def check_password(self, subject: str, password: str, address: str) -> frozenset[str]:
        """The person's groups. Raises AuthenticationFailed or TooManyFailures. Slow on purpose: call it in a thread."""
        name, keys = f"name:{subject}", (f"name:{subject}", address_key(address))
        if (seconds := self._backoff.wait(*keys)) > 0:
            self._log.write("login", event="held off", subject=subject, address=address)
            raise TooManyFailures(seconds)
        groups = self._accounts.check(subject, password)
        if groups is None:
            self._backoff.failed(*keys)
            self._log.write("login", event="failed", subject=subject, address=address)
            raise AuthenticationFailed("the name or the password is wrong")
        self._backoff.succeeded(name)  # not the address: a guesser with an account of their own would start anew with each login
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
        seconds: float = 0.0,
        targets: tuple[str, ...] = (),
        networks: tuple[str, ...] = (),
        issued_by: str = "",
    ) -> tuple[str, Token]:
        text, token = self._tokens.issue(
            subject=subject,
            groups=groups,
            kind=kind,
            kernel_id=kernel_id,
            server=server,
            parent=parent,
            seconds=seconds,
            targets=targets,
            networks=networks,
            issued_by=issued_by,
        )
        self._cut_what_gave_way()
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
            expires_at=timestamp(token.expires_at),
            targets=list(targets),
            networks=list(networks),
            by=issued_by,
        )
        return text, token

    def _cut_what_gave_way(self) -> None:
        """Nobody asks any more whether a login still holds that is not in the store, so what was opened under it ends."""
        gone, self._tokens.gave_way = self._tokens.gave_way, []
        # a kernel's and a client's token end by themselves within minutes, and what they hang on is still there
        if ids := frozenset(token.id for token in gone if token.kind not in {"kernel", "client"}):
            self.ties.cut("the login gave way to newer ones", tokens=ids)

    def authenticate_bearer(self, text: str) -> Token:
        return self._current(self._tokens.authenticate_bearer(text))

    def authenticate_password(self, subject: str, token: str) -> Token:
        """A token sent as a password: it must be this person's, and of a kind that may connect."""
        found = self.authenticate_bearer(token)
        if found.subject != subject or found.kind not in CONNECTING_KINDS:
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

    def lineage(self, token: Token) -> tuple[Token, ...]:
        """The token and those it hangs on."""
        return self._tokens.lineage(token)

    def service_keys(self) -> list[Token]:
        """The static keys that live."""
        return self._tokens.of(kind="service")

    def tokens_of(self, kind: TokenKind) -> list[Token]:
        """The living tokens of a kind."""
        return self._tokens.of(kind=kind)

    def prolong(self, token_id: str, expires_at: float) -> Token:
        """Let a login end later, because who it belongs to was proven anew. Raises AuthenticationFailed where it is over."""
        token = self._tokens.prolong(token_id, expires_at)
        if token is None:
            raise AuthenticationFailed("the token is unknown, expired or revoked")
        self.ties.prolong(token_id, token.expires_at)
        return token

    def revoke(self, token_id: str, *, by: str, reason: str = "") -> Ended:
        """End a token, what hangs on it, and the sessions opened with any of these."""
        return self._end((token_id,), "", event="revoked", token=token_id, by=by, reason=reason)

    def revoke_person(self, subject: str, *, by: str, reason: str) -> Ended:
        """End all tokens and sessions of somebody. Who may still log in may do so again, with a new proof."""
        ids = tuple(token.id for token in self._tokens.of(subject))
        try:
            return self._end(ids, subject, event="person revoked", subject=subject, by=by, reason=reason)
        finally:
            self.people.revoke(subject)  # else a notebook server under a Hub would be in again with what it has

    def _renamed(self, former: str, new: str) -> None:
        """Nobody asks under one name and answers under another."""
        ids = tuple(token.id for token in self._tokens.of(former))
        reason = f"the identity provider calls this person {new!r} now"
        self._end(ids, former, event="person renamed", subject=former, by="the gateway", reason=reason)

    def _end(self, ids: tuple[str, ...], person: str, *, reason: str, **fields: str) -> Ended:
        words = f"revoked by {fields['by']}" + (f": {reason}" if reason else "")
        doomed = frozenset(ids)
        problem = ""
        try:
            doomed = self._tokens.revoke(*ids)
        except (RecordingFailed, OSError) as unwritten:  # a full disk keeps no session open; but the tokens would be back after a restart
            problem = f"revoked, but {unwritten}: revoke again before a restart"
        finally:
            cut = self.ties.cut(words, tokens=doomed, subject=person)
        ended = Ended(
            tokens=tuple(sorted(doomed)),
            sessions=tuple(sorted(tie.name for tie in cut if tie.what == "session")),
            streams=sum(tie.what == "stream" for tie in cut),
        )
        self._log.write(
            "token", **fields, reason=reason, tokens=list(ended.tokens), sessions=list(ended.sessions), streams=ended.streams
        )
        if problem:
            raise RecordingFailed(problem)
        return ended

    def live_groups(self, subject: str) -> frozenset[str]:
        """Raises AuthenticationFailed where the person is gone."""
        if subject.startswith(SERVICE):
            service = self._services().get(subject, self._workloads().get(subject))
            if service is None:
                raise AuthenticationFailed("the service is not configured, or static keys are off")
            return service
        groups = self._accounts.groups(subject)
        if groups is None and (person := self.people.find(subject)) is not None:
            groups = person.all_groups
        if groups is None:
            raise AuthenticationFailed("the account is gone")
        return groups

    def _current(self, token: Token) -> Token:
        configured = {"service": self._services, "workload": self._workloads}.get(token.kind)
        if configured is not None and token.subject not in configured():
            # the same name may have become one of the other kind since
            raise AuthenticationFailed("the service is not configured, or static keys are off")
        elif configured is None and (self._tokens.lineage(token)[-1].kind == "login") == (self._accounts.groups(token.subject) is not None):
            # under every login at a provider is a `login`: the name has become a local account's since, or was one
            raise AuthenticationFailed("the account is gone")
        groups, claims = self.live_groups(token.subject), self._attributes(token.subject)
        return token if groups == token.groups and claims == token.claims else replace(token, groups=groups, claims=claims)

    def _attributes(self, subject: str) -> tuple[tuple[str, str], ...]:
        """Of the account, or of the person as the provider named them; never a mixture."""
        person = self.people.find(subject)
        return self._accounts.attributes(subject) if person is None or self._accounts.groups(subject) is not None else person.attributes
