"""Who does not answer: a target that takes the connection and says nothing, a client that takes its time before it logs in."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import psycopg
import pytest
from pgwire_rig import TARGET, Rig

from jupyter_govern_gateway.net import arrival, targets

SILENT = 8
"""Targets that say nothing: more than there are threads to wait for them in asyncio's own pool on a small machine."""


class Stalled(Rig):
    """The usual rig, and targets whose port takes connections and answers none."""

    def __enter__(self) -> Stalled:
        self.silent = socket.create_server(("127.0.0.1", 0), backlog=64)
        super().__enter__()
        return self

    def __exit__(self, *problem: object) -> None:
        super().__exit__(*problem)
        self.silent.close()

    def policy(self, more: str = "") -> str:
        port = self.silent.getsockname()[1]
        return super().policy(more + "".join(TARGET.format(name=f"silent{n}", port=port, secret="right") for n in range(SILENT)))


@pytest.fixture
def rig(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stalled]:
    monkeypatch.setattr(targets, "CONNECT_SECONDS", 4.0)
    monkeypatch.setattr(arrival, "HANDSHAKE_SECONDS", 1.5)
    with Stalled() as made:
        yield made


def test_a_stalled_dial_delays_nobody_else_and_ends_in_words(rig: Stalled) -> None:
    told: list[str] = []

    def knock(number: int) -> None:
        try:
            rig.connect("ben", target=f"silent{number}").close()
        except psycopg.OperationalError as problem:
            told.append(str(problem))

    tokens = [threading.Thread(target=knock, args=(number,), daemon=True) for number in range(SILENT)]
    for thread in tokens:
        thread.start()
    time.sleep(0.5)
    for _ in range(3):
        began = time.monotonic()
        with rig.connect("ben") as connection:
            assert connection.execute("select 1").fetchone() == (1,)
        assert time.monotonic() - began < 3.5, "the session waited for somebody else's target"
    for thread in tokens:
        thread.join(40)
        assert not thread.is_alive(), "a hang instead of a message"
    assert len(told) == SILENT
    assert all('cannot be reached' in words or "catalog" in words for words in told), told


def test_a_slow_client_is_shown_out(rig: Stalled) -> None:
    """A byte now and then is no log-in."""
    with socket.create_connection(("127.0.0.1", rig.port)) as raw:
        raw.settimeout(10)
        began = time.monotonic()
        for byte in b"\0\0\0\x4a\0\3\0\0user":
            try:
                raw.sendall(bytes((byte,)))
            except OSError:
                break
            time.sleep(0.2)
            if time.monotonic() - began > 2:
                break
        said = raw.recv(1000)
    assert b"no log-in within 1.5 seconds" in said or said == b""
    assert time.monotonic() - began < 8
