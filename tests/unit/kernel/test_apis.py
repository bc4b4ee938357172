"""The kernel's two HTTP APIs (its notebook server's and the gateway's) against a small server: what is sent, what is said."""

from __future__ import annotations

import hmac
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from jupyter_govern_kernel import gateway_api
from jupyter_govern_kernel.gateway_api import Address, GatewayRefused
from jupyter_govern_kernel.problems import GatewayNotRunning, NotLoggedIn, SpokenError
from jupyter_govern_kernel.server_proof import ProofRefused, find_server

KEY = b"message-key"


class Answers(HTTPServer):
    """Answers each path with what `replies` holds for it; what came is in `got`."""

    def __init__(self) -> None:
        self.replies: dict[str, tuple[int, bytes]] = {}
        self.got: list[tuple[str, str, str, Any]] = []
        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def reply(self, path: str, body: Any, status: int = 200) -> None:
        self.replies[path] = (status, body if isinstance(body, bytes) else json.dumps(body).encode())


class Handler(BaseHTTPRequestHandler):
    server: Answers

    def do_GET(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        bearer = self.headers.get("Authorization") or ""
        self.server.got.append((self.command, self.path, bearer, json.loads(raw) if raw else None))
        status, body = self.server.replies.get(self.path, (404, b"<html>"))
        self.send_response(status)
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing to the terminal."""


@pytest.fixture
def answers() -> Iterator[Answers]:
    with Answers() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def shell(answers: Answers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The shell of a kernel that the server on `answers` started."""
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("JPY_PARENT_PID", "4711")
    (tmp_path / "jpserver-4711.json").write_text(json.dumps({"url": answers.url + "/base/", "token": "never read"}))
    app = SimpleNamespace(connection_file=str(tmp_path / "kernel-k1.json"))
    return SimpleNamespace(kernel=SimpleNamespace(parent=app, session=SimpleNamespace(key=KEY)))


def test_the_proof_is_a_mac_over_kernel_time_and_nonce(answers: Answers, shell: Any) -> None:
    answers.reply("/base/jupyter-govern/kernel-token", {"token": "t"})
    server = find_server(shell)
    assert server is not None
    assert server.token() == {"token": "t"}
    assert server.token() == {"token": "t"}
    sent = [body for _, _, _, body in answers.got]
    for body in sent:
        expected = hmac.new(KEY, f"k1|{body['ts']}|{body['nonce']}".encode(), "sha256").hexdigest()
        assert body["mac"] == expected
        assert body["kernel_id"] == "k1"
    assert sent[0]["nonce"] != sent[1]["nonce"]
    assert "never read" not in str(answers.got)


def test_the_path(answers: Answers, shell: Any) -> None:
    answers.reply("/base/jupyter-govern/kernel-path", {"notebook": "a.ipynb"})
    server = find_server(shell)
    assert server is not None
    assert server.notebook() == "a.ipynb"


@pytest.mark.parametrize(
    ("status", "body", "refusal"),
    [
        (409, {"error": {"code": "login-required", "message": "nobody is logged in"}}, ("nobody is logged in", "login-required")),
        (404, b"<html>", ("does not have the jupyter_govern extension", "no-extension")),
        (500, b"", ("HTTP 500", "")),
        (200, b"not json", ("did not answer properly", "")),
        (200, b"[]", ("did not answer properly", "")),
    ],
)
def test_refusals_of_the_notebook_server(answers: Answers, shell: Any, status: int, body: Any, refusal: tuple[str, str]) -> None:
    answers.reply("/base/jupyter-govern/kernel-token", body, status)
    server = find_server(shell)
    assert server is not None
    with pytest.raises(ProofRefused, match=refusal[0]) as refused:
        server.token()
    assert refused.value.code == refusal[1]


def test_no_notebook_server(shell: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "jpserver-4711.json").write_text('{"url": "file:///etc/passwd"}')
    assert find_server(shell) is None
    (tmp_path / "jpserver-4711.json").write_text("[]")
    assert find_server(shell) is None
    monkeypatch.setenv("JPY_PARENT_PID", "../x")
    assert find_server(shell) is None
    monkeypatch.delenv("JPY_PARENT_PID")
    assert find_server(shell) is None
    assert find_server(SimpleNamespace()) is None


def test_calls_to_the_gateway(answers: Answers) -> None:
    answers.reply("/api/v1/me", {"kind": "person"})
    answers.reply("/api/v1/targets", [{"name": "shop"}])
    answers.reply("/api/v1/tokens", {"token": "t"})
    assert gateway_api.me(Address(url=answers.url), "secret") == {"kind": "person"}
    assert gateway_api.targets(Address(url=answers.url + "/"), "secret") == [{"name": "shop"}]
    assert gateway_api.kernel_token(Address(url=answers.url), "secret", "k1") == {"token": "t"}
    assert [(method, path) for method, path, _, _ in answers.got] == [
        ("GET", "/api/v1/me"),
        ("GET", "/api/v1/targets"),
        ("POST", "/api/v1/tokens"),
    ]
    assert {bearer for _, _, bearer, _ in answers.got} == {"Bearer secret"}


@pytest.mark.parametrize(
    ("status", "body", "kind", "says"),
    [
        (
            401,
            {"error": {"code": "unauthorized", "message": "expired", "hint": "Log in."}},
            NotLoggedIn,
            "expired",
        ),
        (403, {"error": {"code": "forbidden", "message": "not for kernels"}}, GatewayRefused, "not for kernels"),
        (500, b"", GatewayNotRunning, "HTTP 500"),
        (200, b"<html>", GatewayNotRunning, "is not JSON"),
        (200, b'"text"', GatewayNotRunning, "a list was expected"),
    ],
)
def test_refusals_of_the_gateway(answers: Answers, status: int, body: Any, kind: type[SpokenError], says: str) -> None:
    answers.reply("/api/v1/targets", body, status)
    with pytest.raises(kind, match=says):
        gateway_api.targets(Address(url=answers.url), "secret")


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "file:///etc/passwd", "nonsense", "http://192.0.2.1:8600"])
def test_a_gateway_that_is_not_there_says_how_to_start_one(url: str) -> None:
    with pytest.raises(GatewayNotRunning, match="jupyter govern gateway"):
        gateway_api.me(Address(url=url), "secret")
