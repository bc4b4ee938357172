"""The whole product in a scratch folder: PostgreSQL with the shop, the gateway, and (if asked for) JupyterLab with the extensions.

Everything listens on free loopback ports and is stopped in reverse order; nothing is left behind, whatever happened in between.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import psycopg

from jupyter_govern.client import GatewayClient
from jupyter_govern.demo import shop
from jupyter_govern.demo.postgres import Postgres, free_port
from jupyter_govern.demo.processes import Child, answers

PEOPLE: Final[dict[str, tuple[str, list[str]]]] = {
    "ana": ("ana-likes-orders", ["analysts"]),
    "ben": ("ben-keeps-watch", ["dba"]),
    "eve": ("eve-answers-calls", ["support"]),
}
"""The demo's people: password and groups. They exist in the demo's own accounts file only."""
GATEWAY_SECONDS: Final = 30.0
LAB_SECONDS: Final = 90.0


def examples() -> Path:
    """Where the demo's policy and notebook are: the source tree's, or those installed with the package."""
    here = Path(__file__).resolve()
    for folder in (here.parents[2] / "examples", here.parent / "examples"):
        if (folder / "quickstart.ipynb").exists():
            return folder
    raise FileNotFoundError("the demo's examples are not installed with this package")


class Stack:
    """`directory` is made if it is missing and removed by stop(). settings: more settings for PostgreSQL, for tests."""

    def __init__(self, directory: Path, *, lab: bool, settings: dict[str, str] | None = None, edit: Callable[[str], str] = str) -> None:
        self.directory, self.has_lab, self._edit = directory, lab, edit
        self.people = PEOPLE
        self.policy_file = examples() / "demo" / "govern.toml"
        self.postgres = Postgres(settings=settings)
        self.gateway: Child | None = None
        self.lab: Child | None = None
        self.lab_token = secrets.token_urlsafe(16)
        self.lab_url = self.api_url = self.ca_file = ""
        self.pg_port = 0

    def __enter__(self) -> Stack:
        self.start(lambda line: None)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def accounts(self) -> dict[str, tuple[str, list[str]]]:
        """Who has a password at the gateway itself."""
        return self.people

    @property
    def config(self) -> Path:
        return self.directory / "govern.toml"

    @property
    def notebooks(self) -> Path:
        return self.directory / "notebooks"

    def environment(self) -> dict[str, str]:
        """For every process of the demo: its own Jupyter and IPython folders, so that nothing of the user's is touched."""
        folders = {
            "JUPYTER_CONFIG_DIR": "jupyter/config",
            "JUPYTER_DATA_DIR": "jupyter/data",
            "JUPYTER_RUNTIME_DIR": "jupyter/runtime",
            "IPYTHONDIR": "ipython",
        }
        own = {name: str(self.directory / folder) for name, folder in folders.items()}
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("JUPYTER", "JPY_", "PG"))}
        return {**kept, **own, "PATH": path, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p), "PYTHONUNBUFFERED": "1"}

    def start(self, progress: Callable[[str], None]) -> None:
        """Raises PostgresFailed or StartFailed with the failing part's own words; what was started is stopped again then."""
        try:
            self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            progress("PostgreSQL: making a cluster and starting it")
            self.postgres.start()
            self._fill(progress)
            self._write_config()
            progress("gateway: starting")
            self.start_gateway()
            progress(f"gateway: PostgreSQL clients on 127.0.0.1:{self.pg_port}, API on {self.api_url}")
            if self.has_lab:
                progress("JupyterLab: starting")
                self._start_lab()
                progress(f"JupyterLab: {self.lab_url}")
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """In reverse order; may be called twice."""
        for child in (self.lab, self.gateway):
            if child is not None:
                child.stop()
        self.lab = self.gateway = None
        self.postgres.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def _fill(self, progress: Callable[[str], None]) -> None:
        self.shop_password = secrets.token_urlsafe(18)
        with psycopg.connect(self.postgres.conninfo(), autocommit=True) as connection:
            connection.execute("create database shop")
        count = shop.fill(self.postgres.conninfo("shop"))
        shop.make_gateway_role(self.postgres.conninfo("shop"), self.shop_password)
        progress(f"PostgreSQL: a shop with {count:,} rows on 127.0.0.1:{self.postgres.port}")

    def _write_config(self) -> None:
        from jupyter_govern.demo.accounts import write_accounts

        text = self.policy_file.read_text()
        text = text.replace('listen = "127.0.0.1:6432"', 'listen = "127.0.0.1:0"').replace(
            'listen = "127.0.0.1:8600"', 'listen = "127.0.0.1:0"'
        )
        text = re.sub(r"^port = 5432$", f"port = {self.postgres.port}", text, flags=re.M)
        text = self._edit(text)
        tomllib.loads(text)
        self.config.write_text(text)
        (self.directory / "secrets").mkdir(exist_ok=True, mode=0o700)
        secret = self.directory / "secrets" / "shop.password"
        secret.touch(mode=0o600)
        secret.write_text(self.shop_password)
        write_accounts(self.directory / "accounts.json", self.accounts)

    @property
    def children(self) -> tuple[Child, ...]:
        """The processes that run until they are stopped."""
        return tuple(child for child in (self.gateway, self.lab) if child is not None)

    def start_gateway(self) -> None:
        """Start it (again): the ports are new each time."""
        discovery = self.directory / "jupyter" / "runtime" / "govern-gateway.json"
        discovery.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        discovery.unlink(missing_ok=True)
        command = [sys.executable, "-m", "jupyter_govern.cli", "gateway", str(self.config)]
        self.gateway = Child(
            "the gateway", command, log=self.directory / "gateway.log", environment=self.environment(), directory=self.directory
        )
        self.gateway.wait_until(discovery.exists, GATEWAY_SECONDS)
        self.gateway.wait_until(lambda: bool(discovery.read_text()), GATEWAY_SECONDS)
        said: dict[str, Any] = json.loads(discovery.read_text())
        self.api_url, self.pg_port, self.ca_file = said["api_url"], said["postgresql"]["port"], said["ca_file"]
        self.gateway.wait_until(lambda: answers(f"{self.api_url}/healthz"), GATEWAY_SECONDS)

    def _start_lab(self) -> None:
        port = free_port()
        self.notebooks.mkdir(exist_ok=True)
        shutil.copy(examples() / "quickstart.ipynb", self.notebooks)
        command = [
            sys.executable, "-m", "jupyter", "lab", "--no-browser", "--ip=127.0.0.1", f"--port={port}", "--ServerApp.port_retries=0",
            f"--IdentityProvider.token={self.lab_token}", f"--ServerApp.root_dir={self.notebooks}",
            f"--GovernApp.gateway_url={self.api_url}", "--LabApp.news_url=None",
            "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
            *(["--allow-root"] if hasattr(os, "getuid") and os.getuid() == 0 else []),
        ]  # fmt: skip
        self.lab = Child("JupyterLab", command, log=self.directory / "lab.log", environment=self.environment(), directory=self.directory)
        base = f"http://127.0.0.1:{port}"
        self.lab.wait_until(lambda: answers(f"{base}/api"), LAB_SECONDS)
        self.lab_url = f"{base}/lab/tree/quickstart.ipynb?token={self.lab_token}"
        self.server_url = base

    # -- for people and tests ------------------------------------------------------------------------------------------

    def login(self, person: str) -> GatewayClient:
        """A client of the API with this person's own login."""
        token = GatewayClient(self.api_url).log_in(person, self.people[person][0])["token"]
        return GatewayClient(self.api_url, token)

    def token(self, person: str) -> str:
        return str(GatewayClient(self.api_url).log_in(person, self.people[person][0])["token"])

    def conninfo(self, person: str, **more: str) -> str:
        """A libpq connection string through the gateway, with verified TLS."""
        from psycopg.conninfo import make_conninfo

        return make_conninfo(
            host="127.0.0.1", port=self.pg_port, user=person, dbname="shop", password=self.token(person), sslmode="verify-full",
            sslrootcert=self.ca_file, **more,
        )  # fmt: skip

    def psql(self) -> str:
        """The machine's psql, which speaks TLS; "" where there is none (the embedded one has no TLS)."""
        return shutil.which("psql") or ""


def quiet_stop(stack: Stack) -> None:
    """Stop it even while Ctrl-C is being pressed again."""
    while True:
        try:
            stack.stop()
            return
        except KeyboardInterrupt:
            continue
