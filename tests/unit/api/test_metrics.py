"""/metrics: what it says, and to whom."""

from __future__ import annotations

import re

import pytest

from jupyter_govern_gateway.api import metrics

from .test_operations import filled
from .world import Answer, World

LINE = re.compile(r'^[a-z_]+(\{[a-z]+="[a-z]+"\})? [0-9.e+-]+$')


async def scraped(world: World, **headers: str) -> Answer:
    async with world.http.get(f"{world.url}/metrics", headers=headers) as got:
        return await Answer.of(got)


async def test_what_it_says(world: World) -> None:
    await filled(world)
    world.pending()
    world.gate.close_session(world.sessions.pop(0), "done")
    await world.ask("GET", "operations", world.token("kim"))
    got = await scraped(world)
    assert got.status == 200 and got.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    lines = got.text.splitlines()
    assert all(line.startswith("# ") or LINE.match(line) for line in lines), got.text
    for said in (
        "sessions_open 2", 'operations_total{decision="allow"} 8', 'operations_total{decision="block"} 1',
        'operations_total{decision="approve"} 1', "approvals_pending 1", "record_write_errors_total 0", "delivered_rows_total 21",
    ):  # fmt: skip
        assert f"jupyter_govern_{said}" in lines, said
    assert not any(name in got.text for name in ("ana", "customers", "shop"))


@pytest.mark.parametrize("name", ["X-Forwarded-For", "Forwarded", "Via"])
async def test_a_proxy_is_nobody(world: World, name: str) -> None:
    assert (await scraped(world, **{name: "127.0.0.1"})).status == 401


async def test_elsewhere_for_auditors(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "_is_local", lambda request: False)
    assert (await scraped(world)).status == 401
    assert (await scraped(world, Authorization=f"Bearer {world.token('ana')}")).status == 403
    assert (await scraped(world, Authorization=f"Bearer {world.token('kim', 'kernel')}")).status == 403
    assert (await scraped(world, Authorization=f"Bearer {world.token('kim')}")).status == 200
