"""GatewayClient: what it refuses to do with a token, and how failures read."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from jupyter_govern.client import GatewayClient, GatewayProblem, GatewayUnreachable


class Handler(BaseHTTPRequestHandler):
    """Answers as the test says, and keeps what came."""

    def do_GET(self) -> None:
        self.server.got.append((self.path, self.headers.get("Authorization")))  # type: ignore[attr-defined]
        status, headers, body = self.server.reply  # type: ignore[attr-defined]
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing to the terminal."""


@pytest.fixture
def server() -> Iterator[Any]:
    with HTTPServer(("127.0.0.1", 0), Handler) as running:
        running.got, running.reply = [], (200, {}, b"{}")  # type: ignore[attr-defined]
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def client(server: Any) -> GatewayClient:
    return GatewayClient(f"http://127.0.0.1:{server.server_address[1]}/", "secret", seconds=5)


def test_the_token_goes_in_the_header_only(server: Any) -> None:
    client(server).me()
    assert server.got == [("/api/v1/me", "Bearer secret")]


def test_redirects_are_not_followed(server: Any) -> None:
    server.reply = (302, {"Location": f"http://127.0.0.1:{server.server_address[1]}/elsewhere"}, b"")
    with pytest.raises(GatewayUnreachable, match="HTTP 302"):
        client(server).me()
    assert len(server.got) == 1


def test_no_proxy_stands_between_us_and_this_machine(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert client(server).me() == {}


def test_a_refusal_keeps_its_words(server: Any) -> None:
    error = {"error": {"code": "decided", "message": "it is decided.", "hint": "look again"}}
    server.reply = (409, {}, json.dumps(error).encode())
    with pytest.raises(GatewayProblem, match="it is decided") as refused:
        client(server).me()
    assert (refused.value.status, refused.value.code, refused.value.hint) == (409, "decided", "look again")


@pytest.mark.parametrize(
    ("status", "body", "says"),
    [(200, b"<html>", "not JSON"), (200, b"[]", "object was expected"), (500, b"oops", "HTTP 500"), (502, b'{"error": 1}', "HTTP 502")],
)
def test_answers_that_are_no_gateways(server: Any, status: int, body: bytes, says: str) -> None:
    server.reply = (status, {}, body)
    with pytest.raises(GatewayUnreachable, match=says):
        client(server).me()


@pytest.mark.parametrize("url", ["file:///etc/passwd", "nonsense", "http://", "http://gateway.example:8600", "http://10.0.0.1"])
def test_addresses_that_a_token_is_not_sent_to(url: str) -> None:
    with pytest.raises(GatewayUnreachable):
        GatewayClient(url, "secret")


def test_ids_cannot_leave_their_path(server: Any) -> None:
    server.reply = (200, {}, b"{}")
    client(server).session("../me?x=1#")
    assert server.got[-1][0] == "/api/v1/sessions/..%2Fme%3Fx%3D1%23"
