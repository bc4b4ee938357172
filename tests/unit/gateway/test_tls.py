"""The listeners' TLS: versions, what is served after a reload, and what cannot be used."""

from __future__ import annotations

import ssl
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from jupyter_govern.config.model import Tls
from jupyter_govern.errors import ConfigError
from jupyter_govern_gateway.authority import CERTIFICATE_LIVES, LocalAuthority, names_of
from jupyter_govern_gateway.tls import ListenerTls, listener_tls

from .handshakes import Shaken, meet

NAMES = names_of()


def made(tmp_path: Path) -> ListenerTls:
    return listener_tls(None, tmp_path, tmp_path, NAMES, lambda line: None)


def client(tls: ListenerTls, **bounds: ssl.TLSVersion) -> Shaken:
    context = ssl.create_default_context(cafile=tls.ca_file)
    for name, version in bounds.items():
        setattr(context, name, version)
    return meet(tls.context, context, "localhost")


def serial(shaken: Shaken) -> int:
    assert shaken.problem == ""
    return x509.load_der_x509_certificate(shaken.certificate).serial_number


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_old_versions_are_refused(tmp_path: Path, version: ssl.TLSVersion) -> None:
    tls = made(tmp_path)
    context = ssl.create_default_context(cafile=tls.ca_file)
    context.set_ciphers("ALL:@SECLEVEL=0")  # so that it is the server that refuses, not this client
    context.minimum_version = context.maximum_version = version
    server_says = meet(tls.context, context, "localhost").problem
    assert "UNSUPPORTED_PROTOCOL" in server_says or "PROTOCOL_VERSION" in server_says.upper()


def test_new_versions_are_spoken(tmp_path: Path) -> None:
    tls = made(tmp_path)
    assert client(tls).version == "TLSv1.3"
    assert client(tls, maximum_version=ssl.TLSVersion.TLSv1_2).version == "TLSv1.2"


def test_a_renewed_certificate_is_served_at_once(tmp_path: Path) -> None:
    tls = made(tmp_path)
    before = serial(client(tls))
    assert tls.renew(datetime.now(UTC)) == "" and serial(client(tls)) == before
    assert tls.renew(datetime.now(UTC) + CERTIFICATE_LIVES - timedelta(days=20)) == "certificate"
    after = client(tls)
    assert "not yet valid" in after.problem or serial(after) != before


def own(tmp_path: Path, *, algorithm: str, days: int = 100) -> int:
    """A certificate of the operator's own at certificate.pem; its serial number."""
    kind = ["rsa:2048"] if algorithm == "rsa" else ["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    command = ["openssl", "req", "-x509", "-nodes", "-newkey", *kind, "-days", str(days), "-subj", "/CN=localhost"]
    command += ["-addext", "subjectAltName=DNS:localhost", "-keyout", "key.pem", "-out", "certificate.pem"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    return x509.load_pem_x509_certificate((tmp_path / "certificate.pem").read_bytes()).serial_number


CONFIGURED = Tls(certificate="certificate.pem", key="key.pem", ca="certificate.pem")


def test_a_certificate_of_another_kind_replaces_the_one_before_for_every_client(tmp_path: Path) -> None:
    """A context that is given a second certificate keeps the first one for clients that like its kind of key better."""
    rsa = own(tmp_path, algorithm="rsa")
    tls = listener_tls(CONFIGURED, tmp_path, tmp_path, NAMES)
    assert serial(client(tls)) == rsa
    elliptic = own(tmp_path, algorithm="ec")
    tls.reload()
    assert serial(client(tls)) == serial(client(tls, maximum_version=ssl.TLSVersion.TLSv1_2)) == elliptic
    context = ssl.create_default_context(cafile=tls.ca_file)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE-RSA-AES128-GCM-SHA256")
    assert meet(tls.context, context, "localhost").problem != ""


def test_a_broken_file_leaves_the_certificate_in_use(tmp_path: Path) -> None:
    first = own(tmp_path, algorithm="ec")
    tls = listener_tls(CONFIGURED, tmp_path, tmp_path, NAMES)
    (tmp_path / "key.pem").write_text("no key")
    with pytest.raises(ConfigError, match=r"gateway\.tls"):
        tls.reload()
    assert serial(client(tls)) == first


def test_an_encrypted_key_fails_and_does_not_ask(tmp_path: Path) -> None:
    own(tmp_path, algorithm="rsa")
    command = ["openssl", "rsa", "-aes128", "-passout", "pass:secret", "-in", "key.pem", "-out", "locked.pem"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    with pytest.raises(ConfigError, match="cannot be used"):
        listener_tls(Tls(certificate="certificate.pem", key="locked.pem"), tmp_path, tmp_path, NAMES)


def test_the_end_of_a_configured_certificate_is_told_in_time(tmp_path: Path) -> None:
    own(tmp_path, algorithm="ec", days=30)
    tls = listener_tls(CONFIGURED, tmp_path, tmp_path, NAMES)
    assert tls.ends_soon() == ""
    assert tls.ends_soon(datetime.now(UTC) + timedelta(days=10)) != ""
    assert made(tmp_path).ends_soon(datetime.now(UTC) + timedelta(days=80)) == ""


def test_names_go_into_the_local_certificate(tmp_path: Path) -> None:
    said: list[str] = []
    tls = listener_tls(Tls(names=("db.example.org",)), tmp_path, tmp_path, NAMES, said.append)
    assert meet(tls.context, ssl.create_default_context(cafile=tls.ca_file), "db.example.org").problem == ""
    assert len(said) == 1 and "jupyter govern trust" in said[0]


def test_an_authority_that_people_trust_stays_over_starts(tmp_path: Path) -> None:
    made(tmp_path)
    known = LocalAuthority(tmp_path / "tls", NAMES).ca.read_bytes()
    again = made(tmp_path)
    assert Path(again.ca_file).read_bytes() == known
