"""TLS with real parts: a PostgreSQL that wants the gateway's certificate and none else; certificates and secrets that change under
open sessions."""

from __future__ import annotations

import datetime
import os
import shutil
import ssl
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from cryptography import x509
from kernel_rig import wait_until
from pgwire_rig import Rig

from jupyter_govern_gateway.authority import CERTIFICATE_LIVES

TARGET = """
[[target]]
name = "shop"
kind = "postgresql"
host = "localhost"
port = {port}
database = "postgres"
user = "gateway"
ca = "ca.pem"
tls_certificate = "client.pem"
tls_key = {{ file = "client.key" }}
{password}
"""
HBA = """
local   all all                trust
hostssl all gateway  127.0.0.1/32 {method}
hostssl all gateway  ::1/128      {method}
host    all postgres 127.0.0.1/32 scram-sha-256
"""


def postgres_with_tls() -> Path:
    """The embedded server speaks no TLS; Debian's does, and others that $PG_TLS_BIN names."""
    candidates = [Path(given)] if (given := os.environ.get("PG_TLS_BIN")) else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    for folder in reversed(candidates):
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    pytest.skip("no PostgreSQL server with TLS: install Debian's postgresql, or set PG_TLS_BIN")


def openssl(folder: Path, *words: str) -> None:
    subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)


def issue(folder: Path, name: str, subject: str, *, authority: str = "ca") -> None:
    """name.pem and name.key, signed by the authority."""
    new = ["-new", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={subject}"]
    openssl(folder, "req", *new, "-keyout", f"{name}.key", "-out", f"{name}.csr")
    (folder / "ext").write_text(f"subjectAltName=DNS:{subject}\n")
    openssl(
        folder, "x509", "-req", "-in", f"{name}.csr", "-CA", f"{authority}.pem", "-CAkey", f"{authority}.key", "-days", "30",
        "-extfile", "ext", "-out", f"{name}.pem",
    )  # fmt: skip


def make_authority(folder: Path, name: str) -> None:
    new = ["-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", f"/CN={name}"]
    openssl(folder, "req", *new, "-keyout", f"{name}.key", "-out", f"{name}.pem")


class MutualRig(Rig):
    """The target wants a certificate for its user: `cert` instead of a password, or both with clientcert=verify-full."""

    method = "cert"

    def __enter__(self) -> MutualRig:
        self.postgres.bin = postgres_with_tls()
        make_authority(self.directory, "ca")
        make_authority(self.directory, "stranger")
        issue(self.directory, "server", "localhost")
        issue(self.directory, "client", "gateway")
        launch = self.postgres._launch

        def launch_with_tls() -> None:
            for name in ("server.pem", "server.key", "ca.pem"):
                copy = self.postgres.data / name
                shutil.copy(self.directory / name, copy)
                self.postgres._own(copy)
                copy.chmod(0o600)
            (self.postgres.data / "pg_hba.conf").write_text(HBA.format(method=self.method))
            launch()

        self.postgres._launch = launch_with_tls  # type: ignore[method-assign]
        self.postgres.settings |= {"ssl": "on", "ssl_cert_file": "server.pem", "ssl_key_file": "server.key", "ssl_ca_file": "ca.pem"}
        super().__enter__()
        return self

    def policy(self, more: str = "") -> str:
        text = super().policy(more)
        head, _, rest = text.partition("[[target]]")
        rules = rest[rest.index("[[rule]]") :]
        password = 'password = { file = "right" }' if self.method != "cert" else ""
        return head + TARGET.format(port=self.postgres.port, password=password) + rules

    def log(self, kind: str, event: str) -> list[dict[str, Any]]:
        return [entry for entry in self.gateway_log() if (entry["type"], entry.get("event")) == (kind, event)]

    def reload(self) -> None:
        """What SIGHUP does."""
        self.run(self.app.upkeep.reload)

    def served(self) -> int:
        """The serial number of the certificate that the listener shows now."""
        command = ["openssl", "s_client", "-starttls", "postgres", "-connect", f"127.0.0.1:{self.port}"]
        said = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=20).stdout
        return x509.load_pem_x509_certificate(ssl_pem(said).encode()).serial_number


def ssl_pem(text: str) -> str:
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    return text[text.index(begin) : text.index(end) + len(end)] + "\n"


@pytest.fixture(scope="module")
def rig() -> Iterator[MutualRig]:
    with MutualRig() as started:
        yield started


@pytest.fixture(scope="module")
def both() -> Iterator[MutualRig]:
    class Both(MutualRig):
        method = "scram-sha-256 clientcert=verify-full"

    with Both() as started:
        yield started


def test_a_target_that_takes_certificates_only(rig: MutualRig) -> None:
    with rig.connect("ben") as connection:
        assert connection.execute("select count(*) from customers").fetchone() == (3,)
        row = connection.execute("select client_dn, version from pg_stat_ssl where pid = pg_backend_pid()").fetchone()
    assert row == ("/CN=gateway", "TLSv1.3")


def test_the_target_refuses_everybody_else(rig: MutualRig) -> None:
    """So that the test above shows something."""
    with pytest.raises(psycopg.OperationalError, match="certificate"):
        psycopg.connect(f"host=127.0.0.1 port={rig.postgres.port} user=gateway dbname=postgres password=target-password sslmode=require")


def test_certificate_and_password(both: MutualRig) -> None:
    with both.connect() as connection:
        assert connection.execute("select count(*) from customers").fetchone() == (3,)


def test_a_cancel_reaches_such_a_target(rig: MutualRig) -> None:
    with rig.connect() as connection:
        began = time.monotonic()
        connection.execute("set statement_timeout = 0")
        threading.Timer(0.5, connection.cancel_safe).start()
        with pytest.raises(psycopg.errors.QueryCanceled):
            connection.execute("select pg_sleep(20)")
        assert time.monotonic() - began < 10


def test_a_new_certificate_and_key_count_from_sighup_on_and_open_sessions_stay(both: MutualRig) -> None:
    before = len(both.log("secret", "rotated"))
    with both.connect() as old:
        pid = old.execute("select pg_backend_pid()").fetchone()
        issue(both.directory, "client", "gateway")
        new = x509.load_pem_x509_certificate((both.directory / "client.pem").read_bytes())
        both.reload()
        wait_until(lambda: len(both.log("secret", "rotated")) > before, 20)
        assert both.log("secret", "rotated")[-1]["targets"] == ["shop"]
        with both.connect("ben") as fresh:
            serial = fresh.execute("select client_serial from pg_stat_ssl where pid = pg_backend_pid()").fetchone()
            assert serial is not None and int(serial[0]) == new.serial_number
        assert old.execute("select pg_backend_pid()").fetchone() == pid


def test_a_rotated_password_counts_without_a_restart(both: MutualRig) -> None:
    before = len(both.log("secret", "rotated"))
    with psycopg.connect(both.postgres.conninfo(), autocommit=True) as owner:
        owner.execute("alter role gateway password 'the next one'")
    try:
        with pytest.raises(psycopg.OperationalError, match="own credential was refused"):
            both.connect()
        (both.directory / "right").write_text("the next one\n")
        both.reload()
        wait_until(lambda: len(both.log("secret", "rotated")) > before, 20)
        with both.connect() as connection:
            assert connection.execute("select 1").fetchone() == (1,)
        assert b"the next one" not in both.everything_written() and b"target-password" not in both.everything_written()
    finally:
        with psycopg.connect(both.postgres.conninfo(), autocommit=True) as owner:
            owner.execute("alter role gateway password 'target-password'")
        (both.directory / "right").write_text("target-password")
        both.reload()


def test_what_cannot_be_read_leaves_what_is_in_use(rig: MutualRig) -> None:
    good = (rig.directory / "client.key").read_text()
    before = len(rig.log("secret", "refused"))
    (rig.directory / "client.key").write_text("no key")
    try:
        rig.reload()
        wait_until(lambda: len(rig.log("secret", "refused")) > before, 20)
        problem = rig.log("secret", "refused")[-1]["problem"]
        assert "target.shop.tls_certificate" in problem and "no key" not in problem
        with rig.connect() as connection:
            assert connection.execute("select 1").fetchone() == (1,)
    finally:
        (rig.directory / "client.key").write_text(good)


def test_a_certificate_of_a_stranger_opens_nothing(rig: MutualRig) -> None:
    kept = [(rig.directory / name).read_bytes() for name in ("client.pem", "client.key")]
    issue(rig.directory, "client", "gateway", authority="stranger")
    before = len(rig.log("secret", "rotated"))
    try:
        rig.reload()
        wait_until(lambda: len(rig.log("secret", "rotated")) > before, 20)
        with pytest.raises(psycopg.OperationalError, match='target "shop" cannot be reached'):
            rig.connect()
    finally:
        for name, data in zip(("client.pem", "client.key"), kept, strict=True):
            (rig.directory / name).write_bytes(data)
        before = len(rig.log("secret", "rotated"))
        rig.reload()
        wait_until(lambda: len(rig.log("secret", "rotated")) > before, 20)


def test_the_listeners_certificate_is_renewed_under_an_open_session(rig: MutualRig) -> None:
    with rig.connect() as connection:
        before = rig.served()
        soon = datetime.datetime.now(datetime.UTC) + CERTIFICATE_LIVES - datetime.timedelta(days=20)
        rig.run(lambda: rig.app.upkeep.renew(soon))
        assert rig.served() != before
        assert rig.log("tls", "renewed")[-1]["what"] == "certificate"
        assert connection.execute("select 1").fetchone() == (1,)


@pytest.mark.parametrize(("words", "is_spoken"), [(["-tls1"], False), (["-tls1_1"], False), (["-tls1_2"], True), (["-tls1_3"], True)])
def test_versions_on_the_wire(rig: MutualRig, words: list[str], is_spoken: bool) -> None:
    command = ["openssl", "s_client", "-starttls", "postgres", "-connect", f"127.0.0.1:{rig.port}", "-cipher", "ALL:@SECLEVEL=0", *words]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=20, env=os.environ)
    assert ("Cipher is (NONE)" not in done.stdout and "Cipher is" in done.stdout) is is_spoken


def test_https_for_the_api_with_the_local_authority() -> None:
    class Https(Rig):
        def policy(self, more: str = "") -> str:
            return super().policy(more).replace("[identity.local]", "[gateway.tls]\n[identity.local]", 1)

    with Https() as started:
        assert started.app.api.url.startswith("https://127.0.0.1:")
        context = ssl.create_default_context(cafile=started.authority)
        with urllib.request.urlopen(f"{started.app.api.url}/healthz", context=context, timeout=20) as answer:
            assert answer.status == 200
        with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
            urllib.request.urlopen(f"{started.app.api.url}/healthz", timeout=20, context=ssl.create_default_context())
