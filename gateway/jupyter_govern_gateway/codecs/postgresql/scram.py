"""SCRAM-SHA-256 (RFC 5802, RFC 7677) and its -PLUS with tls-server-end-point (RFC 5929): the server's side towards clients, the
client's towards targets. What the channel is bound to comes in as bytes; empty: no binding.

Pure: nonces come in, nothing is looked up. Several verifiers may share one salt (all tokens of one person): the proof is
tried against each, in constant time per verifier.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass, field
from typing import Final

from jupyter_govern_gateway.codecs.postgresql.frames import Malformed

MAX_ITERATIONS: Final = 10_000_000
"""A target that asks for more work than this is not worth it."""

BOUND: Final = b"p=tls-server-end-point"
UNBOUND: Final = b"n"
COULD_BIND: Final = b"y"
"""The client could bind to the channel, and has seen no offer of it."""


def saslprep(password: str) -> bytes:
    """RFC 4013 as far as PostgreSQL does it: what cannot be prepared is taken as it is."""
    import stringprep
    import unicodedata

    if password.isascii():
        return password.encode()
    kept = "".join(" " if stringprep.in_table_c12(c) else c for c in password if not stringprep.in_table_b1(c))
    prepared = unicodedata.normalize("NFKC", kept)
    return (prepared or password).encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientFirst:
    """The client's first message, read."""

    gs2_header: bytes
    bare: bytes
    nonce: bytes


@dataclass(slots=True, kw_only=True)
class ServerExchange:
    """The server's side of one exchange: first answer, then check of the proof.

    channel: what to bind to, where that was offered. is_bound: the client chose it."""

    salt: bytes
    iterations: int
    nonce: bytes
    channel: bytes = b""
    is_bound: bool = False
    _client: ClientFirst | None = field(default=None, init=False)
    _server_first: bytes = field(default=b"", init=False)

    def answer(self, client_first: bytes) -> bytes:
        """The server-first-message."""
        self._client = read_client_first(client_first)
        self._check_binding(self._client.gs2_header)
        salt = base64.b64encode(self.salt)
        self._server_first = b"r=%s%s,s=%s,i=%d" % (self._client.nonce, self.nonce, salt, self.iterations)
        return self._server_first

    def _check_binding(self, gs2_header: bytes) -> None:
        if self.is_bound != gs2_header.startswith(BOUND):
            raise Malformed("a SCRAM message whose channel binding is not that of its mechanism")
        if self.channel and gs2_header.startswith(COULD_BIND):
            # RFC 5802 section 6: somebody on the way has taken our offer out
            raise Malformed("a client that could bind to the channel was not offered it")

    def check(self, client_final: bytes, verifiers: tuple[tuple[str, bytes, bytes], ...]) -> tuple[str, bytes] | None:
        """The id of the verifier (id, StoredKey, ServerKey) that the proof fits and the server-final-message; or None."""
        if self._client is None:
            raise Malformed("a SCRAM proof before its first message")
        channel = self.channel if self.is_bound else b""
        without_proof, proof = _read_client_final(client_final, self._client, self._client.nonce + self.nonce, channel)
        message = self._client.bare + b"," + self._server_first + b"," + without_proof
        found: tuple[str, bytes] | None = None
        for name, stored_key, server_key in verifiers:
            signature = hmac.digest(stored_key, message, "sha256")
            client_key = bytes(a ^ b for a, b in zip(proof, signature, strict=True))
            if hmac.compare_digest(hashlib.sha256(client_key).digest(), stored_key):
                found = name, b"v=" + base64.b64encode(hmac.digest(server_key, message, "sha256"))
        return found


def read_client_first(data: bytes) -> ClientFirst:
    """`n,,n=,r=<nonce>`, with `y` or `p=tls-server-end-point` for the first `n`."""
    head, sep, bare = data.partition(b",,")
    if not sep or head not in (UNBOUND, COULD_BIND, BOUND):
        raise Malformed("a SCRAM message that wants another channel binding or an authorisation identity")
    parts = bare.split(b",")
    if len(parts) < 2 or not parts[0].startswith(b"n=") or not parts[1].startswith(b"r="):
        raise Malformed("a SCRAM message without user and nonce")
    nonce = parts[1][2:]
    if not nonce or any(not 33 <= c <= 126 for c in nonce):
        raise Malformed("a SCRAM nonce that is not printable")
    return ClientFirst(gs2_header=head + b",,", bare=bare, nonce=nonce)


def _read_client_final(data: bytes, client: ClientFirst, nonce: bytes, channel: bytes) -> tuple[bytes, bytes]:
    without_proof, sep, encoded = data.rpartition(b",p=")
    expected = b"c=" + base64.b64encode(client.gs2_header + channel) + b",r=" + nonce
    if not sep or not hmac.compare_digest(without_proof, expected):
        raise Malformed("a SCRAM proof for another exchange")
    proof = _decode(encoded)
    if len(proof) != 32:
        raise Malformed("a SCRAM proof of the wrong size")
    return without_proof, proof


def _decode(encoded: bytes) -> bytes:
    try:
        return base64.b64decode(encoded, validate=True)
    except binascii.Error:
        raise Malformed("a SCRAM message that is not base64") from None


@dataclass(slots=True, kw_only=True)
class ClientExchange:
    """The client's side of one exchange, with a target. could_bind: there is TLS, but the target offered no binding to it."""

    password: str
    nonce: bytes
    channel: bytes = b""
    could_bind: bool = False
    _bare: bytes = field(default=b"", init=False)
    _expected: bytes = field(default=b"", init=False)

    def first(self) -> bytes:
        """The client-first-message; the user name is empty, PostgreSQL takes the StartupMessage's."""
        self._bare = b"n=,r=" + self.nonce
        return self._gs2_header() + self._bare

    def _gs2_header(self) -> bytes:
        return (BOUND if self.channel else COULD_BIND if self.could_bind else UNBOUND) + b",,"

    def final(self, server_first: bytes) -> bytes:
        """The client-final-message. Costs as many hash rounds as the server asks for: not for the event loop."""
        nonce, salt, iterations = self._read_server_first(server_first)
        salted = hashlib.pbkdf2_hmac("sha256", saslprep(self.password), salt, iterations)
        client_key = hmac.digest(salted, b"Client Key", "sha256")
        without_proof = b"c=" + base64.b64encode(self._gs2_header() + self.channel) + b",r=" + nonce
        message = self._bare + b"," + server_first + b"," + without_proof
        signature = hmac.digest(hashlib.sha256(client_key).digest(), message, "sha256")
        server_key = hmac.digest(salted, b"Server Key", "sha256")
        self._expected = b"v=" + base64.b64encode(hmac.digest(server_key, message, "sha256"))
        proof = bytes(a ^ b for a, b in zip(client_key, signature, strict=True))
        return without_proof + b",p=" + base64.b64encode(proof)

    def _read_server_first(self, data: bytes) -> tuple[bytes, bytes, int]:
        parts = data.split(b",")
        if len(parts) < 3 or not (parts[0][:2], parts[1][:2], parts[2][:2]) == (b"r=", b"s=", b"i="):
            raise Malformed("a SCRAM challenge without nonce, salt and iterations")
        nonce, count = parts[0][2:], parts[2][2:]
        if not nonce.startswith(self.nonce) or nonce == self.nonce:
            raise Malformed("a SCRAM challenge for another exchange")
        if not count.isdigit() or not 1 <= int(count) <= MAX_ITERATIONS:
            raise Malformed("a SCRAM challenge with an impossible number of iterations")
        return nonce, _decode(parts[1][2:]), int(count)

    def verify(self, server_final: bytes) -> bool:
        """Whether the server knows the password too. One that does not is not our target."""
        return bool(self._expected) and hmac.compare_digest(server_final, self._expected)
