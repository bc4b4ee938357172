"""The extension in a real Jupyter server: login by device flow, lists, kernel tokens for proven kernels only, clean stop."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from jupyter_govern.proof import proof_mac

from .conftest import FakeGateway, Lab, StartLab, until


async def logged_in(start_lab: StartLab, gateway: FakeGateway) -> Lab:
    lab = await start_lab(gateway_url=gateway.url)
    await lab.post("login")
    gateway.confirmed = True
    await until(lambda: lab.govern.login.current)
    return lab


def proof(lab: Lab, kernel_id: str, *, key: bytes | None = None, nonce: str = "n1", ts: int | None = None) -> dict[str, Any]:
    if key is None:
        key = lab.server.kernel_manager.get_kernel(kernel_id).session.key
    fields = {"kernel_id": kernel_id, "ts": str(ts or int(time.time())), "nonce": nonce}
    return {**fields, "mac": proof_mac(key, **fields)}


async def test_status_before_anything(start_lab: StartLab, gateway: FakeGateway) -> None:
    lab = await start_lab(gateway_url=gateway.url)
    said = (await lab.get("status")).json()
    assert said["gateway"] == {"url": gateway.url, "reachable": True, "error": ""}
    assert said["login"] is None
    assert said["login_pending"] is None


async def test_an_unreachable_gateway_is_said(start_lab: StartLab) -> None:
    lab = await start_lab(gateway_url="http://127.0.0.1:1")
    said = (await lab.get("status")).json()["gateway"]
    assert said["reachable"] is False
    assert "does not answer" in said["error"]
    refused = await lab.post("login")
    assert refused.status_code == 502
    assert refused.json()["error"]["code"] == "gateway-unreachable"


async def test_without_a_gateway_there_is_a_hint(start_lab: StartLab) -> None:
    lab = await start_lab()
    error = (await lab.post("login")).json()["error"]
    assert error["message"] == "no gateway was found."
    assert "gateway_url" in error["hint"]


async def test_a_device_login_from_code_to_logout(start_lab: StartLab, gateway: FakeGateway) -> None:
    lab = await start_lab(gateway_url=gateway.url)
    pending = (await lab.post("login")).json()["login_pending"]
    assert pending == {"user_code": "ABCD-EFGH", "verification_uri_complete": f"{gateway.url}/device?user_code=ABCD-EFGH"}
    again = (await lab.post("login")).json()["login_pending"]
    assert again == pending
    assert gateway.paths("POST").count("/api/v1/device") == 1
    assert (await lab.get("gateway/approvals")).status_code == 409
    gateway.confirmed = True
    await until(lambda: {"kind": "login", "state": "logged-in"} in lab.emitted)
    said = (await lab.get("status")).json()
    assert said["login"] == {"subject": "ana", "groups": ["analysts"], "expires_at": "2099-01-01T00:00:00+00:00"}
    assert said["login_pending"] is None
    assert "gov_server" not in str(said)
    said = (await lab.post("logout")).json()
    assert said["login"] is None
    assert ("DELETE", "/api/v1/tokens/self", "gov_server_x", None) in gateway.asked
    assert (await lab.get("gateway/me")).json()["error"]["code"] == "login-required"


async def test_a_denied_login_says_why(start_lab: StartLab, gateway: FakeGateway) -> None:
    lab = await start_lab(gateway_url=gateway.url)
    await lab.post("login")
    gateway.denied = True
    await until(lambda: {"kind": "login", "state": "login-failed"} in lab.emitted)
    said = (await lab.get("status")).json()
    assert said["login_pending"] is None
    assert "access_denied" in said["login_error"]


async def test_lists_pass_through_and_nothing_else_does(start_lab: StartLab, gateway: FakeGateway) -> None:
    lab = await logged_in(start_lab, gateway)
    answer = await lab.get("gateway/approvals?state=pending")
    assert answer.json() == [{"number": 1, "statement": "delete from orders"}]
    assert ("GET", "/api/v1/approvals?state=pending", "gov_server_x", None) in gateway.asked
    before = len(gateway.asked)
    for path in (
        "gateway/tokens",
        "gateway/events",
        "gateway/approvals/1/decision",
        "gateway/..%2Ftokens",
        "gateway/",
        "nothing",
    ):
        answer = await lab.get(path)
        assert answer.status_code == 404, path
        assert answer.json()["error"]["message"]
    assert len(gateway.asked) == before


async def test_an_approval_can_never_pass_the_notebook_server(start_lab: StartLab, gateway: FakeGateway) -> None:
    lab = await logged_in(start_lab, gateway)
    before = len(gateway.asked)
    for path in ("gateway/approvals/1/decision", "approvals/1/decision", "gateway/approvals/1"):
        answer = await lab.post(path, {"decision": "approve"})
        assert answer.status_code in {404, 405}, path
        assert "error" in answer.json()
    assert [asked for asked in gateway.asked[before:] if asked[0] == "POST"] == []


@pytest.mark.parametrize("path", ["status", "gateway/me", "gateway/approvals", "nothing"])
async def test_strangers_read_nothing(start_lab: StartLab, gateway: FakeGateway, path: str) -> None:
    lab = await start_lab(gateway_url=gateway.url)
    answer = await lab.http.get(f"/jupyter-govern/{path}")
    assert answer.status_code == 403
    assert "error" in answer.json()


@pytest.mark.parametrize("path", ["login", "logout", "nothing"])
async def test_strangers_do_nothing(start_lab: StartLab, gateway: FakeGateway, path: str) -> None:
    lab = await start_lab(gateway_url=gateway.url)
    assert (await lab.post(path, anonymous=True)).status_code == 403
    assert gateway.asked == []


async def test_the_authorizer_is_asked(start_lab: StartLab, gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch) -> None:
    lab = await start_lab(gateway_url=gateway.url)
    asked = []

    def is_authorized(handler: Any, user: Any, action: str, resource: str) -> bool:
        asked.append((action, resource))
        return action == "read"

    monkeypatch.setattr(lab.server.authorizer, "is_authorized", is_authorized)
    assert (await lab.get("status")).status_code == 200
    assert (await lab.post("login")).status_code == 403
    assert asked == [("read", "govern"), ("write", "govern")]


async def test_a_kernel_of_ours_gets_a_token_until_it_ends(start_lab: StartLab, gateway: FakeGateway) -> None:
    lab = await logged_in(start_lab, gateway)
    kernel_id = await lab.server.kernel_manager.start_kernel()
    await lab.server.session_manager.save_session("s1", path="work/a.ipynb", name="a", type="notebook", kernel_id=kernel_id)
    right = proof(lab, kernel_id)
    answer = await lab.post("kernel-token", right, anonymous=True)
    assert answer.json() == {
        "token": "gov_kernel_1", "subject": "ana", "expires_at": "2099-01-01T00:00:00+00:00",
        "api_url": gateway.url, "ca_file": "", "notebook": "work/a.ipynb",
    }  # fmt: skip
    assert answer.headers["Cache-Control"] == "no-store"
    method, path, bearer, body = gateway.asked[-1]
    assert (method, path, bearer, body["kernel_id"]) == ("POST", "/api/v1/tokens", "gov_server_x", kernel_id)

    assert (await lab.post("kernel-token", right, anonymous=True)).status_code == 403  # replayed
    assert (await lab.post("kernel-path", right, anonymous=True)).status_code == 403  # neither elsewhere

    await lab.server.session_manager.update_session("s1", path="work/renamed.ipynb")
    answer = await lab.post("kernel-path", proof(lab, kernel_id, nonce="n2"), anonymous=True)
    assert answer.json() == {"notebook": "work/renamed.ipynb"}

    await lab.server.kernel_manager.shutdown_kernel(kernel_id, now=True)  # type: ignore[no-untyped-call]
    await until(lambda: ("DELETE", "/api/v1/tokens/self", "gov_kernel_1", None) in gateway.asked)


async def test_what_is_no_proof_gets_nothing(start_lab: StartLab, gateway: FakeGateway) -> None:
    lab = await logged_in(start_lab, gateway)
    kernel_id = await lab.server.kernel_manager.start_kernel()
    wrong = [
        proof(lab, kernel_id, key=b"other"),
        proof(lab, kernel_id, ts=int(time.time()) - 31),
        proof(lab, "no-such-kernel", key=b"x"),
        {**proof(lab, kernel_id), "nonce": "changed"},
        {"kernel_id": kernel_id},
        "text",
        None,
        {"kernel_id": "x" * 5000},
    ]
    answers = [await lab.post("kernel-token", body, anonymous=True) for body in wrong]
    assert {answer.status_code for answer in answers} == {403}
    assert {answer.json()["error"]["message"] for answer in answers} == {"this proof of being a kernel is not accepted."}
    assert gateway.issued == 0


async def test_a_proven_kernel_without_a_login_is_told_so(start_lab: StartLab, gateway: FakeGateway) -> None:
    lab = await start_lab(gateway_url=gateway.url)
    kernel_id = await lab.server.kernel_manager.start_kernel()
    answer = await lab.post("kernel-token", proof(lab, kernel_id), anonymous=True)
    assert answer.status_code == 409
    assert answer.json()["error"]["code"] == "login-required"


async def test_a_login_that_the_gateway_ended_is_dropped(start_lab: StartLab, gateway: FakeGateway) -> None:
    lab = await logged_in(start_lab, gateway)
    gateway.refuse_tokens = True
    assert (await lab.get("gateway/me")).json()["error"]["code"] == "login-required"
    assert (await lab.get("status")).json()["login"] is None
    assert {"kind": "login", "state": "expired"} in lab.emitted


async def test_the_gateways_events_are_told_again(start_lab: StartLab, gateway: FakeGateway) -> None:
    lab = await logged_in(start_lab, gateway)
    await until(lambda: gateway.listeners == 1)
    gateway.events.put_nowait(("approval", {"number": 4, "state": "pending", "actor": "ana"}))
    await until(lambda: {"kind": "approval", "number": 4, "state": "pending"} in lab.emitted)


async def test_nothing_stays_after_stop(start_lab: StartLab, gateway: FakeGateway) -> None:
    lab = await logged_in(start_lab, gateway)
    await until(lambda: gateway.listeners == 1)
    await lab.govern.stop_extension()
    await until(lambda: gateway.listeners == 0)
    assert ("DELETE", "/api/v1/tokens/self", "gov_server_x", None) in gateway.asked
    ours = [task for task in asyncio.all_tasks() if task.get_name() in {"events", "device login", "gateway"}]
    assert ours == []


async def test_a_missing_gateway_config_is_said(start_lab: StartLab, tmp_path: Path) -> None:
    lab = await start_lab(gateway_config=str(tmp_path / "none.toml"))
    await until(lambda: lab.govern.start_problem)
    assert "not a file" in (await lab.get("status")).json()["gateway"]["error"]


async def test_every_setting_has_help_and_a_unit_where_it_is_a_time(start_lab: StartLab) -> None:
    lab = await start_lab()
    for name, trait in lab.govern.class_own_traits(config=True).items():
        assert "Default" in trait.help, name
        if name.endswith("_seconds"):
            assert "in seconds" in trait.help, name
