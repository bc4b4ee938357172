"""A notebook on a Jupyter server as JupyterLab drives it: sessions over HTTP, cells with their ids over the kernel's own sockets.

Also the person at the gateway's login page, for tests that log in as people do. Knows neither the gateway nor the extension.
"""

from __future__ import annotations

import http.cookiejar
import json
import re
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_client.blocking.client import BlockingKernelClient


@dataclass
class JupyterServer:
    """A running Jupyter server."""

    url: str
    token: str
    runtime: Path

    def call(self, method: str, path: str, body: Any = None) -> Any:
        request = urllib.request.Request(
            self.url + path,
            None if body is None else json.dumps(body).encode(),
            {"Authorization": f"token {self.token}", "Content-Type": "application/json"},
            method=method,
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            raw = answer.read()
        return json.loads(raw) if raw else None


@dataclass
class Output:
    """What a cell gave, in order: (kind, text)."""

    parts: list[tuple[str, str]] = field(default_factory=list)

    def __str__(self) -> str:
        return "\n".join(text for _, text in self.parts)


@dataclass
class Notebook:
    """A notebook session with its kernel."""

    server: JupyterServer
    session: dict[str, Any]
    client: BlockingKernelClient

    @property
    def kernel_id(self) -> str:
        return str(self.session["kernel"]["id"])

    def run(self, code: str, cell_id: str = "c1", *, interrupt_after: float = 0.0) -> Output:
        """Run a cell as JupyterLab does, cell id and all."""
        content = {"code": code, "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": False}
        message = self.client.session.msg("execute_request", content, metadata={"cellId": cell_id})
        self.client.shell_channel.send(message)
        if interrupt_after:
            path = f"/api/kernels/{self.kernel_id}/interrupt"
            threading.Timer(interrupt_after, self.server.call, ("POST", path)).start()
        return self._collect(message["header"]["msg_id"])

    def close(self) -> None:
        """End the session and its kernel; may be called twice."""
        if self.session:
            self.client.stop_channels()
            self.server.call("DELETE", f"/api/sessions/{self.session.pop('id')}")
            self.session.clear()

    def _collect(self, message_id: str) -> Output:
        output = Output()
        while True:
            message = self.client.get_iopub_msg(timeout=30)
            content = message["content"]
            if message["parent_header"].get("msg_id") != message_id:
                continue
            match message["msg_type"]:
                case "status" if content["execution_state"] == "idle":
                    return output
                case "stream":
                    output.parts.append(("stream", content["text"]))
                case "execute_result" | "display_data" | "update_display_data" as kind:
                    output.parts.append((kind, content["data"].get("text/plain", "")))
                case "error":
                    output.parts.append((content["ename"], "\n".join(content["traceback"])))


def open_notebook(server: JupyterServer, path: str) -> Notebook:
    """Start a session on a notebook, and load our magics in its kernel."""
    body = {"path": path, "type": "notebook", "name": "", "kernel": {"name": "python3"}}
    session = server.call("POST", "/api/sessions", body)
    client = BlockingKernelClient(connection_file=str(server.runtime / f"kernel-{session['kernel']['id']}.json"))
    client.load_connection_file()
    client.start_channels()
    client.wait_for_ready(timeout=60)
    notebook = Notebook(server=server, session=session, client=client)
    notebook.run("%load_ext jupyter_govern")
    return notebook


def confirm_login(address: str, person: str, password: str) -> None:
    """Follow the link that a device login shows: sign in on the gateway's page and confirm the code."""
    jar = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
    browser = urllib.request.build_opener(urllib.request.ProxyHandler({}), jar)
    browser.addheaders = [("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Dest", "document"), ("Origin", "null")]
    parts = urllib.parse.urlsplit(address)
    base = f"{parts.scheme}://{parts.netloc}"

    def send(path: str, fields: dict[str, str] | None = None) -> str:
        data = urllib.parse.urlencode(fields).encode() if fields is not None else None
        with browser.open(base + path, data, timeout=10) as answer:
            return str(answer.read().decode())

    def form_of(page: str, action: str) -> str:
        match = re.search(rf'action="{action}".*?name="form" value="([^"]+)"', page, re.DOTALL)
        assert match is not None, page
        return match[1]

    signing_in = send("/login?" + urllib.parse.urlencode({"next": f"{parts.path}?{parts.query}"}))
    confirming = send("/login", {"form": form_of(signing_in, "/login"), "username": person, "password": password})
    assert "Connected" in send("/device", {"form": form_of(confirming, "/device"), "answer": "confirm"})


def answers(server: JupyterServer) -> bool:
    try:
        return bool(server.call("GET", "/jupyter-govern/status"))
    except OSError:
        return False


def wait_until(claim: Callable[[], Any], seconds: float, log: Path | None = None) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if claim():
            return
        time.sleep(0.05)
    raise AssertionError("it did not come about in time" + (f":\n{log.read_text()[-3000:]}" if log else ""))
