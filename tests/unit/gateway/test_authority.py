"""The local authority: made once, its certificate renewed under it, and unable to vouch for anybody else."""

from __future__ import annotations

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from jupyter_govern_gateway import authority
from jupyter_govern_gateway.authority import AUTHORITY_LIVES, CERTIFICATE_LIVES, RENEW_BEFORE, LocalAuthority, names_of

from .handshakes import shake

NOW = datetime.now(UTC)
NAMES = names_of("gateway.example.org", "10.1.2.3", "0.0.0.0")  # noqa: S104


def read(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def test_names_are_those_of_this_machine_and_those_given(tmp_path: Path) -> None:
    local = LocalAuthority(tmp_path, NAMES)
    assert local.ensure(NOW) == "authority"
    found = read(local.certificate).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert found.get_values_for_type(x509.DNSName) == ["localhost", "gateway.example.org"]
    assert [str(each) for each in found.get_values_for_type(x509.IPAddress)] == ["127.0.0.1", "::1", "10.1.2.3"]


def test_secrets_are_for_their_owner_alone(tmp_path: Path) -> None:
    LocalAuthority(tmp_path / "tls", NAMES).ensure(NOW)
    for name in ("key.pem", "ca.key"):
        assert stat.S_IMODE((tmp_path / "tls" / name).stat().st_mode) == 0o600


@pytest.mark.parametrize("name", ["localhost", "gateway.example.org", "10.1.2.3"])
def test_clients_that_trust_the_authority_accept_the_certificate(tmp_path: Path, name: str) -> None:
    local = LocalAuthority(tmp_path, NAMES)
    local.ensure(NOW)
    assert shake(local, ca=local.ca, name=name).problem == ""
    assert "mismatch" in shake(local, ca=local.ca, name="other.example.org").problem.lower()


def test_nothing_is_made_twice(tmp_path: Path) -> None:
    LocalAuthority(tmp_path, NAMES).ensure(NOW)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    assert LocalAuthority(tmp_path, NAMES).ensure(NOW + CERTIFICATE_LIVES - RENEW_BEFORE - timedelta(days=1)) == ""
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_the_certificate_is_renewed_under_the_same_authority(tmp_path: Path) -> None:
    local = LocalAuthority(tmp_path, NAMES)
    local.ensure(NOW)
    ca, certificate = local.ca.read_bytes(), read(local.certificate)
    later = certificate.not_valid_after_utc - RENEW_BEFORE
    assert local.ensure(later) == "certificate"
    assert local.ca.read_bytes() == ca and read(local.certificate).serial_number != certificate.serial_number
    assert read(local.certificate).not_valid_after_utc >= later + CERTIFICATE_LIVES - timedelta(seconds=1)


def test_a_certificate_never_outlives_its_authority(tmp_path: Path) -> None:
    local = LocalAuthority(tmp_path, NAMES)
    local.ensure(NOW)
    local.ensure(NOW + AUTHORITY_LIVES - RENEW_BEFORE - timedelta(days=2))
    assert read(local.certificate).not_valid_after_utc <= read(local.ca).not_valid_after_utc
    assert local.ensure(NOW + AUTHORITY_LIVES - RENEW_BEFORE + timedelta(days=1)) == "authority"


def test_another_name_needs_another_authority_and_fewer_names_do_not(tmp_path: Path) -> None:
    LocalAuthority(tmp_path, NAMES).ensure(NOW)
    assert LocalAuthority(tmp_path, names_of("gateway.example.org")).ensure(NOW) == "certificate"
    assert LocalAuthority(tmp_path, names_of("new.example.org")).ensure(NOW) == "authority"


@pytest.mark.parametrize("lost", ["ca.key", "ca.pem", "cert.pem", "key.pem"])
@pytest.mark.parametrize("how", ["gone", "garbage", "another's"])
def test_what_is_lost_or_broken_is_made_anew(tmp_path: Path, lost: str, how: str) -> None:
    local = LocalAuthority(tmp_path / "a", NAMES)
    local.ensure(NOW)
    other = LocalAuthority(tmp_path / "b", NAMES)
    other.ensure(NOW)
    file = tmp_path / "a" / lost
    file.unlink() if how == "gone" else file.write_bytes(b"no" if how == "garbage" else (tmp_path / "b" / lost).read_bytes())
    assert local.ensure(NOW) == ("authority" if lost.startswith("ca") else "certificate")
    assert shake(local, ca=local.ca, name="localhost").problem == ""


def test_the_authority_vouches_for_nobody_else(tmp_path: Path) -> None:
    """Its key is on the gateway's disk: whoever steals it must not become the bank of those who trust it."""
    local = LocalAuthority(tmp_path, NAMES)
    local.ensure(NOW)
    signed = authority._certificate(
        read(local.ca), local._load_key(), key := ec.generate_private_key(ec.SECP256R1()), ("bank.example.com",), NOW
    )
    (tmp_path / "cert.pem").write_bytes(signed.public_bytes(authority.serialization.Encoding.PEM))
    (tmp_path / "key.pem").write_bytes(authority._pem(key))
    assert "permitted subtree" in shake(local, ca=local.ca, name="bank.example.com").problem
