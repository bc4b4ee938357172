"""The gateway's own local authority, and the certificate it signs: for laptops, the demo, and networks without an authority of their own.

The authority lives for years and is what people trust once; the certificate lives for weeks and is renewed under it. The authority can
sign for this gateway's names only (name constraints, RFC 5280 section 4.2.1.10): who steals its key cannot be anybody else with it.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from jupyter_govern import private_files

AUTHORITY_LIVES: Final = timedelta(days=3650)
CERTIFICATE_LIVES: Final = timedelta(days=90)
RENEW_BEFORE: Final = timedelta(days=30)
"""What is left of a certificate when it is renewed, and of an authority when a new one is made."""
LOCAL_NAMES: Final = ("localhost", "127.0.0.1", "::1")
ANYWHERE: Final = frozenset({"0.0.0.0", "::", ""})  # noqa: S104 - the words for it, nothing is bound here
CLOCKS_APART: Final = timedelta(minutes=5)


def names_of(*hosts: str) -> tuple[str, ...]:
    """The names that a certificate must have: this machine's own and these, without what only means any address."""
    return tuple(dict.fromkeys([*LOCAL_NAMES, *(host.lower() for host in hosts if host not in ANYWHERE)]))


class LocalAuthority:
    """ca.pem, ca.key, cert.pem and key.pem in a folder; names: DNS names and addresses."""

    def __init__(self, folder: Path, names: Sequence[str]) -> None:
        self._folder, self._names = folder, tuple(names)
        self.ca, self.certificate, self.key = folder / "ca.pem", folder / "cert.pem", folder / "key.pem"
        self._ca_key = folder / "ca.key"

    def ensure(self, now: datetime | None = None) -> str:
        """Make or renew what has to be. What was made: `authority` (people must trust it anew), `certificate`, or "" for nothing."""
        now = now or datetime.now(UTC)
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        authority = self._usable_authority(now)
        if authority is not None and self._is_current(authority, now):
            return ""
        made = "certificate"
        if authority is None:
            made, authority = "authority", self._make_authority(now)
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _certificate(authority, self._load_key(), key, self._names, now)
        private_files.replace(self.key, _pem(key))
        private_files.replace(self.certificate, certificate.public_bytes(serialization.Encoding.PEM), mode=0o644)
        return made

    def _usable_authority(self, now: datetime) -> x509.Certificate | None:
        try:
            authority = x509.load_pem_x509_certificate(self.ca.read_bytes())
            if self._load_key().public_key() != authority.public_key():
                return None
            permitted = authority.extensions.get_extension_for_class(x509.NameConstraints).value.permitted_subtrees or []
        except (OSError, ValueError, TypeError, x509.ExtensionNotFound):
            return None  # also those of former versions, which could sign nothing any more
        has_time = authority.not_valid_after_utc - now > RENEW_BEFORE
        return authority if has_time and set(permitted) >= set(_constraints(self._names)) else None

    def _is_current(self, authority: x509.Certificate, now: datetime) -> bool:
        try:
            known = x509.load_pem_x509_certificate(self.certificate.read_bytes())
            key = serialization.load_pem_private_key(self.key.read_bytes(), None)
            known.verify_directly_issued_by(authority)
            has = known.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        except Exception:  # whatever is wrong with it, a new one is made
            return False
        is_whole = key.public_key() == known.public_key() and set(has) == set(_general_names(self._names))
        return is_whole and known.not_valid_after_utc - now > RENEW_BEFORE

    def _make_authority(self, now: datetime) -> x509.Certificate:
        key = ec.generate_private_key(ec.SECP256R1())
        authority = _authority(key, self._names, now)
        private_files.replace(self._ca_key, _pem(key))
        private_files.replace(self.ca, authority.public_bytes(serialization.Encoding.PEM), mode=0o644)
        return authority

    def _load_key(self) -> ec.EllipticCurvePrivateKey:
        key = serialization.load_pem_private_key(self._ca_key.read_bytes(), None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise TypeError("not a key of ours")
        return key


def _authority(key: ec.EllipticCurvePrivateKey, names: Sequence[str], now: datetime) -> x509.Certificate:
    # a number of its own in the name: a browser that knew the last authority must not take one for the other
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"jupyter-govern local authority {os.urandom(4).hex()}")])
    return (
        _builder(name, name, key, key, now, AUTHORITY_LIVES)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(is_authority=True), critical=True)
        .add_extension(x509.NameConstraints(permitted_subtrees=_constraints(names), excluded_subtrees=None), critical=True)
        .sign(key, hashes.SHA256())
    )


def _certificate(
    authority: x509.Certificate,
    authority_key: ec.EllipticCurvePrivateKey,
    key: ec.EllipticCurvePrivateKey,
    names: Sequence[str],
    now: datetime,
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "jupyter-govern gateway")])
    lives = min(CERTIFICATE_LIVES, authority.not_valid_after_utc - now)
    return (
        _builder(subject, authority.subject, key, authority_key, now, lives)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(is_authority=False), critical=True)
        .add_extension(x509.SubjectAlternativeName(_general_names(names)), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(authority_key, hashes.SHA256())
    )


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    issuer_key: ec.EllipticCurvePrivateKey,
    now: datetime,
    lives: timedelta,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCKS_APART)
        .not_valid_after(now + lives)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )


def _usage(*, is_authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not is_authority,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _general_names(names: Sequence[str]) -> list[x509.GeneralName]:
    found: list[x509.GeneralName] = []
    for name in names:
        try:
            found.append(x509.IPAddress(ipaddress.ip_address(name)))
        except ValueError:
            found.append(x509.DNSName(name))
    return found


def _constraints(names: Sequence[str]) -> list[x509.GeneralName]:
    """Just these names; a DNS name admits what is below it too, that is the standard's."""
    found: list[x509.GeneralName] = []
    for name in _general_names(names):
        match name:
            case x509.IPAddress():
                found.append(x509.IPAddress(ipaddress.ip_network(str(name.value))))
            case x509.DNSName():
                found.append(x509.DNSName(name.value.removeprefix("*.")))
    return found


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
