"""The token store. On disk and in memory are verifiers only: SHA-256 for look-up, SCRAM keys for PostgreSQL clients.

A token is `gov_<kind>_<43 characters>`. Kernel, client and browser tokens may hang on a parent and die with it. A token may be bound
to targets and to networks. Time comes from outside.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from jupyter_govern import private_files
from jupyter_govern.errors import AuthenticationFailed, ConfigError, RecordingFailed
from jupyter_govern.model import Actor, TokenKind
from jupyter_govern_gateway.identity.scram import ITERATIONS, ScramVerifiers, salt_of, scram_keys

LIFETIME: Final[dict[TokenKind, float]] = {
    "person": 12 * 3600,
    "server": 12 * 3600,
    "kernel": 600,
    "browser": 8 * 3600,
    "client": 3600,
    "service": 90 * 86400,
    "login": 12 * 3600,
    "workload": 900,
}
CONNECTING_KINDS: Final[frozenset[TokenKind]] = frozenset({"person", "kernel", "client", "service", "workload"})
"""Kinds that open sessions."""
SERVICE: Final = "service/"
"""Subjects of services begin with it, subjects of people never do: neither gets what policy says of the other."""
MAX_TOKENS_PER_PERSON: Final = 64
"""The oldest gives way; also the bound on how many keys one SCRAM proof is tried against."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """What a token stands for; never the token itself. Times are seconds since the epoch."""

    id: str
    subject: str
    groups: frozenset[str]
    kind: TokenKind
    issued_at: float
    expires_at: float
    kernel_id: str = ""
    server: str = ""
    parent: str = ""
    targets: tuple[str, ...] = ()
    """The only targets it opens; () for any."""
    networks: tuple[str, ...] = ()
    """The only addresses it is taken from, as CIDR; () for any."""
    issued_by: str = ""
    claims: tuple[tuple[str, str], ...] = ()
    """Attributes of the person, as of now; not kept on disk."""

    @property
    def actor(self) -> Actor:
        return Actor(subject=self.subject, groups=self.groups, claims=self.claims)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stored:
    token: Token
    sha256: str
    stored_key: bytes
    server_key: bytes


class TokenStore:
    def __init__(self, path: Path, *, secret: bytes, clock: Callable[[], float]) -> None:
        self._path, self._secret, self._clock = path, secret, clock
        self._by_hash: dict[str, _Stored] = {}
        self._by_id: dict[str, _Stored] = {}
        self.gave_way: list[Token] = []
        """Living tokens that were dropped for newer ones, until somebody takes them from here: what hangs on them has to end."""
        self._load()

    def issue(
        self,
        *,
        subject: str,
        groups: frozenset[str],
        kind: TokenKind,
        kernel_id: str = "",
        server: str = "",
        parent: str = "",
        seconds: float = 0.0,
        targets: tuple[str, ...] = (),
        networks: tuple[str, ...] = (),
        issued_by: str = "",
    ) -> tuple[str, Token]:
        """A new token; its text is returned here and kept nowhere. A child never outlives its parent."""
        if subject.startswith(SERVICE) != (kind in {"service", "workload"}):
            raise AuthenticationFailed(f"a {kind} token is not for {subject!r}")
        now = self._clock()
        expires = now + (seconds or LIFETIME[kind])
        if parent and parent in self._by_id and kind != "kernel":
            expires = min(expires, self._by_id[parent].token.expires_at)
        text = f"gov_{kind}_{secrets.token_urlsafe(32)}"
        token = Token(
            id=secrets.token_hex(8),
            subject=subject,
            groups=groups,
            kind=kind,
            issued_at=now,
            expires_at=expires,
            kernel_id=kernel_id,
            server=server,
            parent=parent,
            targets=targets,
            networks=networks,
            issued_by=issued_by,
        )
        stored_key, server_key = scram_keys(text, salt_of(self._secret, subject))
        stored = _Stored(token=token, sha256=_sha256(text), stored_key=stored_key, server_key=server_key)
        self._drop_expired()
        self._make_room(subject)
        self._by_hash[stored.sha256] = self._by_id[token.id] = stored
        self._save()
        return text, token

    def authenticate_bearer(self, text: str) -> Token:
        """Raises AuthenticationFailed for a token that is unknown, expired, revoked or whose parent is."""
        stored = self._by_hash.get(_sha256(text))
        if stored is None or not self._alive(stored):
            raise AuthenticationFailed("the token is unknown, expired or revoked")
        return stored.token

    def living(self, token_id: str) -> Token | None:
        stored = self._by_id.get(token_id)
        return stored.token if stored is not None and self._alive(stored) else None

    def scram_verifiers(self, subject: str) -> ScramVerifiers:
        """For anybody, known or not: the same shape, salt and cost."""
        mine = [
            s
            for s in self._by_id.values()
            if s.token.subject == subject and s.token.kind in CONNECTING_KINDS and self._alive(s)
        ]
        candidates = tuple((s.token.id, s.stored_key, s.server_key) for s in mine)
        return ScramVerifiers(salt=salt_of(self._secret, subject), iterations=ITERATIONS, candidates=candidates)

    def lineage(self, token: Token) -> tuple[Token, ...]:
        """The token and those it hangs on, as far as they are known."""
        found = [token]
        while (parent := self._by_id.get(found[-1].parent)) is not None:
            found.append(parent.token)
        return tuple(found)

    def of(self, subject: str = "", kind: TokenKind | None = None) -> list[Token]:
        """The living tokens of somebody, or of a kind."""
        return [
            s.token
            for s in self._by_id.values()
            if (not subject or s.token.subject == subject) and kind in (None, s.token.kind) and self._alive(s)
        ]

    def prolong(self, token_id: str, expires_at: float) -> Token | None:
        """Let a living token end later; it never ends earlier by this. None where there is no such token."""
        stored = self._by_id.get(token_id)
        if stored is None or not self._alive(stored):
            return None
        if expires_at > stored.token.expires_at:
            stored = replace(stored, token=replace(stored.token, expires_at=expires_at))
            self._by_id[token_id] = self._by_hash[stored.sha256] = stored
            self._save()
        return stored.token

    def revoke(self, *token_ids: str) -> frozenset[str]:
        """End tokens and all that hang on them; the ids of all these."""
        doomed = set(token_ids)
        while more := {i for i, s in self._by_id.items() if s.token.parent in doomed and i not in doomed}:
            doomed |= more
        for identifier in doomed:
            if stored := self._by_id.pop(identifier, None):
                self._by_hash.pop(stored.sha256, None)
        self._save()
        return frozenset(doomed)

    def _alive(self, stored: _Stored) -> bool:
        token = stored.token
        if token.expires_at <= self._clock():
            return False
        if not token.parent:
            return True
        parent = self._by_id.get(token.parent)
        return parent is not None and self._alive(parent)

    def _drop_expired(self) -> None:
        for identifier in [i for i, s in self._by_id.items() if not self._alive(s)]:
            self._by_hash.pop(self._by_id.pop(identifier).sha256, None)

    def _make_room(self, subject: str) -> None:
        mine = sorted((s.token for s in self._by_id.values() if s.token.subject == subject), key=lambda t: (not _is_short(t), t.issued_at))
        for token in mine[: max(0, len(mine) - MAX_TOKENS_PER_PERSON + 1)]:
            self._by_hash.pop(self._by_id.pop(token.id).sha256, None)
            self.gave_way.append(token)

    def _save(self) -> None:
        rows = [
            {
                **asdict(s.token),
                "groups": sorted(s.token.groups),
                "claims": [],
                "sha256": s.sha256,
                "stored_key": s.stored_key.hex(),
                "server_key": s.server_key.hex(),
            }
            for s in self._by_id.values()
        ]
        try:
            private_files.replace(self._path, json.dumps({"version": 1, "tokens": rows}))
        except OSError as error:
            raise RecordingFailed(f"tokens cannot be kept: {error.strerror}") from error

    def _load(self) -> None:
        if not self._path.exists():
            return
        try:
            rows = json.loads(self._path.read_text())["tokens"]
            for row in rows:
                self._restore(row)
        except (ValueError, KeyError, TypeError) as error:
            raise ConfigError(
                f"the token store is damaged ({error}): remove it, and everybody logs in again", path=str(self._path)
            ) from error

    def _restore(self, row: dict[str, Any]) -> None:
        sha256, keys = row.pop("sha256"), (bytes.fromhex(row.pop("stored_key")), bytes.fromhex(row.pop("server_key")))
        bounds = {key: tuple(row.get(key, ())) for key in ("targets", "networks")}
        token = Token(**{**row, "groups": frozenset(row["groups"]), "claims": (), **bounds})
        self._by_hash[sha256] = self._by_id[token.id] = _Stored(
            token=token, sha256=sha256, stored_key=keys[0], server_key=keys[1]
        )


def _is_short(token: Token) -> bool:
    """Whether it lives for minutes and its holder gets another for the asking: these give way first."""
    return token.kind in {"kernel", "client", "workload"} or (token.kind == "server" and bool(token.parent))


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
