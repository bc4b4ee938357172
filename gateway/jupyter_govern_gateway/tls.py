"""TLS of the gateway's listeners: the configured certificate, or one of the local authority in state_dir/tls. TLS 1.2 or newer.

Never a self-signed certificate that people must click away: clients verify against ca.pem, see `jupyter govern trust`. A changed
certificate counts for new connections; what is open stays open.
"""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from jupyter_govern.config.model import Tls
from jupyter_govern.errors import ConfigError
from jupyter_govern_gateway.authority import LocalAuthority

RENEW_CHECK_SECONDS: Final = 3600.0
"""How often the gateway looks whether its certificate has to be renewed."""
WARN_BEFORE: Final = timedelta(days=21)
"""A configured certificate that ends sooner is warned of: nobody but its owner can renew it."""
ALPN: Final = "postgresql"
"""The protocol's name in TLS handshakes (IANA); PostgreSQL 17 and newer ask for it."""


class ListenerTls:
    """context: for the API, for good. wire: the same for PostgreSQL clients, which may name their protocol. ca_file: what clients verify
    against, "" where their system knows the authority."""

    def __init__(self, certificate: Path, key: Path, *, ca_file: str, local: LocalAuthority | None) -> None:
        """Raises OSError or ssl.SSLError where the certificate or its key cannot be used."""
        self.ca_file = ca_file
        self._certificate, self._key, self._local = certificate, key, local
        self._read()
        # a context of its own for each certificate, taken at each handshake: loading a second one into the same context would
        # leave the first in it where their keys are of different kinds, and some clients would get that
        self.context, self.wire = _context(certificate, key), _context(certificate, key, ALPN)
        self.context.sni_callback = self.wire.sni_callback = self._choose

    def _choose(self, connection: ssl.SSLSocket | ssl.SSLObject, name: str | None, context: ssl.SSLContext) -> None:
        connection.context = self._wire if context is self.wire else self._current

    def _read(self) -> None:
        self._current, self._wire = _context(self._certificate, self._key), _context(self._certificate, self._key, ALPN)
        leaf = x509.load_pem_x509_certificates(self._certificate.read_bytes())[0]
        self._end_point = end_point(leaf.public_bytes(serialization.Encoding.DER))

    def end_point(self) -> bytes:
        """What a log-in can be bound to now. One that began under the certificate before fails, and is tried again."""
        return self._end_point

    def reload(self) -> None:
        """Read certificate and key anew; new connections get them. Raises ConfigError, and then the old ones stay."""
        try:
            self._read()
        except (OSError, ssl.SSLError) as error:
            raise _unusable(error) from error

    def renew(self, now: datetime | None = None) -> str:
        """Renew the local certificate if it is time; what was made, as LocalAuthority.ensure says. Raises ConfigError."""
        if self._local is None:
            return ""
        try:
            made = self._local.ensure(now)
        except OSError as error:
            raise _unusable(error) from error
        if made:
            self.reload()
        return made

    def ends_soon(self, now: datetime | None = None) -> str:
        """When a configured certificate ends, if that is within WARN_BEFORE; else ""."""
        if self._local is not None:
            return ""
        try:
            end = x509.load_pem_x509_certificate(self._certificate.read_bytes()).not_valid_after_utc
        except (OSError, ValueError):
            return ""  # what is in use was read before; reload says what is wrong with the file now
        return f"{end:%Y-%m-%d %H:%M} UTC" if end - (now or datetime.now(UTC)) < WARN_BEFORE else ""


def listener_tls(
    config: Tls | None, state_dir: Path, directory: Path, names: Sequence[str], say: Callable[[str], None] = print
) -> ListenerTls:
    """names: what a local certificate is for. Raises ConfigError where a certificate cannot be used."""
    try:
        if config is not None and config.certificate:
            ca_file = str(directory / config.ca) if config.ca else ""
            return ListenerTls(directory / config.certificate, directory / config.key, ca_file=ca_file, local=None)
        local = LocalAuthority(state_dir / "tls", [*names, *(config.names if config is not None else ())])
        if local.ensure() == "authority":
            say(f"a new local authority was made, for {', '.join(names)}: `jupyter govern trust` says how clients come to trust it")
        return ListenerTls(local.certificate, local.key, ca_file=str(local.ca), local=local)
    except (OSError, ssl.SSLError) as error:
        raise _unusable(error) from error


def _unusable(error: OSError) -> ConfigError:
    reason = getattr(error, "strerror", None) or error
    return ConfigError(f"the certificate or its key cannot be used: {reason}", key="gateway.tls")


def end_point(certificate: bytes) -> bytes:
    """tls-server-end-point (RFC 5929 section 4.1) of a certificate in DER; empty where its signature names no hash (Ed25519)."""
    algorithm = x509.load_der_x509_certificate(certificate).signature_hash_algorithm
    if algorithm is None:
        return b""
    name = "sha256" if algorithm.name in ("md5", "sha1") else algorithm.name
    return hashlib.new(name, certificate).digest()


def _context(certificate: Path, key: Path, protocol: str = "") -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # an encrypted key must fail, not ask on the terminal of whoever started us
    context.load_cert_chain(certificate, key, password="")
    if protocol:
        context.set_alpn_protocols([protocol])
    return context
