"""A 1M-row read, taken from the socket as fast as it comes.

libpq makes and authenticates the connection; then one Query message goes out on its socket and the answer is read and thrown
away until ReadyForQuery, so that the reader costs next to nothing and the road is what is measured. Plain TCP only.
"""

from __future__ import annotations

import os
import time

import psycopg

from bench.world import Road

READY = b"Z\x00\x00\x00\x05I"
BLOCK = 1 << 18


def rows_per_second(road: Road, statement: str, rows: int) -> float:
    with psycopg.connect(road.conninfo(), autocommit=True) as connection:
        descriptor = connection.pgconn.socket
        os.set_blocking(descriptor, True)
        body = statement.encode() + b"\0"
        started = time.perf_counter()
        os.write(descriptor, b"Q" + (len(body) + 4).to_bytes(4, "big") + body)
        total, tail = 0, b""
        while True:
            block = os.read(descriptor, BLOCK)
            if not block:
                raise RuntimeError(f"{road.name} closed the connection after {total} bytes")
            total += len(block)
            tail = (tail + block)[-len(READY) :]
            if tail == READY:
                break
        seconds = time.perf_counter() - started
        os.set_blocking(descriptor, False)
    if total < rows:
        raise RuntimeError(f"{road.name} answered with {total} bytes only: {tail!r}")
    return rows / seconds
