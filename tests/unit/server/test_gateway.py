"""The gateway's API as the server uses it: which paths it reads, and events out of chunks cut anywhere."""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_govern_server.gateway import MAX_EVENT, READABLE, Gateway, GatewayProblem, read_events

STREAM = (
    b': hello\n\nevent: approval\ndata: {"number": 7, "state": "pending"}\n\n'
    b'data: {"no": "name"}\n\nevent: x\ndata: not json\n\n'
    b'event: session\r\ndata: {"id": "s-\xc3\xa9",\r\ndata: "state": "closed"}\r\n\r\n'
)
EVENTS = [("approval", {"number": 7, "state": "pending"}), ("session", {"id": "s-é", "state": "closed"})]


async def chunks(raw: bytes, cuts: list[int]) -> AsyncIterator[bytes]:
    edges = [0, *sorted(cuts), len(raw)]
    for start, end in pairwise(edges):
        yield raw[start:end]


async def collect(raw: bytes, cuts: list[int]) -> list[tuple[str, dict[str, Any]]]:
    return [event async for event in read_events(chunks(raw, cuts))]


@given(st.lists(st.integers(0, len(STREAM)), max_size=12))
async def test_any_chunking_gives_the_same_events(cuts: list[int]) -> None:
    assert await collect(STREAM, cuts) == EVENTS


async def test_every_single_cut() -> None:
    for cut in range(len(STREAM)):
        assert await collect(STREAM, [cut]) == EVENTS


async def test_an_endless_event_is_refused() -> None:
    with pytest.raises(GatewayProblem, match="beyond"):
        await collect(b"data: " + b"x" * (MAX_EVENT + 1), [])


@pytest.mark.parametrize(
    "path", ["me", "targets", "approvals", "approvals/12", "sessions", "sessions/s_1-x", "sessions/a/verify"]
)
def test_lists_are_readable(path: str) -> None:
    assert READABLE.fullmatch(path)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "tokens",
        "approvals/12/decision",
        "approvals/x",
        "sessions/../tokens",
        "events",
        "device",
        "me/",
        "me\n",
        "sessions//x",
    ],
)
async def test_nothing_else_is(path: str) -> None:
    gateway = Gateway(lambda: "http://127.0.0.1:1", ca_file=lambda: "", seconds=1)
    with pytest.raises(GatewayProblem) as refused:
        await gateway.read("token", path)
    assert refused.value.status == 404


@pytest.mark.parametrize("url", ["", "ftp://x", "no address", "http://"])
async def test_without_an_address_it_is_unreachable(url: str) -> None:
    gateway = Gateway(lambda: url, ca_file=lambda: "", seconds=1)
    assert "no gateway was found" in await gateway.health()


async def test_a_token_never_goes_over_the_network_in_clear() -> None:
    gateway = Gateway(lambda: "http://192.0.2.1:8600", ca_file=lambda: "", seconds=1)
    with pytest.raises(GatewayProblem, match="in clear"):
        await gateway.me("token")


async def test_a_closed_port_is_unreachable() -> None:
    gateway = Gateway(lambda: "http://127.0.0.1:1", ca_file=lambda: "", seconds=1)
    assert "does not answer" in await gateway.health()
