"""The JSON API as its callers see it: who may do what with which token, shapes, refusals, headers."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from jupyter_govern.errors import Declined
from jupyter_govern.model import TokenKind

from .world import CELL, World, allowed

STRICT = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Server": "jupyter-govern",
}


async def test_log_in_and_out(world: World) -> None:
    got = await world.ask("POST", "login", json={"username": "ana", "password": "ana-password"})
    assert got.status == 200
    assert got.json | {"token": "", "expires_at": ""} == {
        "token": "", "kind": "person", "subject": "ana", "groups": ["analysts"], "expires_at": "",
    }  # fmt: skip
    token = got.json["token"]
    me = await world.ask("GET", "me", token)
    assert (me.json["subject"], me.json["kind"]) == ("ana", "person")
    assert (await world.ask("DELETE", "tokens/self", token)).status == 200
    assert (await world.ask("GET", "me", token)).status == 401


async def test_a_wrong_password_says_no_more_than_a_wrong_name(world: World) -> None:
    wrong = await world.ask("POST", "login", json={"username": "ana", "password": "x"})
    unknown = await world.ask("POST", "login", json={"username": "nobody", "password": "x"})
    assert wrong.status == unknown.status == 401
    assert wrong.json == unknown.json


async def test_logins_are_held_off(world: World) -> None:
    statuses = [(await world.ask("POST", "login", json={"username": "ana", "password": "x"})).status for _ in range(8)]
    assert statuses[0] == 401 and statuses[-1] == 429
    right = await world.ask("POST", "login", json={"username": "ana", "password": "ana-password"})
    assert right.status == 429 and "try again in" in right.json["error"]["message"]


@pytest.mark.parametrize(
    ("options", "status", "says"),
    [
        ({"data": b"{}", "headers": {"Content-Type": "text/plain"}}, 415, "JSON"),
        ({"data": b"{", "headers": {"Content-Type": "application/json"}}, 400, "not JSON"),
        ({"data": b"[" * 50_000, "headers": {"Content-Type": "application/json"}}, 400, "not JSON"),
        ({"json": []}, 400, "object"),
        ({"json": {"username": "ana"}}, 400, "'password' is missing"),
        ({"json": {"username": "ana", "pasword": "x"}}, 400, "Did you mean 'password'?"),
        ({"json": {"username": 1, "password": "x"}}, 400, "'username' must be a string"),
        ({"json": {"username": "a" * 300, "password": "x"}}, 400, "'username' must have 1 to 256"),
        ({"json": {"username": "\ud800", "password": "x"}}, 400, "not Unicode"),
        ({"json": {"username": "a" * 70_000, "password": "x"}}, 413, "larger than 65536"),
    ],
)
async def test_bodies_that_are_not_right(world: World, options: dict[str, Any], status: int, says: str) -> None:
    got = await world.ask("POST", "login", **options)
    assert got.status == status and says in got.json["error"]["message"]


@pytest.mark.parametrize(
    "header", [{}, {"Authorization": "Bearer nonsense"}, {"Authorization": "Basic YTpi"}, {"Authorization": "Bearer " + "x" * 5000}]
)
@pytest.mark.parametrize("path", ["me", "targets", "approvals", "approvals/1", "sessions", "sessions/x", "sessions/x/verify", "events"])
async def test_nothing_without_a_token(world: World, path: str, header: dict[str, str]) -> None:
    got = await world.ask("GET", path, headers=header)
    assert got.status == 401 and "jupyter govern login" in got.json["error"]["hint"]
    assert got.headers["WWW-Authenticate"].startswith("Bearer")


async def test_a_token_in_a_query_or_cookie_is_nothing(world: World) -> None:
    token = world.token("ana")
    assert (await world.ask("GET", f"me?token={token}&access_token={token}")).status == 401
    assert (await world.ask("GET", "me", headers={"Cookie": f"govern={token}"})).status == 401


LOOKS = ["approvals", "sessions"]


@pytest.mark.parametrize(
    ("kind", "method", "path", "allowed_status"),
    [
        *((kind, "GET", path, status) for path in LOOKS for kind, status in (("person", 200), ("server", 200), ("kernel", 403))),
        *(("browser", "GET", path, 403) for path in ("me", "targets", *LOOKS)),
        ("kernel", "GET", "me", 200),
        ("kernel", "GET", "targets", 200),
        ("kernel", "POST", "tokens", 403),
        ("browser", "POST", "tokens", 403),
        ("server", "POST", "tokens", 200),
        ("person", "POST", "tokens", 200),
    ],
)
async def test_kinds_of_tokens(world: World, kind: TokenKind, method: str, path: str, allowed_status: int) -> None:
    body = {"json": {"kernel_id": "k1", "server": "lab"}} if method == "POST" else {}
    assert (await world.ask(method, path, world.token("ana", kind), **body)).status == allowed_status


async def test_a_kernel_token_dies_with_the_token_that_asked(world: World) -> None:
    server = world.token("ana", "server")
    kernel = (await world.ask("POST", "tokens", server, json={"kernel_id": "k1", "server": "lab"})).json
    assert kernel["kind"] == "kernel" and kernel["subject"] == "ana"
    assert (await world.ask("GET", "me", kernel["token"])).status == 200
    await world.ask("DELETE", "tokens/self", server)
    assert (await world.ask("GET", "me", kernel["token"])).status == 401


async def test_targets(world: World) -> None:
    (shop,) = (await world.ask("GET", "targets", world.token("ana"))).json
    assert shop["verbs"] == ["read", "write"] and shop["reachable"] is False
    assert "analysts read the shop" in shop["why"]
    assert shop["masks"] == [{"column": "public.customers.email", "format": "partial", "rule": "no e-mail in clear", "because": "GDPR."}]
    assert {"name": "analysts read the shop", "because": "It is their job.", "effect": "allow"} in shop["rules"]
    assert shop["connect"] == {
        "host": "127.0.0.1", "port": 6432, "dbname": "shop", "user": "ana", "sslmode": "verify-full", "ca_file": "/ca.pem", "ca": "",
    }  # fmt: skip
    (seen_by_eve,) = (await world.ask("GET", "targets", world.token("eve"))).json
    assert seen_by_eve["verbs"] == [] and "no rule allows" in seen_by_eve["why"]
    (seen_by_ben,) = (await world.ask("GET", "targets", world.token("ben"))).json
    assert seen_by_ben["masks"] == []


async def test_approvals_are_seen_by_who_asked_and_who_may_answer(world: World) -> None:
    pending = world.pending(parameters=(b"7",))
    for name, expected in (("ana", 1), ("ben", 1), ("eve", 0), ("kim", 0)):
        token = world.token(name)
        assert len((await world.ask("GET", "approvals", token)).json) == expected
        assert (await world.ask("GET", f"approvals/{pending.number}", token)).status == (200 if expected else 404)
    (seen,) = (await world.ask("GET", "approvals", world.token("ben"))).json
    assert seen["number"] == pending.number and seen["state"] == "pending" and seen["may_decide"] is True
    assert seen["actor"] == {"subject": "ana", "groups": ["analysts"]}
    assert seen["statement"] == "delete from orders" and seen["parameters"] == ["7"]
    assert (seen["rule"], seen["because"]) == ("deletes need a dba", "Orders are <i>money</i>.")
    assert seen["accesses"][1] == {"verb": "read", "resource": "public.customers", "columns": ["id", "name"]}
    assert seen["cell"]["notebook"] == CELL.notebook and seen["cell"]["proof"] == "reported"
    assert seen["url"] == f"{world.url}/approvals/{pending.number}"
    assert seen["digest"] == pending.approval.operation.digest()
    assert (await world.ask("GET", "approvals", world.token("ana"))).json[0]["may_decide"] is False


async def test_a_long_statement_is_cut_in_lists_only(world: World) -> None:
    pending, token = world.pending("delete from orders -- " + "x" * 100_000), world.token("ben")
    (listed,) = (await world.ask("GET", "approvals", token)).json
    assert listed["statement_cut"] is True and len(listed["statement"]) == 16_384
    whole = (await world.ask("GET", f"approvals/{pending.number}", token)).json
    assert len(whole["statement"]) > 100_000


async def decided(world: World, number: int, token: str, decision: str = "approve", **other: str) -> tuple[int, Any]:
    digest = world.approvals.get(number).digest  # type: ignore[union-attr]
    body = {"decision": decision, "reason": "fine", "digest": digest} | other
    got = await world.ask("POST", f"approvals/{number}/decision", token, json=body)
    return got.status, got.json


async def test_approve_over_the_api(world: World) -> None:
    pending = world.pending()
    status, approval = await decided(world, pending.number, world.token("ben"))
    assert status == 200 and (approval["state"], approval["decided_by"], approval["reason"]) == ("approved", "ben", "fine")
    assert (await pending.future).operation is not None
    status, again = await decided(world, pending.number, world.token("ben"))
    assert status == 409 and again["error"]["code"] == "decided"


async def test_deny_over_the_api(world: World) -> None:
    pending = world.pending()
    assert (await decided(world, pending.number, world.token("ben"), "deny"))[0] == 200
    with pytest.raises(Declined, match="fine"):
        await pending.future


@pytest.mark.parametrize("kind", ["server", "kernel", "browser"])
async def test_only_a_persons_token_decides(world: World, kind: TokenKind) -> None:
    pending = world.pending()
    status, answer = await decided(world, pending.number, world.token("ben", kind))
    assert status == 403 and kind in answer["error"]["message"]
    assert pending.approval.state == "pending"


@pytest.mark.parametrize(
    ("name", "other", "status", "code"),
    [
        ("ana", {}, 403, "self-approval"),
        ("eve", {}, 404, "not-found"),
        ("ben", {"digest": "0" * 64}, 409, "changed"),
        ("ben", {"digest": "0"}, 400, "bad-request"),
        ("ben", {"decision": "yes"}, 400, "bad-request"),
        ("ben", {"reason": "x" * 2000}, 400, "bad-request"),
        ("ben", {"extra": "x"}, 400, "bad-request"),
    ],
)
async def test_decisions_that_do_not_count(world: World, name: str, other: dict[str, str], status: int, code: str) -> None:
    pending = world.pending()
    got, answer = await decided(world, pending.number, world.token(name), **other)
    assert (got, answer["error"]["code"]) == (status, code)
    assert pending.approval.state == "pending"


async def test_an_expired_token_decides_nothing(world: World) -> None:
    pending, token = world.pending(), world.token("ben")
    world.clock.ahead = 13 * 3600
    assert (await decided(world, pending.number, token))[0] == 401
    assert pending.approval.state == "pending"


async def test_lists_by_state(world: World) -> None:
    pending, token = world.pending(), world.token("ben")
    await decided(world, pending.number, token)
    assert (await world.ask("GET", "approvals", token)).json == []
    assert [a["state"] for a in (await world.ask("GET", "approvals?state=all", token)).json] == ["approved"]
    assert (await world.ask("GET", "approvals?state=x", token)).status == 400


async def recorded(world: World) -> str:
    session = world.session("ana")
    permit = world.put(session, "select 1", allowed())
    permit.finish(tag="SELECT 1", rows=1, bytes_=10, error=None)  # type: ignore[union-attr]
    return session.id


async def test_sessions_are_ones_own(world: World) -> None:
    identifier = await recorded(world)
    for name, status in (("ana", 200), ("ben", 404), ("eve", 404), ("kim", 200)):
        token = world.token(name)
        assert (await world.ask("GET", f"sessions/{identifier}", token)).status == status
        assert (await world.ask("GET", f"sessions/{identifier}/verify", token)).status == status
        assert len((await world.ask("GET", "sessions", token)).json) == (1 if status == 200 else 0)


async def test_a_session_tells_its_operations(world: World) -> None:
    token, identifier = world.token("ana"), await recorded(world)
    (row,) = (await world.ask("GET", "sessions", token)).json
    assert row | {"opened_at": ""} == {
        "id": identifier, "actor": "ana", "target": "shop", "protocol": "postgresql", "client": "psql", "opened_at": "",
        "closed_at": None, "operations": 1, "notebook": CELL.notebook,
    }  # fmt: skip
    told = (await world.ask("GET", f"sessions/{identifier}", token)).json
    (operation,) = told["operations"]
    assert operation["statement"] == "select 1" and operation["decision"]["effect"] == "allow"
    assert operation["decision"]["rules"] == [{"name": "analysts read the shop", "because": "It is their job."}]
    assert (operation["tag"], operation["rows"], operation["bytes"], operation["error"]) == ("SELECT 1", 1, 10, None)
    assert operation["cell"]["proof"] == "reported" and operation["ms"] >= 0


async def test_sessions_by_notebook_and_number(world: World) -> None:
    token = world.token("ana")
    await recorded(world)
    await recorded(world)
    assert len((await world.ask("GET", "sessions?limit=1", token)).json) == 1
    assert len((await world.ask("GET", "sessions", token, params={"notebook": CELL.notebook})).json) == 2
    assert (await world.ask("GET", "sessions?notebook=other", token)).json == []
    for wrong in ("0", "501", "x", "-1"):
        assert (await world.ask("GET", f"sessions?limit={wrong}", token)).status == 400


async def test_verify_finds_an_edit_a_cut_and_a_replacement(world: World) -> None:
    token, identifier = world.token("ana"), await recorded(world)
    world.gate.close_session(world.sessions[-1], "done")
    path = world.sessions[-1].recording.chain.path
    whole = path.read_bytes()

    async def verdict() -> dict[str, Any]:
        return dict((await world.ask("GET", f"sessions/{identifier}/verify", token)).json)

    good = await verdict()
    assert good["ok"] and good["complete"] and good["entries"] == whole.count(b"\n") and good["problem"] == ""
    path.write_bytes(whole.replace(b"select 1", b"select 2"))
    assert not (await verdict())["ok"]
    path.write_bytes(b"".join(whole.splitlines(keepends=True)[:2]))
    cut = await verdict()
    assert not cut["ok"] and "gateway's own log" in cut["problem"]
    path.unlink()
    assert (await world.ask("GET", f"sessions/{identifier}/verify", token)).status == 410


async def listen(world: World, token: str, heard: list[tuple[str, Any]]) -> None:
    async with world.http.get(f"{world.url}/api/v1/events", headers={"Authorization": f"Bearer {token}"}) as got:
        name = ""
        async for line in got.content:
            text = line.decode().strip()
            if text.startswith("event: "):
                name = text[7:]
            elif text.startswith("data: "):
                heard.append((name, json.loads(text[6:])))


async def until(claim: Any) -> None:
    for _ in range(300):
        if claim():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it did not come about")


async def test_events_reach_those_who_may_see_them(world: World) -> None:
    heard: dict[str, list[tuple[str, Any]]] = {name: [] for name in ("ana", "ben", "eve")}
    streams = [asyncio.create_task(listen(world, world.token(name, "server"), heard[name])) for name in heard]  # noqa: TID251
    await until(lambda: len(world.api._events._listeners) == 3 and world.api._events._known is not None)
    await asyncio.sleep(0.3)
    pending = world.pending()
    world.approvals.withdraw(pending.number, "changed my mind")
    about = {"number": pending.number, "actor": "ana"}
    expected = [("approval", {**about, "state": "pending"}), ("approval", {**about, "state": "withdrawn"})]
    for name in ("ana", "ben"):
        await until(lambda name=name: [e for e in heard[name] if e[0] == "approval"] == expected)
    await until(lambda: ("session", {"id": world.sessions[-1].id, "state": "open"}) in heard["ana"])
    assert heard["eve"] == [] and all(name != "session" for name, _ in heard["ben"])
    assert "delete" not in str(heard)
    for stream in streams:
        stream.cancel()
    await asyncio.gather(*streams, return_exceptions=True)
    await until(lambda: not world.api._events._listeners)


async def test_a_revoked_token_hears_nothing_more(world: World) -> None:
    token, heard = world.token("ben"), list[tuple[str, Any]]()
    stream = asyncio.create_task(listen(world, token, heard))  # noqa: TID251
    await until(lambda: world.api._events._listeners)
    await world.ask("DELETE", "tokens/self", token)
    world.pending()
    world.pending()
    await asyncio.sleep(0.1)
    assert heard == []
    stream.cancel()
    await asyncio.gather(stream, return_exceptions=True)


async def test_streams_are_bounded(world: World) -> None:
    token = world.token("ana")
    streams = [asyncio.create_task(listen(world, token, [])) for _ in range(16)]  # noqa: TID251
    await until(lambda: len(world.api._events._listeners) == 16)
    assert (await world.ask("GET", "events", token)).status == 429
    for stream in streams:
        stream.cancel()
    await asyncio.gather(*streams, return_exceptions=True)


async def test_strict_headers_on_every_answer(world: World) -> None:
    for path in ("/healthz", "/api/v1/me", "/api/v1/nothing", "/nothing", "/login", "/approvals/1"):
        async with world.http.get(world.url + path) as got:
            assert {name: got.headers[name] for name in STRICT} == STRICT, path
            assert "Access-Control-Allow-Origin" not in got.headers
            assert "frame-ancestors 'none'" in got.headers["Content-Security-Policy"]
    async with world.http.options(world.url + "/api/v1/me", headers={"Origin": "http://evil.example"}) as got:
        assert got.status == 405 and not [name for name in got.headers if name.startswith("Access-Control")]


@pytest.mark.parametrize(
    ("host", "status"),
    [("evil.example", 421), ("127.0.0.1.evil.example", 421), ("", 421), ("localhost:1", 200), ("[::1]:9", 200), ("127.0.0.1", 200)],
)
async def test_other_names_are_refused(world: World, host: str, status: int) -> None:
    async with world.http.get(world.url + "/healthz", headers={"Host": host}) as got:
        assert got.status == status


async def test_errors_are_json_below_api_and_pages_elsewhere(world: World) -> None:
    missing = await world.ask("GET", "nothing")
    assert missing.status == 404 and missing.code == "not-found"
    wrong = await world.ask("PUT", "me")
    assert wrong.status == 405 and wrong.headers["Allow"]
    async with world.http.get(world.url + "/nothing<script>") as got:
        assert got.status == 404 and got.content_type == "text/html" and "<script>" not in await got.text()


async def test_a_bug_keeps_its_text_in_the_log(world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    token = world.token("ana")

    def broken(**_: Any) -> None:
        raise ZeroDivisionError("the secret is 42")

    monkeypatch.setattr(world.approvals, "list", broken)
    got = await world.ask("GET", "approvals", token)
    assert got.status == 500 and "42" not in got.text and "the secret is 42" in caplog.text
