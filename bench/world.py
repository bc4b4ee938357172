"""The servers of a measurement: PostgreSQL, a gateway with recording and policy on, pgbouncer where it is installed.

All on loopback and free ports, in a scratch folder, stopped by pid.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo

from jupyter_govern.client import GatewayClient
from jupyter_govern.demo.accounts import write_accounts
from jupyter_govern.demo.postgres import Postgres, free_port
from jupyter_govern.demo.processes import Child

PASSWORD = "bench"  # of an account that exists in the scratch folder only


@dataclass(frozen=True, slots=True, kw_only=True)
class Road:
    """One way to the database, as libpq settings."""

    name: str
    host: str
    port: int
    user: str
    password: str
    database: str
    sslmode: str = "disable"

    def conninfo(self) -> str:
        return make_conninfo(
            host=self.host, port=self.port, user=self.user, password=self.password, dbname=self.database, sslmode=self.sslmode
        )

    def environment(self) -> dict[str, str]:
        return {
            "PGHOST": self.host,
            "PGPORT": str(self.port),
            "PGUSER": self.user,
            "PGPASSWORD": self.password,
            "PGSSLMODE": self.sslmode,
        }


class World:
    """Use as a context manager. `policy` is a govern.toml whose target's port, database and password file are filled in here."""

    def __init__(self, policy: str, database: str, *, settings: dict[str, str] | None = None) -> None:
        self._policy, self.database = policy, database
        self.postgres = Postgres(settings=settings)
        self.folder = Path(tempfile.mkdtemp(prefix="govern-bench-"))
        self._stack = ExitStack()
        self.gateway: Child

    def __enter__(self) -> World:
        try:
            self._stack.callback(shutil.rmtree, self.folder, ignore_errors=True)
            self.postgres.start()
            self._stack.callback(self.postgres.stop)
            with psycopg.connect(self.postgres.conninfo(), autocommit=True) as connection:
                connection.execute(f'create database "{self.database}"')
            self._start_gateway()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def direct(self) -> Road:
        server = self.postgres
        return Road(name="direct", host=server.host, port=server.port, user=server.user, password=server.password, database=self.database)

    def through_gateway(self, user: str = "ana", *, name: str = "gateway", sslmode: str = "disable") -> Road:
        token = GatewayClient(self.api_url).log_in(user, PASSWORD)["token"]
        return Road(name=name, host="127.0.0.1", port=self.port, user=user, password=token, database=self.database, sslmode=sslmode)

    def _start_gateway(self) -> None:
        config = self.folder / "govern.toml"
        config.write_text(self._policy.replace("port = 5432", f"port = {self.postgres.port}"))
        (self.folder / "target.password").write_text(self.postgres.password)
        write_accounts(
            self.folder / "accounts.json",
            {"ana": (PASSWORD, ["analysts"]), "ben": (PASSWORD, ["dba"]), "sam": (PASSWORD, ["masked"]), "dee": (PASSWORD, ["detected"])},
        )
        discovery = self.folder / "runtime" / "govern-gateway.json"
        environment = {**os.environ, "JUPYTER_RUNTIME_DIR": str(discovery.parent), "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
        command = [sys.executable, "-m", "jupyter_govern.cli", "gateway", str(config)]
        self.gateway = Child("the gateway", command, log=self.folder / "gateway.log", environment=environment, directory=self.folder)
        self._stack.callback(self.gateway.stop)
        self.gateway.wait_until(lambda: discovery.exists() and bool(discovery.read_text()), 30)
        said = json.loads(discovery.read_text())
        self.port, self.api_url = said["postgresql"]["port"], said["api_url"]

    def start_pgbouncer(self) -> Road | None:
        """pgbouncer in session mode, if there is one on this machine; it refuses to run as root, so it gets an account."""
        program = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
        if program is None:
            return None
        port, folder = free_port(), Path(tempfile.mkdtemp(prefix="govern-bouncer-"))
        self._stack.callback(shutil.rmtree, folder, ignore_errors=True)
        direct = self.direct
        (folder / "users.txt").write_text(f'"{direct.user}" "{direct.password}"\n')
        (folder / "pgbouncer.ini").write_text(
            f"[databases]\n* = host={direct.host} port={direct.port}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n"
            f"auth_type = plain\nauth_file = {folder}/users.txt\npool_mode = session\ndefault_pool_size = 64\nmax_client_conn = 200\n"
            "ignore_startup_parameters = extra_float_digits,options\n"
        )
        command = [program, "-q", str(folder / "pgbouncer.ini")]
        if os.getuid() == 0:
            for path in (folder, *folder.iterdir()):
                shutil.chown(path, "nobody")
            command = [program, "-q", "-u", "nobody", str(folder / "pgbouncer.ini")]
        child = Child("pgbouncer", command, log=self.folder / "pgbouncer.log", environment=dict(os.environ), directory=folder)
        self._stack.callback(child.stop)
        road = Road(name="pgbouncer", host="127.0.0.1", port=port, user=direct.user, password=direct.password, database=self.database)
        child.wait_until(lambda: _answers(road), 10)
        return road


def _answers(road: Road) -> bool:
    try:
        psycopg.connect(road.conninfo(), connect_timeout=2).close()
    except psycopg.Error:
        return False
    return True
