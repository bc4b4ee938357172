"""Event streams end with the token they were opened with, also those that nobody reads; who may use what."""

from __future__ import annotations

import asyncio
import time

import pytest

from jupyter_govern.model import TokenKind

from .world import World


async def test_a_stream_ends_with_its_token_and_no_other_does(world: World) -> None:
    mine, other = world.token("ana"), world.token("ana")
    streams = [await world.http.get(f"{world.url}/api/v1/events", headers={"Authorization": f"Bearer {each}"}) for each in (mine, other)]
    for stream in streams:
        await stream.content.readline()
    began = time.monotonic()
    assert (await world.ask("DELETE", "tokens/self", mine)).json == {"sessions": []}
    await asyncio.wait_for(streams[0].content.read(), 1)
    assert time.monotonic() - began < 1
    assert (await world.ask("GET", "me", other)).status == 200
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(streams[1].content.read(), 0.2)
    streams[1].close()


async def test_a_stream_that_nobody_reads_is_hung_up_on(world: World) -> None:
    token = world.token("ana")
    host, port = world.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port), limit=1024)
    writer.write(f"GET /api/v1/events HTTP/1.1\r\nHost: {host}:{port}\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
    await reader.readuntil(b"sessions")
    events = world.api._events
    (listener,) = events._listeners
    for _ in range(200):
        for _ in range(100):
            listener.put(b": " + b"x" * 60_000 + b"\n\n")
        listener.lost = False
        await asyncio.sleep(0.005)
    assert listener in events._listeners
    began = time.monotonic()
    ended = world.identity.revoke_person("ana", by="ben", reason="")
    assert ended.streams == 1
    while listener in events._listeners:
        assert time.monotonic() - began < 1
        await asyncio.sleep(0.02)
    writer.close()


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "revocations", {"user": "ana"}),
        ("POST", "keys", {"service": "etl"}),
        ("GET", "keys", None),
        ("DELETE", "keys/00", None),
    ],
)
async def test_only_an_administrators_own_login_will_do(world: World, method: str, path: str, body: dict[str, str] | None) -> None:
    assert (await world.ask(method, path, json=body)).status == 401
    kinds: tuple[TokenKind, ...] = ("server", "kernel", "browser", "client")
    for kind in kinds:
        assert (await world.ask(method, path, world.token("ben", kind), json=body)).code == "forbidden"
    assert (await world.ask(method, path, world.token("ana"), json=body)).code == "not-an-admin"
    assert (await world.ask(method, path, world.token("ben"), json=body)).status in (200, 404)


async def test_what_a_credential_is_asked_with(world: World) -> None:
    token = world.token("ana")
    for body in (
        {"target": "shop", "seconds": "60"},
        {"target": "shop", "seconds": True},
        {"target": "shop", "seconds": 43201},
        {"target": "shop", "networks": "here"},
        {"target": "shop", "networks": ["x"] * 9},
        {"target": "shop", "networks": [""]},
        {},
    ):
        assert (await world.ask("POST", "credentials", token, json=body)).code == "bad-request", body
    made = (await world.ask("POST", "credentials", token, json={"target": "shop", "seconds": 43200})).json
    mine = (await world.ask("GET", "me", token)).json
    assert made["expires_at"] <= mine["expires_at"]
    assert (await world.ask("POST", "credentials", world.token("ana", "server"), json={"target": "shop"})).status == 403
