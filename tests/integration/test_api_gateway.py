"""The CLI and a gateway as real processes: start, log in, look, connect, interrupt, stop. No database: its target is down."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from jupyter_govern_gateway.identity.accounts import write_accounts

CONFIG = """
[gateway.api]
listen = "127.0.0.1:0"
[gateway.postgresql]
listen = "127.0.0.1:0"
[[target]]
name = "shop"
kind = "postgresql"
host = "127.0.0.1"
port = 1
database = "shop"
user = "gateway"
tls = "disable"
[[rule]]
name = "analysts read"
because = "It is their job."
effect = "allow"
who = { groups = ["analysts"] }
"""
CLI = [sys.executable, "-m", "jupyter_govern.cli"]
SECONDS = 30


@dataclass
class Place:
    """A gateway process and a person's own Jupyter folders."""

    folder: Path
    environment: dict[str, str]
    process: subprocess.Popen[str]

    @property
    def discovery(self) -> Path:
        return self.folder / "runtime" / "govern-gateway.json"

    def run(self, *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*CLI, *arguments], input=typed, capture_output=True, text=True, env=self.environment, timeout=SECONDS, check=False
        )


def environment(folder: Path) -> dict[str, str]:
    own = {f"JUPYTER_{name.upper()}_DIR": str(folder / name) for name in ("data", "runtime", "config")}
    return {key: value for key, value in os.environ.items() if not key.startswith(("JUPYTER_", "PG"))} | own


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    (tmp_path / "govern.toml").write_text(CONFIG)
    write_accounts(tmp_path / "accounts.json", {"ana": ("ana-password", ["analysts"])})
    log = tmp_path / "gateway.log"
    with log.open("w") as out:
        process = subprocess.Popen(
            [*CLI, "gateway", str(tmp_path / "govern.toml")], stdout=out, stderr=out, text=True, env=environment(tmp_path)
        )
    started = Place(folder=tmp_path, environment=environment(tmp_path), process=process)
    try:
        until = time.monotonic() + SECONDS
        while not started.discovery.exists():
            assert process.poll() is None and time.monotonic() < until, log.read_text()
            time.sleep(0.05)
        yield started
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(SECONDS)


def test_a_persons_day(place: Place) -> None:
    assert "not logged in" in place.run("approvals").stderr
    login = place.run("login", "--user", "ana", "--password-stdin", typed="ana-password\n")
    assert login.returncode == 0, login.stderr
    assert place.run("approvals").stdout == "Nothing waits for approval.\n"
    assert place.run("sessions").stdout == "There are no sessions.\n"
    exports = place.run("connect", "--env", "shop").stdout
    said = json.loads(place.discovery.read_text())
    assert f"export PGPORT={said['postgresql']['port']}\n" in exports
    assert f"export PGSSLROOTCERT={said['ca_file']}\n" in exports
    there = place.run(
        "connect", "shop", "--", sys.executable, "-c", "import os; print(os.environ['PGUSER'], os.environ['PGPASSWORD'][:11])"
    )
    assert there.stdout == "ana gov_kernel_\n"
    assert place.run("logout").returncode == 0
    assert "not logged in" in place.run("sessions").stderr


def test_connect_reaches_the_gateway_with_a_stock_driver(place: Place) -> None:
    """psycopg reads the same environment as psql; the gateway lets ana in and says that the target is down."""
    place.run("login", "--user", "ana", "--password-stdin", typed="ana-password\n")
    ran = place.run("connect", "shop", "--", sys.executable, "-c", "import psycopg; psycopg.connect()")
    assert ran.returncode == 1
    assert "shop" in ran.stderr and "password authentication failed" not in ran.stderr


def test_ctrl_c_is_clean(place: Place) -> None:
    process = subprocess.Popen([*CLI, "login"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=place.environment)
    assert process.stdout is not None
    assert process.stdout.readline().startswith("Open  http://127.0.0.1:")
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=SECONDS)
    assert process.returncode == 130 and said.strip() == ""


def test_a_gateway_that_stopped_is_not_found(place: Place) -> None:
    place.run("login", "--user", "ana", "--password-stdin", typed="ana-password\n")
    place.process.terminate()
    assert place.process.wait(SECONDS) == 0
    assert not place.discovery.exists()
    ran = place.run("sessions")
    assert ran.returncode == 1 and "no gateway answers" in ran.stderr and "jupyter govern gateway" in ran.stderr
    assert "Traceback" not in ran.stderr
