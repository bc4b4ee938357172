"""Where a token comes from: the notebook server, then `jupyter govern login`, then the token file, else a clear error."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from jupyter_govern_kernel import gateway_api, tickets
from jupyter_govern_kernel.gateway_api import Address
from jupyter_govern_kernel.problems import GatewayNotRunning, NotLoggedIn
from jupyter_govern_kernel.server_proof import ProofRefused
from jupyter_govern_kernel.tickets import Tickets


class Server:
    """Stands for the notebook server."""

    def __init__(self, *answers: dict[str, Any] | ProofRefused) -> None:
        self.answers = list(answers)

    def token(self) -> dict[str, Any]:
        answer = self.answers.pop(0)
        if isinstance(answer, ProofRefused):
            raise answer
        return answer

    def notebook(self) -> str:
        return str(self.token()["notebook"])


@pytest.fixture(autouse=True)
def gateway(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, dict[str, Any]]:
    """A gateway that knows the tokens in the dictionary; no server and no login."""
    known: dict[str, dict[str, Any]] = {}
    for name in ("DATA", "RUNTIME"):
        monkeypatch.setenv(f"JUPYTER_{name}_DIR", str(tmp_path / name.lower()))
    for name in ("JUPYTER_GOVERN_URL", "JUPYTER_GOVERN_TOKEN_FILE", "JPY_PARENT_PID"):
        monkeypatch.delenv(name, raising=False)

    def me(address: Address, token: str) -> dict[str, Any]:
        if token not in known:
            raise NotLoggedIn("unknown token")
        return {**known[token]}

    def kernel_token(address: Address, token: str, kernel_id: str) -> dict[str, Any]:
        return {"token": f"kernel-for-{token}", "expires_at": time.time() + 600}

    monkeypatch.setattr(gateway_api, "me", me)
    monkeypatch.setattr(gateway_api, "kernel_token", kernel_token)
    return known


def use_server(monkeypatch: pytest.MonkeyPatch, server: Server) -> None:
    monkeypatch.setattr(tickets, "find_server", lambda shell: server)


def answer(token: str, lives: float) -> dict[str, Any]:
    return {"token": token, "api_url": "http://g", "subject": "ana", "expires_at": time.time() + lives, "notebook": "a.ipynb"}


def keep_login(tmp_path: Path, token: str) -> None:
    folder = tmp_path / "data" / "govern"
    folder.mkdir(parents=True)
    (folder / "credentials.json").write_text(json.dumps({"token": token, "url": "http://g2"}))


def test_the_notebook_servers_token_is_kept_and_renewed_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(answer("one", 600), answer("two", 30), answer("three", 600))
    use_server(monkeypatch, server)
    mine = Tickets(None)
    assert [mine.fresh().token, mine.fresh().token] == ["one", "one"]
    mine.forget()
    assert [mine.fresh().token, mine.fresh().token] == ["two", "three"]


def test_the_notebooks_path_follows_a_rename_and_survives_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(answer("one", 600), {"notebook": "b.ipynb"}, ProofRefused("gone"), {"notebook": "c.ipynb"})
    use_server(monkeypatch, server)
    mine = Tickets(None)
    assert mine.notebook() == ""
    mine.fresh()
    assert [mine.notebook(), mine.notebook(), mine.notebook()] == ["b.ipynb", "b.ipynb", "b.ipynb"]
    assert len(server.answers) == 1  # not asked again at once


def test_a_login_on_this_machine_is_exchanged(gateway: dict[str, dict[str, Any]], tmp_path: Path) -> None:
    gateway["person"] = {"kind": "person", "subject": "ana", "expires_at": time.time() + 9999}
    keep_login(tmp_path, "person")
    ticket = Tickets(None).fresh()
    assert (ticket.token, ticket.address.url, ticket.subject) == ("kernel-for-person", "http://g2", "ana")


def test_a_token_file(gateway: dict[str, dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gateway["batch"] = {"kind": "kernel", "subject": "etl", "expires_at": "2099-01-01T00:00:00Z"}
    (tmp_path / "token").write_text("batch\n")
    monkeypatch.setenv("JUPYTER_GOVERN_TOKEN_FILE", str(tmp_path / "token"))
    with pytest.raises(GatewayNotRunning, match="no gateway"):
        Tickets(None).fresh()
    monkeypatch.setenv("JUPYTER_GOVERN_URL", "http://g3")
    ticket = Tickets(None).fresh()
    assert (ticket.token, ticket.address.url) == ("batch", "http://g3")


def test_nothing_at_all_says_what_to_do_and_what_was_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_server(monkeypatch, Server(ProofRefused("nobody is logged in here", "login-required")))
    keep_login(tmp_path, "stale")
    monkeypatch.setenv("JUPYTER_GOVERN_TOKEN_FILE", str(tmp_path / "missing"))
    with pytest.raises(NotLoggedIn) as problem:
        Tickets(None).fresh()
    said = str(problem.value)
    assert "jupyter govern login" in said
    assert "nobody is logged in here" in said
    assert "unknown token" in said
    assert "cannot be read" in said


def test_a_gateway_that_is_down_is_not_called_a_missing_login(monkeypatch: pytest.MonkeyPatch) -> None:
    use_server(monkeypatch, Server(ProofRefused("the gateway does not answer", "gateway-unreachable")))
    with pytest.raises(GatewayNotRunning) as problem:
        Tickets(None).fresh()
    assert "jupyter govern gateway" in str(problem.value)
