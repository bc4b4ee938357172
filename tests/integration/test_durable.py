"""`mode = "durable"`: nothing reaches the target before the disk has its record; and the folder verifies when the gateway has stopped."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from pgwire_rig import Rig

from jupyter_govern.archive import verify_folder
from jupyter_govern.signatures import read_keys
from jupyter_govern_gateway.recorder import flusher

go = threading.Event()


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    real = flusher._sync

    def slow(descriptor: int) -> None:
        assert go.wait(20)
        real(descriptor)

    go.set()
    flusher._sync = slow  # type: ignore[misc]
    try:
        with Rig(rules='[gateway.recording]\nmode = "durable"\n') as started:
            yield started
    finally:
        flusher._sync = real  # type: ignore[misc]


def test_statements_of_every_kind(rig: Rig) -> None:
    with rig.connect() as connection, connection.cursor() as cursor:
        assert cursor.execute("select count(*) from orders").fetchone() == (1000,)
        assert cursor.execute("select id from orders where id = %s", (7,)).fetchone() == (7,)
        with connection.pipeline():
            found = [connection.execute("select %s::int", (number,)) for number in range(50)]
        assert [each.fetchone() for each in found] == [(number,) for number in range(50)]
        with pytest.raises(psycopg.Error, match="no drops"):
            cursor.execute("drop table orders")
        with cursor.copy("copy (select id from orders) to stdout") as copy:
            assert sum(1 for _ in copy) > 0
        cursor.executemany("update orders set note = %s where id = %s", [("x", 1), ("y", 2)])
        assert cursor.execute("select note from orders where id = 2").fetchone() == ("y",)


def test_nothing_reaches_the_target_before_the_disk(rig: Rig) -> None:
    with rig.connect() as connection, psycopg.connect(rig.postgres.conninfo(), autocommit=True) as target, ThreadPoolExecutor(1) as pool:
        connection.execute("select 1")
        go.clear()
        asked = pool.submit(connection.execute, "update orders set note = 'durable' where id = 3")
        try:
            with pytest.raises(TimeoutError):
                asked.result(0.5)
            assert target.execute("select note from orders where id = 3").fetchone() != ("durable",)
        finally:
            go.set()
        asked.result(10)
        assert target.execute("select note from orders where id = 3").fetchone() == ("durable",)


def test_a_client_that_goes_meanwhile(rig: Rig) -> None:
    connection = rig.connect()
    connection.execute("select 1")
    go.clear()
    connection.pgconn.send_query(b"select 42")
    connection.pgconn.flush()
    connection.close()
    go.set()
    with rig.connect() as again:
        assert again.execute("select 1").fetchone() == (1,)


def test_when_it_stopped_the_folder_verifies() -> None:
    with Rig(rules='[gateway.recording]\nmode = "durable"\n') as rig:
        with rig.connect() as connection:
            connection.execute("select 1")
        state: Path = rig.directory / "state"
        rig.call(rig.app.stop())
        report = verify_folder(state / "recordings", read_keys([state / "signing.pub"]))
        assert report.ok and not report.notes and report.sessions == 1, (report.problems, report.notes)
