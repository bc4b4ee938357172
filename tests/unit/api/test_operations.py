"""GET operations: filters, pages, whose; GET recording; and who watched whom."""

from __future__ import annotations

import json
from typing import Any

import pytest

from jupyter_govern.model import Decision
from jupyter_govern.recording import read_entries, verify_lines
from jupyter_govern_gateway.gate import Permit

from .world import World, allowed


async def filled(world: World) -> tuple[str, str]:
    """Sessions of ana and ben."""
    ana, ben = world.session("ana"), world.session("ben")
    for number in range(7):
        permit = world.put(ana, f"select {number} from customers", allowed())
        assert isinstance(permit, Permit)
        permit.finish(tag="SELECT 1", rows=number, bytes_=1, error=None)
    world.put(ben, "select secret from orders", allowed(), cell=None)
    with pytest.raises(Exception, match="never"):
        world.put(ben, "drop table orders", Decision(effect="block", rules=(), reason="never"))
    return ana.id, ben.id


def watched(world: World) -> list[dict[str, Any]]:
    return [entry for entry in read_entries(world.recorder.log.path) if entry["type"] == "watch"]


async def test_whose(world: World) -> None:
    await filled(world)
    mine = await world.ask("GET", "operations", world.token("ana"))
    assert len(mine.json["operations"]) == 7 and mine.json["complete"] and mine.json["cursor"] is None
    assert mine.json["operations"][0]["rows"] == 6
    assert (await world.ask("GET", "operations?user=ben", world.token("ana"))).status == 403
    assert len((await world.ask("GET", "operations", world.token("kim"))).json["operations"]) == 9
    assert len((await world.ask("GET", "operations?user=ben&decision=block", world.token("kim"))).json["operations"]) == 1
    assert (await world.ask("GET", "operations")).status == 401
    assert (await world.ask("GET", "operations", world.token("ana", "kernel"))).status == 403
    said = [(each["event"], each["by"], each["whom"], each["search"]) for each in watched(world)]
    assert said == [("search", "kim", ["ana", "ben"], {}), ("search", "kim", ["ben"], {"user": "ben", "decision": "block"})]


async def test_pages(world: World) -> None:
    await filled(world)
    seen, cursor = [], ""
    while cursor is not None:
        page = (await world.ask("GET", f"operations?limit=2&cursor={cursor}", world.token("kim"))).json
        seen += [each["operation"] for each in page["operations"]]
        cursor = page["cursor"]
    assert len(seen) == len(set(seen)) == 9


@pytest.mark.parametrize(
    "query", ["since=yesterday", "cursor=x", "cursor=WzEsMl0=", "decision=maybe", "limit=0", "a=b", "purpose=fun", f"text={'x' * 2000}"]
)
async def test_what_is_no_search(world: World, query: str) -> None:
    assert (await world.ask("GET", f"operations?{query}", world.token("ana"))).status == 400


async def test_filters_hold_together(world: World) -> None:
    await filled(world)
    token = world.token("kim")
    for query, number in (
        ("text=secret", 1), ("text=SELECT", 8), ("target=shop", 9), ("target=x", 0), ("since=2020-01-01", 9), ("until=2020-01-01", 0),
        ("since=2020-01-01T00:00:00%2B02:00&text=customers&user=ana", 7), ("rule=analysts%20read%20the%20shop", 8),
        ("text=%22%20OR%20*", 0),
    ):  # fmt: skip
        assert len((await world.ask("GET", f"operations?{query}", token)).json["operations"]) == number, query


async def test_who_takes_away_is_on_record(world: World) -> None:
    ana, _ = await filled(world)
    await world.ask("GET", "operations?purpose=export&decision=allow", world.token("kim"))
    got = await world.ask("GET", f"sessions/{ana}/recording?purpose=replay", world.token("kim"))
    assert verify_lines(ana, got.text.encode()).ok and json.loads(got.text.splitlines()[0])["type"] == "session-open"
    assert (await world.ask("GET", f"sessions/{ana}/recording", world.token("eve"))).status == 404
    assert (await world.ask("GET", f"sessions/{ana}/recording?purpose=fun", world.token("ana"))).status == 400
    await world.ask("GET", f"sessions/{ana}", world.token("kim"))
    await world.ask("GET", f"sessions/{ana}", world.token("ana"))
    said = [(each["event"], each["by"], each["whom"], each.get("session")) for each in watched(world)]
    assert said == [("export", "kim", ["ana", "ben"], None), ("replay", "kim", ["ana"], ana), ("show", "kim", ["ana"], ana)]
