"""The parts of the protocol that newer clients use: version 3.2, direct TLS, channel binding; and what was always there."""

from __future__ import annotations

import asyncio
import resource
import select
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import asyncpg
import psycopg
import pytest
from pgwire_rig import Rig
from psycopg import pq

from jupyter_govern_gateway.tls import listener_tls


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    with Rig() as made:
        yield made


def connect(rig: Rig, who: str = "ana", **more: str) -> psycopg.Connection[Any]:
    return psycopg.connect(rig.conninfo(who, **more), autocommit=True)


def test_channel_binding_may_be_required(rig: Rig) -> None:
    with connect(rig, channel_binding="require") as connection:
        assert connection.execute("select 1").fetchone() == (1,)
    with pytest.raises(psycopg.OperationalError, match=r"channel binding"):
        connect(rig, channel_binding="require", sslmode="disable")


def test_channel_binding_sees_another_certificate(rig: Rig) -> None:
    """Somebody between who has a certificate of his own, before a client that does not verify it."""
    here = socket.create_server(("127.0.0.1", 0))
    port = here.getsockname()[1]
    folder = rig.directory / "attacker"
    theirs = listener_tls(None, folder, folder, ("localhost", "127.0.0.1"), lambda line: None)

    def between() -> None:
        client, _ = here.accept()
        client.recv(8)
        client.sendall(b"S")
        raw = socket.create_connection(("127.0.0.1", rig.port))
        raw.sendall(b"\0\0\0\x08\x04\xd2\x16\x2f")
        raw.recv(1)
        context = ssl.create_default_context(cafile=rig.authority)
        with theirs.context.wrap_socket(client, server_side=True) as inside, context.wrap_socket(raw, server_hostname="127.0.0.1") as real:
            relay(inside, real)

    thread = threading.Thread(target=between, daemon=True)
    thread.start()
    with here, pytest.raises(psycopg.OperationalError, match="proof for another exchange"):
        connect(rig, sslmode="require", sslrootcert="", port=str(port))
    thread.join(5)


def relay(one: ssl.SSLSocket, other: ssl.SSLSocket) -> None:
    """Pass on what each side sends, in one thread (OpenSSL forbids two on one connection), until either hangs up."""
    beyond = {one: other, other: one}
    for side in beyond:
        side.setblocking(False)
    with suppress(ConnectionError):
        while ready := select.select(list(beyond), [], [], 20)[0]:
            for side in ready:
                try:
                    data = side.recv(65536)
                except ssl.SSLWantReadError:  # a record that carries no data, such as a session ticket
                    continue
                if not data:
                    return
                beyond[side].sendall(data)


@pytest.mark.skipif(pq.version() < 170000, reason="direct TLS needs libpq 17")
def test_direct_tls(rig: Rig) -> None:
    with connect(rig, sslnegotiation="direct", channel_binding="require") as connection:
        assert connection.pgconn.ssl_in_use
        assert connection.execute("select 1").fetchone() == (1,)


def test_direct_tls_without_the_protocols_name_is_refused(rig: Rig) -> None:
    context = ssl.create_default_context(cafile=rig.authority)
    with socket.create_connection(("127.0.0.1", rig.port)) as raw, context.wrap_socket(raw, server_hostname="127.0.0.1") as inside:
        inside.sendall(b"GET / HTTP/1.1\r\n\r\n")
        said = inside.recv(1000)
    assert b"ALPN" in said


@pytest.mark.skipif(pq.version() < 180000, reason="protocol 3.2 needs libpq 18")
def test_protocol_3_2_and_its_long_keys(rig: Rig) -> None:
    with connect(rig, min_protocol_version="3.2", max_protocol_version="3.2") as connection:
        assert connection.pgconn.full_protocol_version == 30002
        cancelled(connection)


def test_protocol_3_0_cancels_too(rig: Rig) -> None:
    with connect(rig) as connection:
        cancelled(connection)


def cancelled(connection: psycopg.Connection[Any]) -> None:
    timer = threading.Timer(0.3, connection.cancel_safe)
    timer.start()
    began = time.monotonic()
    with pytest.raises(psycopg.errors.QueryCanceled):
        connection.execute("select pg_sleep(20)")
    timer.join()
    assert time.monotonic() - began < 10
    assert connection.execute("select 1").fetchone() == (1,)


def test_the_long_key_of_the_target_is_used(rig: Rig) -> None:
    with connect(rig, who="ben"):
        sessions = list(rig.run(lambda: list(rig.app.postgresql._sessions)))
        assert sessions
        assert all(len(session._welcome.key) == 32 for session in sessions)


def test_the_process_number_is_the_targets(rig: Rig) -> None:
    with connect(rig, who="ben") as one, connect(rig, who="ben") as two:
        assert one.info.backend_pid == one.execute("select pg_backend_pid()").fetchone()[0]  # type: ignore[index]
        one.execute("listen here")
        two.execute("notify here, 'hello'")
        heard = next(iter(one.notifies(timeout=5, stop_after=1)))
        assert (heard.channel, heard.payload, heard.pid) == ("here", "hello", two.info.backend_pid)


def test_gss_encryption_is_refused_in_one_byte(rig: Rig) -> None:
    with socket.create_connection(("127.0.0.1", rig.port)) as raw:
        raw.sendall(b"\0\0\0\x08\x04\xd2\x16\x30")
        assert raw.recv(10) == b"N"


def test_replication_is_refused_with_a_reason(rig: Rig) -> None:
    with pytest.raises(psycopg.OperationalError, match="replication connections are not supported"):
        connect(rig, replication="database")


def test_options_and_application_name(rig: Rig) -> None:
    with connect(rig, who="ben", options="-c statement_timeout=4321 -c DateStyle=German", application_name="notebook 7") as connection:
        assert connection.execute("show statement_timeout").fetchone() == ("4321ms",)
        assert connection.info.parameter_status("DateStyle") == "German, DMY"
        assert connection.info.parameter_status("application_name") == "notebook 7"
        connection.execute("set application_name to 'another'")
        assert connection.info.parameter_status("application_name") == "another"


def test_parameter_status_that_nobody_knows_passes(rig: Rig) -> None:
    """Everything that the target reports is reported, whatever its name."""
    with psycopg.connect(rig.postgres.conninfo()) as direct, connect(rig, who="ben") as connection:
        names = ("server_version", "in_hot_standby", "integer_datetimes", "search_path", "scram_iterations")
        for name in names:
            assert connection.info.parameter_status(name) == direct.info.parameter_status(name), name
        assert connection.info.parameter_status("in_hot_standby") == "off"


def test_a_pipeline_with_an_error_in_its_middle(rig: Rig) -> None:
    with connect(rig, who="ben") as connection, connection.pipeline() as pipeline:
        one = connection.execute("select 1")
        two = connection.execute("select 1/0")
        three = connection.execute("select 3")
        with pytest.raises(psycopg.errors.DivisionByZero):
            pipeline.sync()
        assert one.fetchone() == (1,)
        for lost in (two, three):
            with pytest.raises(psycopg.Error):
                lost.fetchone()
        four = connection.execute("select 4")
        pipeline.sync()
        assert four.fetchone() == (4,)


def test_a_portal_gives_its_rows_in_parts(rig: Rig) -> None:
    """Execute with a row limit, several times: libpq has no call for it, asyncpg has."""

    async def rows() -> list[int]:
        context = ssl.create_default_context(cafile=rig.authority)
        connection = await asyncpg.connect(
            host="127.0.0.1", port=rig.port, user="ben", password=rig.token("ben"), database="shop", ssl=context
        )
        async with connection.transaction():
            found = [row[0] async for row in connection.cursor("select id from orders order by id", prefetch=7)]
        await connection.close()
        return found

    assert asyncio.run(rows()) == list(range(1, 1001))


@pytest.mark.parametrize("options", ["", "with (format csv, header)", "with (format binary)"])
def test_copy_out_and_in_again(rig: Rig, options: str) -> None:
    with connect(rig, who="ben") as connection, connection.cursor() as cursor:
        cursor.execute("create temp table copied (like orders)")
        with cursor.copy(f"copy orders to stdout {options}") as out:  # type: ignore[arg-type]
            data = b"".join(bytes(block) for block in out)
        with cursor.copy(f"copy copied from stdin {options}") as into:  # type: ignore[arg-type]
            for at in range(0, len(data), 777):
                into.write(data[at : at + 777])
        cursor.execute("select count(*), sum(id) from copied")
        assert cursor.fetchone() == (1000, 500500)


def test_copy_that_the_client_gives_up(rig: Rig) -> None:
    with connect(rig, who="ben") as connection:
        connection.execute("create temp table copied (id int)")
        with pytest.raises(ZeroDivisionError), connection.cursor().copy("copy copied from stdin") as into:
            into.write(b"1\n")
            raise ZeroDivisionError
        assert connection.execute("select count(*) from copied").fetchone() == (0,)


BIG = """
import sys, psycopg
size = 64 << 20
with psycopg.connect(sys.argv[1], autocommit=True) as connection:
    assert connection.execute("select length(%b::bytea)", [b"x" * size]).fetchone() == (size,)
    assert len(connection.execute("select repeat('x', %s)", [size]).fetchone()[0]) == size
    with connection.cursor().copy("copy (select repeat('x', 67108864)) to stdout") as out:
        assert sum(len(block) for block in out) == size + 1
"""


def test_a_field_larger_than_any_buffer_goes_both_ways(rig: Rig) -> None:
    """64 MB up and twice down, by a client in a process of its own, while the gateway's memory stays where it was."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    subprocess.run([sys.executable, "-c", BIG, rig.conninfo("ben")], check=True, timeout=120)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    assert grown < 24 << 20
