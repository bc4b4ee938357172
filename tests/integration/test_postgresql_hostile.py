"""Bad input and bad luck at the PostgreSQL port: each gets a clear error, and nothing is lost."""

from __future__ import annotations

import os
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import psycopg
import pytest
from pgwire_rig import Rig

from jupyter_govern.model import Actor
from jupyter_govern_gateway.approvals import DecisionRefused

LIMITS = """
[[rule]]
name = "short answers"
because = "others wait"
effect = "limit"
who = { groups = ["dba"] }
limit = { rows = 10, seconds = 1.0 }

[[rule]]
name = "updates need two"
because = "updated is updated"
effect = "approve"
who = { groups = ["analysts"] }
on = { kinds = ["update"] }
approvers = { groups = ["dba"] }
expires_seconds = 0.5
"""


class Between:
    """A TCP relay before the target that can be cut in the middle of an answer."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.real = 0
        self.cut_after = -1
        self.cut_whole = False

    def before(self, real: int) -> int:
        if not self.real:
            self.real = real
            threading.Thread(target=self._accept, daemon=True).start()
        return int(self.port)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self.listener.accept()
                far = socket.create_connection(("127.0.0.1", self.real))
                threading.Thread(target=self._relay, args=(near, far, False), daemon=True).start()
                threading.Thread(target=self._relay, args=(far, near, True), daemon=True).start()

    def _relay(self, source: socket.socket, sink: socket.socket, is_answer: bool) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if is_answer and self.cut_after >= 0:
                    sink.sendall(data[: self.cut_after])
                    break
                sink.sendall(data)
        for each in (source, sink):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()


@pytest.fixture(scope="module")
def between() -> Between:
    return Between()


@pytest.fixture(scope="module")
def rig(between: Between) -> Iterator[Rig]:
    with Rig(rules=LIMITS, port=between.before) as started:
        yield started
    between.listener.close()


def until(what: Callable[[], Any], seconds: float = 10.0) -> Any:
    """Poll until it is true."""
    deadline = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.02)
    return found


def in_thread(work: Callable[[], Any]) -> tuple[threading.Thread, list[Any]]:
    results: list[Any] = []

    def run() -> None:
        try:
            results.append(work())
        except Exception as problem:
            results.append(problem)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread, results


def message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!i", len(body) + 4) + body


def raw(rig: Rig) -> socket.socket:
    """A socket in the middle of nothing."""
    return socket.create_connection(("127.0.0.1", rig.port), timeout=20)


def logged_in(rig: Rig) -> tuple[psycopg.Connection[Any], socket.socket]:
    """A session whose socket we can write to behind the driver's back."""
    connection = rig.connect(sslmode="disable")
    return connection, socket.socket(fileno=os.dup(connection.fileno()))


def everything(sock: socket.socket) -> bytes:
    sock.setblocking(True)
    sock.settimeout(20)
    got = b""
    with suppress(ConnectionError):
        while data := sock.recv(65536):
            got += data
    return got


# -- garbage --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "first",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\0\0\0\x04",
        b"\xff\xff\xff\xff",
        struct.pack("!ii", 200_000, 196608),
        struct.pack("!ii", 8, 1),
    ],
)
def test_something_else_on_the_port(rig: Rig, first: bytes) -> None:
    with raw(rig) as sock:
        sock.sendall(first)
        got = everything(sock)
    assert b"FATAL" in got
    assert b"08P01" in got
    assert until(lambda: any(e.get("event") == "client-protocol-error" for e in rig.gateway_log()))


def test_a_broken_handshake_of_direct_tls(rig: Rig) -> None:
    """Whoever begins with TLS is answered in TLS or not at all, and it is on record."""

    def errors() -> int:
        return sum(entry.get("event") == "client-protocol-error" for entry in rig.gateway_log())

    before = errors()
    with raw(rig) as sock:
        sock.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(506))
        got = everything(sock)
    assert got[:1] in (b"", b"\x15")  # an alert, RFC 8446 section 5.1
    assert until(lambda: errors() == before + 1)


@pytest.mark.parametrize(
    "bad",
    [
        b"\0\0\0\0\0\0\0",
        b"Q\0\0\0\3",
        message(b"Q", b"select 1\0drop table orders\0"),
        message(b"Q", b"select 1"),
        message(b"p", b"late password\0"),
        message(b"B", b"\0\0\0\0\0\1\x7f\xff\xff\xff"),
        b"D" + struct.pack("!i", 1 << 30),
        b"Q" + struct.pack("!i", -5),
    ],
)
def test_garbage_in_a_session(rig: Rig, bad: bytes) -> None:
    connection, sock = logged_in(rig)
    with sock:
        sock.setblocking(True)
        sock.sendall(bad)
        got = everything(sock)
    assert b"FATAL" in got
    assert b"08P01" in got
    connection.close()
    assert until(lambda: [e for e in rig.entries("note") if e["about"] == "client-protocol-error"])
    assert "select 1\x00drop" not in rig.postgres.log.read_text()


def test_a_truncated_message_and_a_hang_up(rig: Rig) -> None:
    connection, sock = logged_in(rig)
    with sock:
        sock.setblocking(True)
        sock.sendall(b"Q\0\0\1\0select 'truncated'")
        sock.shutdown(socket.SHUT_RDWR)
    connection.close()
    until(lambda: rig.entries()[-1]["type"] == "signature")
    assert "truncated" not in rig.postgres.log.read_text()


def test_a_statement_beyond_the_bound_is_refused_and_the_session_goes_on(rig: Rig) -> None:
    with rig.connect() as connection:
        with pytest.raises(psycopg.errors.ProgramLimitExceeded):
            connection.execute("select '" + "x" * 2_000_000 + "'")
        assert connection.execute("select 1").fetchone() == (1,)


def test_a_client_that_never_reads_costs_little(rig: Rig) -> None:
    import resource

    connection, sock = logged_in(rig)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with sock:
        sock.setblocking(True)
        sock.sendall(message(b"Q", b"select repeat('x', 1000) from generate_series(1, 200000)\0"))
        time.sleep(1.5)
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        with rig.connect() as other:
            assert other.execute("select 1").fetchone() == (1,)
    connection.close()
    assert grown < 20_000  # KB, of 200 MB


def test_a_name_cannot_be_given_to_another_statement_under_a_permit(rig: Rig) -> None:
    """A batch that fails and would have replaced `s` is followed, unread, by one that runs it."""
    connection, sock = logged_in(rig)

    def parse(text: bytes, name: bytes) -> bytes:
        return message(b"P", name + b"\0" + text + b"\0\0\0")

    run = message(b"B", b"\0s\0\0\0\0\0\0\0") + message(b"E", b"\0\0\0\0\0") + message(b"S", b"")
    with sock:
        sock.setblocking(True)
        sock.sendall(parse(b"delete from orders where id = 77", b"s") + message(b"S", b""))
        sock.recv(4096)
        sock.sendall(
            parse(b"select no_such_column from orders", b"") + message(b"C", b"Ss\0") + parse(b"select 1", b"s") + message(b"S", b"") + run
        )
        approval = until(rig.pending)[0]
        assert approval.operation.statement == "delete from orders where id = 77"
    connection.close()
    until(lambda: not rig.pending())


# -- approvals --------------------------------------------------------------------------------------------


def test_a_delete_waits_and_runs_after_approval(rig: Rig) -> None:
    notices: list[str] = []

    def work() -> int:
        with rig.connect() as connection:
            connection.add_notice_handler(lambda diag: notices.append(diag.message_primary or ""))
            return connection.execute("delete from orders where id = 1").rowcount

    thread, results = in_thread(work)
    approval = until(rig.pending)[0]
    assert until(lambda: notices)[0] == f"waiting for approval #{approval.number} by dba: {approval.url}"
    with rig.connect("ben") as ben:
        assert ben.execute("select count(*) from orders where id = 1").fetchone() == (1,)
    with pytest.raises(DecisionRefused):
        rig.decide(approval, "approve", "ana")
    rig.decide(approval, "approve")
    thread.join(10)
    assert results == [1]


def test_a_denied_statement_does_not_run(rig: Rig) -> None:
    thread, results = in_thread(lambda: rig.psql("delete from orders where id = 2", "select count(*) from orders where id = 2"))
    rig.decide(until(rig.pending)[0], "deny")
    thread.join(20)
    assert "ben denied approval" in results[0].stderr
    assert results[0].stdout.strip() == "1"


def test_nobody_answers(rig: Rig) -> None:
    with rig.connect() as connection, pytest.raises(psycopg.errors.InsufficientPrivilege, match="nobody answered"):
        connection.execute("update orders set note = '' where id = 3")


def test_cancel_withdraws_the_question(rig: Rig) -> None:
    connection = rig.connect()
    thread, results = in_thread(lambda: connection.execute("delete from orders where id = 4"))
    until(rig.pending)
    connection.cancel_safe(timeout=10)
    thread.join(10)
    assert isinstance(results[0], psycopg.errors.QueryCanceled)
    assert rig.pending() == []
    assert connection.execute("select count(*) from orders where id = 4").fetchone() == (1,)
    connection.close()


def test_a_client_that_goes_away_withdraws_the_question(rig: Rig) -> None:
    connection, sock = logged_in(rig)
    with sock:
        sock.setblocking(True)
        sock.sendall(message(b"Q", b"delete from orders where id = 5\0") + message(b"Q", b"select 1\0"))
        until(rig.pending)
    connection.close()
    until(lambda: not rig.pending(), 5)
    assert "delete from orders where id = 5" not in rig.postgres.log.read_text()


# -- cancel, limits, policy --------------------------------------------------------------------------------


def test_a_cancel_stops_its_own_session_only(rig: Rig) -> None:
    one, two = rig.connect(), rig.connect()
    first, results = in_thread(lambda: one.execute("select pg_sleep(20)"))
    second, others = in_thread(lambda: two.execute("select pg_sleep(1.5)").fetchone())
    time.sleep(0.5)
    one.cancel_safe(timeout=10)
    first.join(5)
    second.join(10)
    assert isinstance(results[0], psycopg.errors.QueryCanceled)
    assert others == [("",)]
    one.close()
    two.close()


def test_a_wrong_cancel_key_stops_nothing(rig: Rig) -> None:
    connection = rig.connect()
    thread, results = in_thread(lambda: connection.execute("select pg_sleep(1)").fetchone())
    time.sleep(0.2)
    with raw(rig) as sock:
        sock.sendall(struct.pack("!iiii", 16, 80877102, connection.info.backend_pid, 12345))
        assert everything(sock) == b""
    thread.join(10)
    assert results == [("",)]
    connection.close()


def test_limits(rig: Rig) -> None:
    notices: list[str] = []
    with rig.connect("ben") as connection:
        connection.add_notice_handler(lambda diag: notices.append(diag.message_primary or ""))
        assert len(connection.execute("select id from orders").fetchall()) == 10
        assert notices == ["limited to 10 rows"]
        with pytest.raises(psycopg.errors.QueryCanceled, match="stopped after 1 seconds"):
            connection.execute("select pg_sleep(10)")
        assert connection.execute("select 1").fetchone() == (1,)


def test_a_mask_that_comes_later_counts_for_what_was_prepared_before(rig: Rig) -> None:
    rule = """
    [[rule]]
    name = "hide notes"
    because = "they are private"
    effect = "mask"
    who = { groups = ["analysts"] }
    on = { columns = ["public.orders.note"] }
    mask = { format = "null" }
    """
    with rig.connect() as connection:
        ask = "select note from orders where id = 10"
        assert connection.execute(ask, prepare=True).fetchone() == ("note 10",)
        rig.config.write_text(rig.policy(rule))
        assert rig.run(rig.app.policy.reload)
        try:
            with pytest.raises(psycopg.errors.FeatureNotSupported):
                connection.execute(ask, prepare=True)
            assert connection.execute(ask, prepare=False).fetchone() == (None,)
        finally:
            rig.config.write_text(rig.policy())
            assert rig.run(rig.app.policy.reload)


# -- the target, the disk ------------------------------------------------------------------------------------


def test_a_target_that_dies_in_the_middle_of_a_row(rig: Rig, between: Between) -> None:
    with rig.connect() as connection:
        connection.execute("select 1")
        between.cut_after = 1_234
        try:
            with pytest.raises(psycopg.OperationalError) as caught:
                connection.execute("select repeat('x', 500) from generate_series(1, 1000)")
        finally:
            between.cut_after = -1
        assert caught.value.sqlstate == "57P01"
        assert 'target "shop" closed the connection' in str(caught.value)
    end = until(lambda: [e for e in rig.entries("end") if e.get("error") and "closed" in str(e["error"])])
    assert end


def test_the_target_ends_the_session(rig: Rig) -> None:
    with rig.connect() as connection:
        pid = connection.execute("select pg_backend_pid()").fetchone()
        with psycopg.connect(rig.postgres.conninfo(), autocommit=True) as direct:
            direct.execute("select pg_terminate_backend(%s)", pid)
        with pytest.raises(psycopg.OperationalError, match="terminating connection"):
            connection.execute("select 1")


def full_disk(descriptor: int) -> int:
    """Let every further write to this file fail as on a full disk; what undoes it."""
    kept = os.dup(descriptor)
    full = os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, descriptor)
    os.close(full)
    return kept


def test_no_record_no_access(rig: Rig) -> None:
    with rig.connect() as connection:
        connection.execute("select 'recorded'")
        (session,) = until(lambda: len(rig.app.postgresql._sessions) == 1 and tuple(rig.app.postgresql._sessions))
        os.close(full_disk(session._door._record.recording.chain._descriptor))
        with pytest.raises(psycopg.OperationalError, match="no record, no access"):
            connection.execute("select 'not recorded'")
    assert "not recorded" not in rig.postgres.log.read_text()


def test_no_record_no_session(rig: Rig) -> None:
    chain = rig.services.log._chain
    kept = full_disk(chain._descriptor)
    try:
        with pytest.raises(psycopg.OperationalError, match="no record, no access"):
            psycopg.connect(f"host=127.0.0.1 port={rig.port} user=ana dbname=shop password={TOKENS['ana']} sslmode=disable")
    finally:
        os.dup2(kept, chain._descriptor)
        os.close(kept)
        chain._failed = ""
        os.truncate(chain.path, os.path.getsize(chain.path))


TOKENS: dict[str, str] = {}


@pytest.fixture(autouse=True)
def a_token_from_before(rig: Rig) -> None:
    if not TOKENS:
        TOKENS["ana"] = rig.token("ana")


def test_what_the_target_ran_is_on_record(rig: Rig) -> None:
    """The server's own log against the recordings: nothing executed that was not recorded."""
    with rig.connect() as connection:
        connection.execute("select 'the last one'")
    recorded = " ".join(str(e["statement"]) + str(e.get("sent", "")) for e in rig.entries("operation"))
    ours = ("refused by jupyter-govern", "pg_terminate_backend")
    for line in rig.postgres.log.read_text().splitlines():
        _, is_statement, text = line.partition("LOG:  statement: ")
        if is_statement and "pg_catalog" not in text and text.strip() and not any(word in text for word in ours):
            first = text.split("\n")[0].strip()
            if any(known in first for known in ("create ", "insert into customers", "insert into orders", "grant ")):
                continue  # the rig's own schema, direct
            assert first[:60] in recorded, first


def test_an_actor_is_who_proved_it(rig: Rig) -> None:
    subjects = {e["actor"]["subject"] for e in rig.entries("session-open")}
    assert subjects == {"ana", "ben"}
    assert Actor(subject="ana").subject in subjects
