"""A login ends when the Hub no longer knows the token it stands on, or says nothing for too long; a short silence ends nothing."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web

from jupyter_govern.errors import RecordingFailed
from jupyter_govern_gateway.identity.hub.api import MAX_ASKING, Hub
from jupyter_govern_gateway.identity.hub.recheck import MAX_SILENCE_SECONDS, Recheck
from jupyter_govern_gateway.identity.service import Ended
from jupyter_govern_gateway.identity.tokens import TokenStore

from .world import ANA, SERVICE, HubWorld


async def test_a_token_that_the_hub_forgot(world: HubWorld) -> None:
    _, token = await world.ask()
    await world.recheck.once()
    assert world.tokens.store.living(token.id)
    world.small.known_ids.clear()
    await world.recheck.once()
    assert world.tokens.store.of() == []
    assert "does not know" in world.tokens.revoked[0][1]


async def test_what_was_opened_ends_with_it(world: HubWorld) -> None:
    _, token = await world.ask()
    ended: list[str] = []
    world.tokens.ties.tie(world.tokens.lineage(token), what="session", name="s1", end=ended.append)
    world.small.known_ids.clear()
    await world.recheck.once()
    assert ended == ["the Hub does not know the notebook server's token any more"]


async def test_a_hub_that_restarts_and_one_that_is_gone(world: HubWorld) -> None:
    _, token = await world.ask()
    await world.recheck.once()
    world.small.broken = 503
    world.now += MAX_SILENCE_SECONDS - 1
    await world.recheck.once()
    assert world.tokens.store.living(token.id)
    world.now += 2
    await world.recheck.once()
    assert world.tokens.store.of() == []


async def test_a_restart_of_the_gateway_forgets_nothing(world: HubWorld) -> None:
    await world.ask()
    world.tokens.store = TokenStore(world.folder / "tokens.json", secret=b"s", clock=lambda: world.now)
    assert len(world.tokens.store.of(kind="login")) == 1
    world.small.known_ids.clear()
    await world.recheck.once()
    assert world.tokens.store.of() == []


async def test_sessions_live_as_long_as_the_proof_that_was_renewed(world: HubWorld) -> None:
    _, token = await world.ask()
    ended: list[str] = []
    world.tokens.ties.tie(world.tokens.lineage(token), what="session", name="s1", end=ended.append)
    login = world.tokens.lineage(token)[1]
    world.tokens.prolong(login.id, login.expires_at + 600)
    world.now = login.expires_at + 1
    world.tokens.ties.sweep()
    assert ended == []
    world.now += 600
    world.tokens.ties.sweep()
    assert len(ended) == 1


async def test_a_full_disk_does_not_end_the_asking(world: HubWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    _, token = await world.ask()
    world.small.known_ids.clear()
    revoke, failed = world.tokens.revoke, 0

    def full_at_first(token_id: str, **fields: str) -> Ended:
        nonlocal failed
        failed += 1
        if failed == 1:
            raise RecordingFailed("no space left")
        return revoke(token_id, **fields)

    monkeypatch.setattr(world.tokens, "revoke", full_at_first)
    recheck = Recheck(hub=world.hub, identity=world.tokens, seconds=0.01, clock=lambda: world.now)  # type: ignore[arg-type]
    watching = asyncio.get_running_loop().create_task(recheck.watch())
    for _ in range(200):
        if not world.tokens.store.living(token.id):
            break
        await asyncio.sleep(0.02)
    assert not world.tokens.store.living(token.id) and not watching.done()
    watching.cancel()


async def test_a_server_that_never_answers_delays_no_revocation(world: HubWorld) -> None:
    """The notebook servers are people's own: one that holds every question open must not keep the Hub from being asked."""
    held, reached = asyncio.Event(), set[str]()

    async def holds(request: web.Request) -> web.Response:
        reached.add(request.path.split("/")[2])
        await held.wait()
        return web.Response(status=404)

    app = web.Application()
    app.router.add_get("/{any:.*}", holds)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    own = f"http://127.0.0.1:{runner.addresses[0][1]}"
    hub = Hub(api_url=f"{world.small.url}/hub/api", proxy_url=own, token=SERVICE, clock=lambda: world.now)
    loop = asyncio.get_running_loop()
    asking = [loop.create_task(hub.runs_kernel("/user/eve/", ANA, "k1")) for _ in range(3 * MAX_ASKING)]
    try:
        await asyncio.sleep(0.1)
        async with asyncio.timeout(2):
            assert await hub.knows("ana", "a2")
            assert (await hub.introspect(ANA)).user == "ana"
        others = loop.create_task(hub.runs_kernel("/user/ana/", ANA, "k1"))
        await asyncio.sleep(0.1)
        assert reached == {"eve", "ana"}
        asking.append(others)
    finally:
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
        await hub.close()
        await runner.cleanup()


async def test_the_hubs_groups_go_with_the_login_there(world: HubWorld) -> None:
    """A person who is also logged in on the gateway's own page must not keep for ever what the Hub said once."""
    await world.ask()
    person = world.tokens.people.find("ana")
    assert person is not None and person.all_groups == {"analysts", "hub:on-call"}
    await world.recheck.once()
    assert world.tokens.people.with_hub_groups() == {"ana"}
    world.small.known_ids.clear()
    await world.recheck.once()
    person = world.tokens.people.find("ana")
    assert person is not None and person.all_groups == {"analysts"}
