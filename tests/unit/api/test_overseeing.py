"""Who may watch, terminate, hold, release and delete; that it is on record; and that a watcher sees what happens, as it happens."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp
import pytest

from jupyter_govern.recording import read_entries
from jupyter_govern_gateway.gate import Permit

from .world import World, allowed

WHY = {"reason": "the quarter is closed"}


def logged(world: World, kind: str) -> list[dict[str, Any]]:
    return [entry for entry in read_entries(world.recorder.log.path) if entry["type"] == kind]


@pytest.mark.parametrize("what", ["terminate", "hold", "release", "delete"])
async def test_who_may(world: World, what: str) -> None:
    session = world.session("ana")
    path = f"sessions/{session.id}/{what}"
    assert (await world.ask("POST", path, json=WHY)).status == 401
    for name, kind, code in (
        ("ana", "person", "not-an"),
        ("eve", "person", "not-an"),
        ("ben", "server", "forbidden"),
        ("ben", "kernel", "forbidden"),
    ):
        answer = await world.ask("POST", path, world.token(name, kind), json=WHY)  # type: ignore[arg-type]
        assert answer.status == 403 and answer.code.startswith(code), (name, kind)
    assert (await world.ask("POST", f"sessions/none/{what}", world.token("ben"), json=WHY)).status in {404, 409}
    assert (await world.ask("POST", path, world.token("ben"), json={"reason": ""})).status == 400
    assert [entry["by"] for entry in logged(world, "token") if entry["event"] == "refused" and "by" in entry] == ["ana", "eve"]
    assert not [entry for entry in logged(world, "session") if entry["event"] == what]
    if what != "terminate":
        assert (await world.ask("POST", path, world.token("kim"), json=WHY)).status == 403, "auditors look; administrators act"


async def test_terminate_ends_the_session_with_the_reason(world: World) -> None:
    session = world.session("ana")
    ended: list[str] = []
    world.identity.ties.tie(world.identity.lineage(session.token), what="session", name=session.id, end=ended.append)
    answer = await world.ask("POST", f"sessions/{session.id}/terminate", world.token("kim"), json=WHY)
    assert answer.json == {"session": session.id, "actor": "ana", "target": "shop"}
    assert ended == ["terminated by kim: the quarter is closed"]
    said = [entry for entry in logged(world, "session") if entry["event"] == "terminated"]
    assert [(each["by"], each["whom"], each["reason"]) for each in said] == [("kim", "ana", WHY["reason"])]
    assert (await world.ask("POST", f"sessions/{session.id}/terminate", world.token("kim"), json=WHY)).code == "not-open"


async def test_hold_and_delete(world: World) -> None:
    session = world.session("ana")
    admin, one = world.token("ben"), f"sessions/{session.id}"
    assert (await world.ask("POST", f"{one}/delete", admin, json=WHY)).code == "still-open"
    world.gate.close_session(session, "done")
    world.sessions.remove(session)
    assert (await world.ask("POST", f"{one}/hold", admin, json=WHY)).json == {"session": session.id, "done": "hold"}
    assert (await world.ask("GET", "holds", world.token("kim"))).json == [session.id]
    assert (await world.ask("POST", f"{one}/delete", admin, json=WHY)).code == "on-hold"
    assert (await world.ask("POST", f"{one}/release", admin, json=WHY)).status == 200
    assert (await world.ask("POST", f"{one}/release", admin, json=WHY)).code == "not-on-hold"
    assert (await world.ask("POST", f"{one}/delete", admin, json=WHY)).status == 200
    assert (await world.ask("GET", one, world.token("kim"))).status == 404
    said = [(entry["event"], entry["by"], entry["reason"]) for entry in logged(world, "session") if "by" in entry]
    assert said == [(what, "ben", WHY["reason"]) for what in ("hold", "release", "deleted")]


async def test_watching_live(world: World) -> None:
    session = world.session("ana")
    seen: list[dict[str, Any]] = []

    async def watch() -> None:
        headers = {"Authorization": f"Bearer {world.token('kim')}"}
        async with world.http.get(f"{world.url}/api/v1/sessions/{session.id}/live", headers=headers) as answer:
            assert answer.status == 200
            async for line in answer.content:
                seen.append(json.loads(line))

    async def until(kind: str) -> None:
        async with asyncio.timeout(10):
            while not seen or seen[-1]["type"] != kind:
                world.recorder.flush()
                await asyncio.sleep(0.02)

    async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
        tasks.create_task(watch())
        await until("session-open")
        permit = world.put(session, "select 1", allowed())
        assert isinstance(permit, Permit)
        await until("operation")
        permit.finish(tag="SELECT 1", rows=1, bytes_=1, error=None)
        await until("end")
        world.gate.close_session(session, "goodbye")
        world.sessions.remove(session)
    assert seen[-1]["type"] == "session-close" and [each["seq"] for each in seen] == list(range(1, len(seen) + 1))
    assert [(each["event"], each["by"], each["whom"]) for each in logged(world, "watch")] == [("live", "kim", ["ana"])]
    assert (await world.ask("GET", f"sessions/{session.id}/live", world.token("kim"))).code == "not-open"
    assert (await world.ask("GET", f"sessions/{session.id}/live", world.token("ana"))).code == "not-an-auditor"


async def test_a_watcher_whose_token_is_revoked_sees_nothing_more(world: World) -> None:
    session = world.session("ana")
    text, token = world.identity.issue(subject="kim", groups=frozenset({"audit"}), kind="person")
    async with world.http.get(f"{world.url}/api/v1/sessions/{session.id}/live", headers={"Authorization": f"Bearer {text}"}) as answer:
        assert json.loads(await answer.content.readline())["type"] == "session-open"
        world.identity.revoke(token.id, by="test")
        world.put(session, "select 'secret'", allowed())
        world.recorder.flush()
        try:
            rest = await asyncio.wait_for(answer.content.read(), 10)
        except aiohttp.ClientError:
            rest = b""
    assert b"secret" not in rest
