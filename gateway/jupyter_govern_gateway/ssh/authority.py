"""The gateway's own authority for user certificates: a certificate is another form of a token that somebody holds.

It carries the token's id among its principals, and at every log-in the token is looked up: revocation, expiry, targets, networks and
groups are the token's, so a certificate never opens more, or longer, than its token.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import asyncssh

from jupyter_govern.errors import AuthenticationFailed
from jupyter_govern_gateway.identity.tokens import CONNECTING_KINDS, Token

TOKEN: Final = "govern-token-"  # noqa: S105 - a prefix
"""How the principal that names a token begins."""
SKEW_SECONDS: Final = 30
MAX_PUBLIC_KEY: Final = 4_096


class Authority:
    """certificate: raises ValueError for what is no public key that can be signed."""

    def __init__(self, key: asyncssh.SSHKey) -> None:
        self._key = key
        self._public = key.public_data

    def certificate(self, public_key: str, token: Token) -> str:
        """In OpenSSH's format. `ssh-keygen -L` shows the person, the targets and when it ends."""
        try:
            key = asyncssh.import_public_key(public_key[:MAX_PUBLIC_KEY])
        except asyncssh.KeyImportError as problem:
            raise ValueError(f"no public key: {problem}") from None
        targets = ",".join(token.targets) or "any"
        made = self._key.generate_user_certificate(
            key,
            key_id=f"jupyter-govern {token.subject} for {targets}",
            principals=[f"{TOKEN}{token.id}", token.subject, *token.targets],
            valid_after=int(token.issued_at) - SKEW_SECONDS,
            valid_before=int(token.expires_at),
            permit_x11_forwarding=False,
            permit_agent_forwarding=False,
            permit_port_forwarding=True,
            permit_pty=True,
            permit_user_rc=False,
        )
        return made.export_certificate("openssh").decode().strip()

    def is_ours(self, key: asyncssh.SSHKey) -> bool:
        return bool(key.public_data == self._public)


class Presented(asyncssh.SSHAuthorizedKeys):
    """Answers for one connection's certificates; `take` hears of the token of each, or of None. AsyncSSH then checks time and signature."""

    def __init__(self, authority: Authority, find: Callable[[str], Token], take: Callable[[Token | None], None]) -> None:
        super().__init__()
        self._authority, self._find, self._take = authority, find, take

    def validate(
        self, key: Any, client_host: str, client_addr: str, cert_principals: Sequence[str] | None = None, ca: bool = False
    ) -> Mapping[str, object] | None:
        self._take(None)
        named = [each[len(TOKEN) :] for each in cert_principals or () if each.startswith(TOKEN)]
        if not ca or len(named) != 1 or not self._authority.is_ours(key):
            return None
        try:
            token = self._find(named[0])
        except AuthenticationFailed:
            return None
        if token.kind not in CONNECTING_KINDS or token.subject not in (cert_principals or ()):
            return None
        self._take(token)
        return {"principals": list(cert_principals or ())}
