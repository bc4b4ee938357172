"""A kernel under a real Jupyter server: its proof, its token, the cell that Lab names, a rename, an interrupt, the end.

The gateway is stood in for by a few canned answers of its API and by PostgreSQL itself; test_kernel_stack.py has the real one.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from kernel_rig import JupyterServer, Notebook, answers, open_notebook, wait_until

from jupyter_govern.demo.postgres import Postgres, free_port

TOKEN = "lab-token"
LATER = "2099-01-01T00:00:00+00:00"


class CannedGateway(ThreadingHTTPServer):
    """The gateway's API, as far as a login and a connection need it."""

    daemon_threads = True

    def __init__(self, postgres: Postgres) -> None:
        super().__init__(("127.0.0.1", 0), CannedAnswers)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.confirmed, self.dropped = threading.Event(), list[str]()
        # PostgreSQL asks for the password by SCRAM, so a wrong token would not get in
        self.kernel_token = postgres.password
        self.connect = {"host": postgres.host, "port": postgres.port, "dbname": "postgres", "user": "postgres"}

    def answer(self, method: str, path: str, bearer: str) -> tuple[int, Any]:
        match method, path:
            case "GET", "/healthz":
                return 200, {}
            case "POST", "/api/v1/device":
                return 200, {"device_code": "d", "user_code": "AB-CD", "verification_uri_complete": self.url, "interval": 0.1}
            case "POST", "/api/v1/device/token" if self.confirmed.is_set():
                return 200, {"token": "gov_server_x"}
            case "POST", "/api/v1/device/token":
                return 400, {"error": {"code": "authorization_pending", "message": "wait"}}
            case "GET", "/api/v1/me" if bearer == "gov_server_x":
                return 200, {"subject": "ana", "groups": [], "kind": "server", "expires_at": LATER}
            case "POST", "/api/v1/tokens" if bearer == "gov_server_x":
                return 200, {"token": self.kernel_token, "expires_at": LATER}
            case "GET", "/api/v1/targets" if bearer == self.kernel_token:
                return 200, [{"name": "shop", "verbs": ["read"], "connect": {**self.connect, "sslmode": "disable"}}]
            case "DELETE", "/api/v1/tokens/self":
                self.dropped.append(bearer)
                return 200, {}
        return 404, {"error": {"code": "not-found", "message": path}}


class CannedAnswers(BaseHTTPRequestHandler):
    server: CannedGateway

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        bearer = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        status, body = self.server.answer(self.command, self.path, bearer)
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    do_POST = do_DELETE = do_GET

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing to the terminal."""


@pytest.fixture(scope="module")
def gateway() -> Iterator[CannedGateway]:
    with Postgres() as postgres, CannedGateway(postgres) as canned:
        thread = threading.Thread(target=canned.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield canned
        canned.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def server(gateway: CannedGateway, tmp_path_factory: pytest.TempPathFactory) -> Iterator[JupyterServer]:
    place, port = tmp_path_factory.mktemp("jupyter"), free_port()
    folders = {f"JUPYTER_{name.upper()}_DIR": str(place / name) for name in ("config", "data", "runtime")}
    (place / "root").mkdir()
    (place / "root" / "a.ipynb").write_text('{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}')
    options = {
        "ServerApp.port_retries": "0",
        "ServerApp.jpserver_extensions": "{'jupyter_govern': True}",
        "ServerApp.root_dir": str(place / "root"),
        "IdentityProvider.token": TOKEN,
        "GovernApp.gateway_url": gateway.url,
    }
    command = [sys.executable, "-m", "jupyter_server", "--allow-root", "--no-browser", "--ip=127.0.0.1", f"--port={port}"]
    command += [f"--{name}={value}" for name, value in options.items()]
    with (place / "log").open("wb") as log:
        environment = {**os.environ, **folders, "IPYTHONDIR": str(place / "ipython")}
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    running = JupyterServer(url=f"http://127.0.0.1:{port}", token=TOKEN, runtime=place / "runtime")
    try:
        wait_until(lambda: answers(running), 30, (place / "log"))
        yield running
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


@pytest.fixture
def notebook(server: JupyterServer, gateway: CannedGateway) -> Iterator[Notebook]:
    opened = open_notebook(server, "a.ipynb")
    yield opened
    opened.close()


@pytest.fixture
def logged_in(server: JupyterServer, gateway: CannedGateway) -> Iterator[None]:
    server.call("POST", "/jupyter-govern/login", {})
    gateway.confirmed.set()
    wait_until(lambda: server.call("GET", "/jupyter-govern/status")["login"], 10)
    yield
    gateway.confirmed.clear()
    server.call("POST", "/jupyter-govern/logout", {})


def test_without_a_login_the_cell_says_what_to_do(notebook: Notebook) -> None:
    said = notebook.run("%govsql shop select 1")
    assert said.parts[-1][0] == "NotLoggedIn"
    assert "jupyter govern login" in str(said)
    assert "nobody is logged in to the gateway on this notebook server" in str(said)
    assert "Traceback" not in str(said)


@pytest.mark.usefixtures("logged_in")
def test_a_kernel_proves_itself_and_reports_its_cell(notebook: Notebook) -> None:
    notebook.run("said = %govsql shop select current_setting('govern.cell') as c", "cell-7")
    shown = notebook.run("print(said.c[0])")
    cell = json.loads(str(shown))
    assert (cell["notebook"], cell["cell_id"], cell["kernel_id"]) == ("a.ipynb", "cell-7", notebook.kernel_id)
    assert len(cell["source_sha256"]) == 64


@pytest.mark.usefixtures("logged_in")
def test_a_renamed_notebook_is_reported_by_its_new_name(notebook: Notebook) -> None:
    notebook.run("%govsql shop select 1")
    notebook.server.call("PATCH", f"/api/sessions/{notebook.session['id']}", {"path": "renamed.ipynb"})
    assert '"notebook":"renamed.ipynb"' in str(notebook.run("%govsql shop show govern.cell"))


@pytest.mark.usefixtures("logged_in")
def test_a_frame_has_text_and_a_waiting_approval_shows_its_seconds(notebook: Notebook) -> None:
    notice = "waiting for approval #12 by dba: http://127.0.0.1:1/approvals/12"
    said = notebook.run(f"%%govsql shop\ndo $$ begin raise notice '{notice}'; perform pg_sleep(1.3); end $$")
    kinds = [kind for kind, _ in said.parts]
    assert kinds[0] == "display_data"
    assert "update_display_data" in kinds
    assert said.parts[0][1] == f"{notice} (waiting, 0 s)"
    assert said.parts[-1] == ("execute_result", "DO")


@pytest.mark.usefixtures("logged_in")
def test_an_interrupt_of_the_kernel_cancels_on_the_target(notebook: Notebook) -> None:
    began = time.monotonic()
    said = notebook.run("%govsql shop select pg_sleep(60)", interrupt_after=1.0)
    assert time.monotonic() - began < 15
    assert said.parts[-1][0] == "Cancelled"
    assert "cancelled on the target" in str(said)
    counted = "select count(*) from pg_stat_activity where query like '%pg_sleep(60)' and state = 'active'"
    left = notebook.run(f"%govsql --plain shop {counted}")
    assert "\n0\n" in str(left)


@pytest.mark.usefixtures("logged_in")
def test_nothing_secret_is_in_the_environment_and_the_token_goes_with_the_kernel(
    notebook: Notebook, gateway: CannedGateway
) -> None:
    notebook.run("%govsql shop select 1")
    looked = f"import os; print([n for n, v in os.environ.items() if {gateway.kernel_token!r} in v or 'gov_' in v])"
    assert str(notebook.run(looked)).strip() == "[]"
    gateway.dropped.clear()
    notebook.close()
    wait_until(lambda: gateway.kernel_token in gateway.dropped, 10)
