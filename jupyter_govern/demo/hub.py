"""The product under JupyterHub, in a scratch folder: PostgreSQL with the shop, an identity provider, the gateway as a service, the Hub.

Built on the plain demo's stack. The Hub runs examples/jupyterhub/jupyterhub_config.py as it is; only addresses and secrets come from here.
"""

from __future__ import annotations

import json
import secrets
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from jupyter_govern import private_files
from jupyter_govern.demo.brood import Brood
from jupyter_govern.demo.postgres import free_port
from jupyter_govern.demo.processes import Child, answers, says_ok
from jupyter_govern.demo.stack import Stack, examples

HUB_SECONDS: Final = 90.0
PROVIDER_SECONDS: Final = 30.0
NOTEBOOK: Final = "hub.ipynb"
HUB_CLIENT: Final = "jupyterhub"
GATEWAY_CLIENT: Final = "govern"


class HubStack(Stack):
    """Like Stack. hub_config: another file for the Hub, for tests that need a Hub with more in it. provider: more of its settings."""

    def __init__(self, directory: Path, *, hub_config: Path | None = None, provider: dict[str, Any] | None = None) -> None:
        super().__init__(directory, lab=False, edit=self._with_addresses)
        self.policy_file = examples() / "jupyterhub" / "govern.toml"
        self.hub_config = hub_config or examples() / "jupyterhub" / "jupyterhub_config.py"
        self._provider_settings = provider or {}
        self.provider: Child | None = None
        self.hub: Child | None = None
        self._brood = Brood()
        self.ports = {name: free_port() for name in ("provider", "proxy", "hub", "proxy_api", "gateway")}
        self.issuer = f"http://localhost:{self.ports['provider']}"
        self.hub_url = f"http://127.0.0.1:{self.ports['proxy']}"
        self.secrets = {name: secrets.token_urlsafe(24) for name in (HUB_CLIENT, GATEWAY_CLIENT, "service")}

    def start(self, progress: Callable[[str], None]) -> None:
        """Raises PostgresFailed or StartFailed; what was started is stopped again then."""
        try:
            self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._write_secrets()
            progress("identity provider (Canaille, in memory, for the demo only): starting")
            self.start_provider()
            super().start(progress)
            progress("JupyterHub: starting")
            self.start_hub()
            progress(f"JupyterHub: {self.hub_url}")
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """In reverse order; may be called twice."""
        if self.hub is not None:
            self._brood.note(self.hub.pid)
        for child in (self.hub, self.provider):
            if child is not None:
                child.stop()
        self.hub = self.provider = None
        self._brood.end()
        super().stop()

    def kill_hub(self) -> None:
        """`kill -9`, for tests of what survives it; its notebook servers run on until stop()."""
        if self.hub is not None:
            self._brood.note(self.hub.pid)
            self.hub.kill()

    def start_provider(self) -> None:
        """Start it (again): it forgets every login and token when it ends."""
        settings = {
            "port": self.ports["provider"],
            "people": self.people,
            "clients": {
                HUB_CLIENT: {"secret": self.secrets[HUB_CLIENT], "redirect_uris": [f"{self.hub_url}/hub/oauth_callback"]},
                GATEWAY_CLIENT: {"secret": self.secrets[GATEWAY_CLIENT], "redirect_uris": [self.redirect_uri]},
            },
        }
        file = self.directory / "provider.json"
        private_files.replace(file, json.dumps(settings | self._provider_settings))
        command = [sys.executable, "-m", "jupyter_govern.demo.provider", str(file)]
        log = self.directory / "provider.log"
        self.provider = Child("the identity provider", command, log=log, environment=self.environment(), directory=self.directory)
        self.provider.wait_until(lambda: answers(f"{self.issuer}/.well-known/openid-configuration"), PROVIDER_SECONDS)

    def start_hub(self) -> None:
        """Start it (again), at the same addresses."""
        command = [sys.executable, "-m", "jupyterhub", "-f", str(self.hub_config)]
        log = self.directory / "hub.log"
        self.hub = Child("JupyterHub", command, log=log, environment=self.hub_environment(), directory=self.directory)
        self.hub.wait_until(lambda: says_ok(f"{self.hub_url}/hub/api/"), HUB_SECONDS)

    @property
    def accounts(self) -> dict[str, tuple[str, list[str]]]:
        """Nobody: people come from the provider."""
        return {}

    @property
    def gateway_url(self) -> str:
        return f"http://127.0.0.1:{self.ports['gateway']}"

    @property
    def pages_url(self) -> str:
        """The gateway for browsers, under another name than the Hub's: cookies go to every port of a name."""
        return f"http://localhost:{self.ports['gateway']}"

    @property
    def redirect_uri(self) -> str:
        """Where the provider sends people back to the gateway."""
        return f"{self.pages_url}/login/callback/sso"

    def hub_environment(self) -> dict[str, str]:
        """What the example's configuration asks of its environment."""
        return self.environment() | {
            "OIDC_ISSUER": self.issuer,
            "OIDC_CLIENT_ID": HUB_CLIENT,
            "OIDC_CLIENT_SECRET": self.secrets[HUB_CLIENT],
            "HUB_PUBLIC_URL": self.hub_url,
            "HUB_BIND_URL": f"http://127.0.0.1:{self.ports['hub']}",
            "HUB_PROXY_API_URL": f"http://127.0.0.1:{self.ports['proxy_api']}",
            "HUB_HOMES": str(self._homes()),
            "GOVERN_URL": self.gateway_url,
            "GOVERN_SERVICE_TOKEN_FILE": str(self.directory / "secrets" / "hub-service.token"),
            "JUPYTERHUB_CRYPT_KEY": secrets.token_hex(32),
        }

    def _homes(self) -> Path:
        homes = self.directory / "homes"
        for name in self.people:
            (homes / name).mkdir(parents=True, exist_ok=True)
            shutil.copy(examples() / "jupyterhub" / NOTEBOOK, homes / name)
        return homes

    @property
    def children(self) -> tuple[Child, ...]:
        """The processes that run until they are stopped."""
        return tuple(child for child in (self.provider, self.gateway, self.hub) if child is not None)

    def _write_secrets(self) -> None:
        folder = self.directory / "secrets"
        folder.mkdir(exist_ok=True, mode=0o700)
        private_files.replace(folder / "hub-service.token", self.secrets["service"])
        private_files.replace(folder / "oidc-client.secret", self.secrets[GATEWAY_CLIENT])

    def _with_addresses(self, text: str) -> str:
        """The example's govern.toml with this machine's addresses."""
        for word, value in {
            "https://login.example.org": self.issuer,
            "http://127.0.0.1:8081": f"http://127.0.0.1:{self.ports['hub']}",
            "http://127.0.0.1:8000": self.hub_url,
            "http://localhost:8600": self.pages_url,
        }.items():
            text = text.replace(word, value)
        head, api, rest = text.partition("[gateway.api]\n")
        return head + api + rest.replace('listen = "127.0.0.1:0"', f'listen = "127.0.0.1:{self.ports["gateway"]}"', 1)
