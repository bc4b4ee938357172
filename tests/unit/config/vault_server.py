"""A server that speaks the part of Vault's HTTP API that we use: KV version 1 and 2, a static role, AppRole; in a thread of this process.

The real thing (OpenBao's dev server) runs the same tests where `bao` or `vault` is on PATH: tests/integration/test_vault.py.
"""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN, ROLE, SECRET_ID, APPROLE_TOKEN = "vault-token", "role", "secret-id", "approle-token"


class VaultServer:
    """paths: what is at which API path; `data` of the answer. asked: the requests that came, with their token and namespace."""

    def __init__(self) -> None:
        self.paths: dict[str, dict[str, Any]] = {}
        self.asked: list[tuple[str, str, str]] = []
        vault = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                token = self.headers.get("X-Vault-Token", "")
                vault.asked.append((self.path, token, self.headers.get("X-Vault-Namespace", "")))
                if token not in (TOKEN, APPROLE_TOKEN):
                    return self._say(403, {"errors": ["permission denied"]})
                found = vault.paths.get(self.path.removeprefix("/v1/"))
                if found is None:
                    return self._say(404, {"errors": []})
                return self._say(200, {"lease_id": "", "lease_duration": 0, **found})

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if self.path != "/v1/auth/approle/login" or body != {"role_id": ROLE, "secret_id": SECRET_ID}:
                    return self._say(400, {"errors": ["invalid role or secret ID"]})
                return self._say(200, {"auth": {"client_token": APPROLE_TOKEN, "lease_duration": 60}})

            def _say(self, status: int, body: dict[str, Any]) -> None:
                data = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: Any) -> None:
                return None

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> VaultServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join(10)
        self._server.server_close()

    def kv2(self, path: str, **fields: Any) -> None:
        """A secret in a version 2 engine at secret/."""
        self.paths[f"secret/data/{path}"] = {"data": {"data": fields, "metadata": {"version": 1}}}
