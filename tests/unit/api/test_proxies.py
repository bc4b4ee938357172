"""Whose request it is behind proxies: only what proxies of ours wrote is believed."""

from __future__ import annotations

import ipaddress
from pathlib import Path

import pytest
from pydantic import TypeAdapter, ValidationError

from jupyter_govern.config.shapes import NetworkText
from jupyter_govern_gateway.api.bounds import DEVICES_PER_MINUTE
from jupyter_govern_gateway.api.proxies import MAX_HOPS, client

from .world import World, running

OURS = [ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("fd00::/8")]


@pytest.mark.parametrize(
    ("remote", "forwarded", "found"),
    [
        ("203.0.113.5", ["198.51.100.1"], "203.0.113.5"),
        ("10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["127.0.0.1, 198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["127.0.0.1, 198.51.100.1, 10.2.0.9"], "198.51.100.1"),
        ("10.0.0.1", ["127.0.0.1", "198.51.100.1,10.2.0.9"], "198.51.100.1"),
        ("10.0.0.1", ["198.51.100.1:4711"], "198.51.100.1"),
        ("10.0.0.1", ["[2001:db8::7]:4711"], "2001:db8::7"),
        ("fd00::1", ["2001:db8::7"], "2001:db8::7"),
        ("::ffff:10.0.0.1", ["::ffff:198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", [""], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1, unknown"], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1, unknown, 10.3.0.1"], "10.3.0.1"),
        ("10.0.0.1", ["10.0.0.7"], "10.0.0.7"),
        ("", ["198.51.100.1"], ""),
    ],
)
def test_the_nearest_that_is_no_proxy_of_ours(remote: str, forwarded: list[str], found: str) -> None:
    assert client(remote, forwarded, OURS) == found


def test_a_long_list_is_read_from_its_end_only() -> None:
    assert client("10.0.0.1", [", ".join(["127.0.0.1"] * 9 + ["10.0.0.2"] * MAX_HOPS)], OURS) == "10.0.0.2"


@pytest.mark.parametrize("wrong", ["proxy.example.org", "10.0.0.1/8", "10.0.0.0/33", ""])
def test_what_is_no_network_is_refused(wrong: str) -> None:
    with pytest.raises(ValidationError, match="wants an address or a network"):
        TypeAdapter(NetworkText).validate_python(wrong)


async def test_rates_count_clients_and_not_the_proxy(tmp_path: Path) -> None:
    async with running(tmp_path, proxies=("127.0.0.0/8",)) as world:
        first = [await _begin(world, "198.51.100.1") for _ in range(DEVICES_PER_MINUTE + 1)]
        assert first == [200] * DEVICES_PER_MINUTE + [429]
        assert await _begin(world, "203.0.113.9, 198.51.100.1") == 429, "what the client wrote itself changes nothing"
        assert await _begin(world, "198.51.100.2") == 200


async def test_without_proxies_the_header_is_nothing(world: World) -> None:
    answers = [await _begin(world, f"198.51.100.{number}") for number in range(DEVICES_PER_MINUTE + 1)]
    assert answers == [200] * DEVICES_PER_MINUTE + [429]


async def _begin(world: World, forwarded: str) -> int:
    return (await world.ask("POST", "device", headers={"X-Forwarded-For": forwarded}, json={"client": "jupyter-server"})).status
