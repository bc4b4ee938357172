"""Bounds on connections: silent ones are closed, one too many is refused, others do not notice."""

from __future__ import annotations

import asyncio
import contextlib

from aiohttp import ClientSession, web

from jupyter_govern_gateway.api.door import Door


class Place:
    """A small server behind a Door."""

    def __init__(self, door: Door) -> None:
        self.door = door

    async def __aenter__(self) -> Place:
        async def answer(request: web.BaseRequest) -> web.Response:
            self.door.heard(request)
            return web.Response(text="ok")

        self.door.server = web.Server(answer)
        self.listening = await asyncio.get_running_loop().create_server(self.door, "127.0.0.1", 0)
        self.port = self.listening.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self.listening.close()
        self.door.close()
        assert self.door.server is not None
        await self.door.server.shutdown(1)


async def test_who_says_nothing_is_closed_and_who_asks_stays() -> None:
    async with Place(Door(seconds=0.3)) as place, ClientSession() as http:
        silent, keep = await asyncio.open_connection("127.0.0.1", place.port)
        async with http.get(f"http://127.0.0.1:{place.port}/") as got:
            assert got.status == 200
        assert await asyncio.wait_for(silent.read(1), 2) == b""
        keep.close()
        await asyncio.sleep(0.3)
        async with http.get(f"http://127.0.0.1:{place.port}/") as got:
            assert got.status == 200
        assert http.connector is not None


async def test_half_a_request_is_no_request() -> None:
    async with Place(Door(seconds=0.3)) as place:
        reader, writer = await asyncio.open_connection("127.0.0.1", place.port)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ")
        with contextlib.suppress(ConnectionError):
            assert await asyncio.wait_for(reader.read(1), 2) == b""
        writer.close()


async def test_one_too_many_is_refused() -> None:
    async with Place(Door(connections=2)) as place:
        open_ones = [await asyncio.open_connection("127.0.0.1", place.port) for _ in range(2)]
        await asyncio.sleep(0.05)
        reader, writer = await asyncio.open_connection("127.0.0.1", place.port)
        assert await asyncio.wait_for(reader.read(1), 2) == b""
        for each in (writer, *(w for _, w in open_ones)):
            each.close()
