"""Attacks on the road from JupyterHub to the data, against a real Hub, provider and kernels: each fails closed, and is on record."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import psycopg
import pytest
from hub_rig import HubRig, Seat, new_key
from kernel_rig import wait_until

from jupyter_govern.demo.remote_kernel import RemoteKernel

SHOP = "%%govsql shop\n"


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubRig]:
    made = HubRig(tmp_path_factory.mktemp("hub") / "rig")
    try:
        made.start()
        yield made
    finally:
        made.close()


@pytest.fixture(scope="module")
def seats(rig: HubRig) -> dict[str, tuple[Seat, RemoteKernel]]:
    return {name: rig.seat(name) for name in ("ana", "ben")}


@pytest.fixture
def ana(seats: dict[str, tuple[Seat, RemoteKernel]]) -> Seat:
    return seats["ana"][0]


@pytest.fixture
def ana_kernel(rig: HubRig, seats: dict[str, tuple[Seat, RemoteKernel]]) -> RemoteKernel:
    kernel = seats["ana"][1]
    rig.cell(kernel, "%load_ext jupyter_govern")
    return kernel


@pytest.fixture
def ben(seats: dict[str, tuple[Seat, RemoteKernel]]) -> Seat:
    return seats["ben"][0]


def refused(rig: HubRig, answer: httpx.Response, code: str, **fields: Any) -> None:
    """It was refused by name, and that is on record."""
    assert answer.json()["error"]["code"] == code and answer.status_code >= 400, answer.text
    last = [entry for entry in rig.log() if entry.get("event") == "hub refused"][-1]
    assert last["code"] == code
    for name, value in fields.items():
        assert last[name] == value


def connect(rig: HubRig, user: str, token: str) -> psycopg.Connection[Any]:
    stack = rig.stack
    return psycopg.connect(
        host="127.0.0.1", port=stack.pg_port, user=user, dbname="shop", password=token, sslmode="verify-full",
        sslrootcert=stack.ca_file, autocommit=True,
    )  # fmt: skip


@pytest.mark.timeout(300)
def test_a_kernel_that_never_logged_in_sees_masked_data(rig: HubRig, ana_kernel: RemoteKernel) -> None:
    done = rig.cell(ana_kernel, SHOP + "select name, email from customers limit 2")
    assert "2 rows" in done.text and "@" not in done.text and not done.error
    opened = [entry for entry in rig.log() if entry.get("token_kind") == "kernel"]
    assert opened and opened[-1]["kernel_id"]
    # what the environment of the kernel holds opens nothing but the exchange
    assert "gov_" not in rig.cell(ana_kernel, "import os; print(dict(os.environ))").text


def test_a_hub_token_with_anothers_kernel(rig: HubRig, ana: Seat, ben: Seat) -> None:
    refused(rig, rig.exchange(ana.hub_token, kernel_id=ben.kernel_id), "other-kernel", hub_user="ana", kernel_id=ben.kernel_id)
    refused(rig, rig.exchange(ben.hub_token, kernel_id=ana.kernel_id), "other-kernel", hub_user="ben")
    refused(rig, rig.exchange(ana.hub_token, kernel_id="made-up"), "other-kernel")


def test_a_hub_token_for_another_server(rig: HubRig, ana: Seat) -> None:
    refused(rig, rig.exchange(ana.hub_token, server="gpu"), "other-server")


def test_a_kernels_token_is_its_persons_only(rig: HubRig, ana: Seat) -> None:
    token = rig.exchange(ana.hub_token, kernel_id=ana.kernel_id).json()["token"]
    with connect(rig, "ana", token) as connection:
        assert connection.execute("select 1").fetchone() == (1,)
    with pytest.raises(psycopg.OperationalError):
        connect(rig, "ben", token)


def test_a_kernels_token_from_another_address(rig: HubRig, ana: Seat) -> None:
    token = rig.exchange(ana.hub_token, kernel_id=ana.kernel_id).json()["token"]
    with httpx.Client(transport=httpx.HTTPTransport(local_address="127.0.0.2")) as elsewhere:
        answer = elsewhere.get(f"{rig.stack.gateway_url}/api/v1/me", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401
    last = [entry for entry in rig.log() if entry.get("event") == "refused"][-1]
    assert (last["why"], last["address"], last["kernel_id"]) == ("another address", "127.0.0.2", ana.kernel_id)


@pytest.mark.timeout(240)
def test_a_kernel_cannot_approve(rig: HubRig, ana: Seat, ben: Seat) -> None:
    """With nothing that code in a kernel can get: neither its own person's question, nor, in an approver's kernel, anybody's."""
    statement = "delete from order_drafts"
    ana_token = rig.exchange(ana.hub_token, kernel_id=ana.kernel_id).json()["token"]
    with ThreadPoolExecutor(1) as pool, connect(rig, "ana", ana_token) as connection:
        waiting = pool.submit(connection.execute, statement)
        try:
            lists = rig.exchange(ben.hub_token).json()["token"]
            wait_until(lambda: rig.gateway("GET", "approvals", lists).json(), 20)
            asked = rig.gateway("GET", "approvals", lists).json()[0]
            body = {"decision": "approve", "reason": "forged", "digest": asked["digest"]}
            path = f"approvals/{asked['number']}/decision"
            bens = [ben.hub_token, lists, rig.exchange(ben.hub_token, kernel_id=ben.kernel_id).json()["token"]]
            for token in (*bens, ana.hub_token, ana_token):
                before = len(rig.log())
                assert rig.gateway("POST", path, token, json=body).status_code in (401, 403)
                assert any(entry.get("event") == "refused" and entry["what"].endswith(path) for entry in rig.log()[before:])
            # the browser's cookie is not taken there, and from a notebook's page neither cookie nor token would be sent along
            page = {"Origin": rig.stack.hub_url, "Sec-Fetch-Site": "cross-site", "Cookie": f"govern={lists}"}
            assert rig.http.post(f"{rig.stack.gateway_url}/api/v1/{path}", json=body, headers=page).status_code == 401
            form = {"form": "made-up", "decision": "approve", "reason": ""}
            answer = rig.http.post(f"{rig.stack.gateway_url}/approvals/{asked['number']}", data=form, headers=page)
            assert answer.status_code in (400, 401, 403)
            assert rig.gateway("GET", f"approvals/{asked['number']}", lists).json()["state"] == "pending"
        finally:
            connection.cancel_safe()
        with pytest.raises(psycopg.Error):
            waiting.result(timeout=20)


def test_a_service_an_administrator_and_a_person_by_their_own_hub_tokens(rig: HubRig, ana: Seat) -> None:
    refused(rig, rig.exchange("tester-token-0123456789abcdef"), "not-a-server-token")
    refused(rig, rig.exchange(rig.stack.secrets["service"]), "not-a-server-token")
    refused(rig, rig.exchange(ana.person_token), "not-a-server-token", hub_user="ana")
    assert rig.hub("PATCH", "users/ben", {"admin": True}).status_code == 200
    try:
        boss = rig.hub("POST", "users/ben/tokens", {"note": "boss"}).json()["token"]
        refused(rig, rig.exchange(boss), "not-a-server-token", hub_user="ben")
    finally:
        rig.hub("PATCH", "users/ben", {"admin": False})
    refused(rig, rig.exchange("0" * 32), "hub-token-unknown")


def test_the_hub_says_yes_and_the_proof_is_over(rig: HubRig, ana: Seat) -> None:
    good, now = rig.auth_state("ana")["id_token"], int(time.time())
    other = new_key()
    wrong = {
        "login-again": [
            rig.id_token(exp=now - 120, iat=now - 3600),
            rig.id_token(iat=now - 13 * 3600, exp=now + 3600),  # older than max_age_seconds
        ],
        "proof-refused": [
            rig.id_token(key=other),
            rig.id_token(aud=["somebody-else"]),
            rig.id_token(iss="https://login.example.org"),
            rig.id_token()[:-6] + "AAAAAA",
        ],
        "other-person": [rig.id_token(sub="ben")],
        "no-proof": [""],
    }
    try:
        for code, tokens in wrong.items():
            for token in tokens:
                rig.set_id_token("ana", token)
                assert rig.hub("GET", "user", token=ana.hub_token).status_code == 200  # the Hub's own word has not changed
                refused(rig, rig.exchange(ana.hub_token, kernel_id=ana.kernel_id), code, hub_user="ana")
    finally:
        rig.set_id_token("ana", good)
    assert rig.exchange(ana.hub_token, kernel_id=ana.kernel_id).status_code == 200


def test_a_group_of_the_hub_counts_under_its_prefix(rig: HubRig, ben: Seat) -> None:
    assert rig.hub("POST", "groups/dba2").status_code == 201
    rig.hub("POST", "groups/dba2/users", {"users": ["ben"]})
    assert rig.exchange(ben.hub_token, kernel_id=ben.kernel_id).json()["groups"] == ["dba", "hub:dba2"]
    rig.hub("DELETE", "groups/dba2")
    assert rig.exchange(ben.hub_token, kernel_id=ben.kernel_id).json()["groups"] == ["dba"]


@pytest.mark.timeout(240)
def test_a_server_that_is_stopped_takes_everything_with_it(rig: HubRig) -> None:
    """A second server of ana's: its token, revoked by the Hub, ends the open session within the time of a recheck."""
    seat, _ = rig.seat("ana", "second")
    assert rig.exchange(seat.hub_token).json()["error"]["code"] == "other-server"
    token = rig.exchange(seat.hub_token, server="second", kernel_id=seat.kernel_id).json()["token"]
    with connect(rig, "ana", token) as connection:
        assert connection.execute("select 1").fetchone() == (1,)
        identity = rig.hub("GET", "user", token=seat.hub_token).json()["token_id"]
        assert rig.hub("DELETE", f"users/ana/tokens/{identity}").status_code == 204
        wait_until(lambda: _is_cut(connection), 40)
    assert rig.gateway("GET", "me", token).status_code == 401
    wait_until(lambda: rig.exchange(seat.hub_token, server="second", kernel_id=seat.kernel_id).status_code == 401, 30)
    refused(rig, rig.exchange(seat.hub_token, server="second", kernel_id=seat.kernel_id), "hub-token-unknown")
    ended = [entry for entry in rig.log() if entry.get("event") == "revoked" and "does not know" in entry.get("reason", "")]
    assert ended


@pytest.mark.timeout(240)
def test_a_kernel_that_ends_takes_its_token_with_it(rig: HubRig, ana: Seat, ana_kernel: RemoteKernel) -> None:
    second = rig.open_kernel(ana, "second.ipynb")
    rig.cell(second, "%load_ext jupyter_govern")
    assert "1 row" in rig.cell(second, SHOP + "select 1 as one").text
    given = [entry for entry in rig.log() if entry.get("kernel_id") == second.kernel_id and entry.get("event") == "issued"]
    assert given
    rig.run(second.__aexit__())
    wait_until(lambda: any(e.get("event") == "revoked" and given[-1]["token"] in e.get("tokens", ()) for e in rig.log()), 20)
    refused(rig, rig.exchange(ana.hub_token, kernel_id=second.kernel_id), "other-kernel")


@pytest.mark.timeout(240)
def test_a_hub_that_is_down_lets_nobody_in_by_it(rig: HubRig, ana: Seat) -> None:
    """Last: the Hub ends."""
    rig.stack.kill_hub()
    wait_until(lambda: rig.exchange(ana.hub_token, kernel_id=ana.kernel_id).status_code == 503, 40)
    refused(rig, rig.exchange(ana.hub_token, kernel_id=ana.kernel_id), "hub-unreachable")


def _is_cut(connection: psycopg.Connection[Any]) -> bool:
    try:
        connection.execute("select 1")
    except psycopg.OperationalError:
        return True
    return False
