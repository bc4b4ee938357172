"""A socket pair in one process: reading in pieces, flowing, and noticing that somebody hung up without being read."""

from __future__ import annotations

import asyncio
import socket
from typing import cast

import pytest

from jupyter_govern_gateway.net.bounds import MAX_WHOLE
from jupyter_govern_gateway.net.lost import Lost, Overlong
from jupyter_govern_gateway.net.peer import Peer


async def pair() -> tuple[Peer, socket.socket]:
    ours, theirs = socket.socketpair()
    peer = Peer()
    await asyncio.get_running_loop().create_connection(lambda: cast(asyncio.Protocol, peer), sock=ours)
    return peer, theirs


async def test_exactly_so_many_bytes() -> None:
    peer, other = await pair()
    other.sendall(b"abc")
    assert await peer.exactly(2) == b"ab"
    other.sendall(b"def")
    assert await peer.exactly(4) == b"cdef"
    other.close()
    with pytest.raises(Lost):
        await peer.exactly(1)
    peer.close()


async def test_what_came_before_flows_first() -> None:
    peer, other = await pair()
    other.sendall(b"abc")
    assert await peer.exactly(1) == b"a"
    got: list[bytes] = []
    peer.flow(got.append)
    other.sendall(b"def")
    await asyncio.sleep(0.05)
    assert b"".join(got) == b"bcdef"
    other.close()
    peer.close()


async def test_what_nobody_reads_is_bounded() -> None:
    peer, other = await pair()
    other.setblocking(False)
    sent = 0
    for _ in range(200):
        try:
            sent += other.send(b"x" * 65536)
        except BlockingIOError:
            break
        await asyncio.sleep(0.005)
    assert len(peer._buffer) <= MAX_WHOLE + 256 * 1024
    assert sent < 200 * 65536
    other.close()
    peer.abort()


async def test_a_client_that_is_not_read_is_seen_to_hang_up() -> None:
    peer, other = await pair()
    peer.read(False)
    other.sendall(b"still here")
    assert not peer.has_gone()
    other.close()
    assert peer.has_gone()
    peer.abort()


async def test_bytes_in_clear_before_tls_are_an_error() -> None:
    import ssl

    peer, other = await pair()
    other.sendall(b"Q\0\0\0\x0dselect 1\0")
    await asyncio.sleep(0.05)
    with pytest.raises(Overlong):
        await peer.start_tls(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), is_server=True)
    other.close()
    peer.abort()
