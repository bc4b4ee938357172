"""The certificate of the gateway's listeners: the configured one, or a development authority and certificate made in state_dir/tls.

Never a self-signed certificate that people must click away: clients verify against ca.pem, which the gateway names on start.
"""

from __future__ import annotations

import hashlib
import ipaddress
import os
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from jupyter_govern.config.model import Tls
from jupyter_govern.errors import ConfigError

LIFETIME: Final = timedelta(days=365)
RENEW_BEFORE: Final = timedelta(days=30)
ALPN: Final = "postgresql"
"""The protocol's name in TLS handshakes (IANA); PostgreSQL 17 and newer ask for it."""
NAMES: Final = ("localhost",)
ADDRESSES: Final = ("127.0.0.1", "::1")


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenerTls:
    """context: TLS 1.2 or newer. ca_file: what clients verify against, "" where their system knows the authority.

    wire: the same for PostgreSQL clients, which may name their protocol. end_point: what a log-in can be bound to."""

    context: ssl.SSLContext
    wire: ssl.SSLContext
    ca_file: str
    end_point: bytes


def listener_tls(config: Tls | None, state_dir: Path, directory: Path) -> ListenerTls:
    """Raises ConfigError where a configured certificate cannot be used."""
    if config is None:
        folder = state_dir / "tls"
        _ensure_development_certificate(folder)
        return _listener(folder / "cert.pem", folder / "key.pem", str(folder / "ca.pem"))
    try:
        return _listener(directory / config.certificate, directory / config.key, str(directory / config.ca) if config.ca else "")
    except (OSError, ssl.SSLError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(f"the certificate or its key cannot be used: {reason}", key="gateway.tls") from error


def _listener(certificate: Path, key: Path, ca_file: str) -> ListenerTls:
    context, wire = _context(certificate, key), _context(certificate, key)
    wire.set_alpn_protocols([ALPN])
    leaf = x509.load_pem_x509_certificates(certificate.read_bytes())[0]
    return ListenerTls(
        context=context, wire=wire, ca_file=ca_file, end_point=end_point(leaf.public_bytes(serialization.Encoding.DER))
    )


def end_point(certificate: bytes) -> bytes:
    """tls-server-end-point (RFC 5929 section 4.1) of a certificate in DER; empty where its signature names no hash (Ed25519)."""
    algorithm = x509.load_der_x509_certificate(certificate).signature_hash_algorithm
    if algorithm is None:
        return b""
    name = "sha256" if algorithm.name in ("md5", "sha1") else algorithm.name
    return hashlib.new(name, certificate).digest()


def _context(certificate: Path, key: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate, key)
    return context


def _ensure_development_certificate(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if (folder / "cert.pem").exists() and (folder / "key.pem").exists() and (folder / "ca.pem").exists():
        known = x509.load_pem_x509_certificate((folder / "cert.pem").read_bytes())
        if known.not_valid_after_utc - datetime.now(UTC) > RENEW_BEFORE:
            return
    authority_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority = _sign("jupyter-govern development authority", authority_key, None, authority_key)
    certificate = _sign("jupyter-govern gateway", key, authority, authority_key)
    # the authority's key is thrown away: it can sign nothing else, ever
    _write(folder / "ca.pem", authority.public_bytes(serialization.Encoding.PEM), 0o644)
    _write(folder / "key.pem", _pem(key), 0o600)
    _write(folder / "cert.pem", certificate.public_bytes(serialization.Encoding.PEM), 0o644)


def _sign(
    name: str, key: ec.EllipticCurvePrivateKey, issuer: x509.Certificate | None, issuer_key: ec.EllipticCurvePrivateKey
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer is not None else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + LIFETIME)
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=0 if issuer is None else None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )
    usage = {"digital_signature": issuer is not None, "key_cert_sign": issuer is None, "crl_sign": issuer is None}
    builder = builder.add_extension(
        x509.KeyUsage(
            **usage,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            encipher_only=False,
            decipher_only=False,
        ),
        critical=True,
    )
    if issuer is not None:
        names = [*map(x509.DNSName, NAMES), *(x509.IPAddress(ipaddress.ip_address(address)) for address in ADDRESSES)]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def _write(path: Path, data: bytes, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
