"""A real gateway process and everything that can be wrong: proofs, first bytes, statements, its own configuration, its disk.

What test_postgresql_clients.py and test_postgresql_hostile.py show of an in-process gateway (wrong password, unknown target, target
down, target's refusal, garbage in a session, /dev/full under a recording) is not repeated here.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from kernel_rig import wait_until
from psycopg.conninfo import make_conninfo
from test_crash import SETTINGS, executed, permitted, recordings

from jupyter_govern.client import GatewayClient, GatewayProblem
from jupyter_govern.demo.processes import answers
from jupyter_govern.demo.stack import Stack
from jupyter_govern.recording import read_entries, verify
from jupyter_govern_gateway.identity.accounts import write_accounts

CLI = [sys.executable, "-m", "jupyter_govern.cli"]
SECONDS = 30


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(tmp_path_factory.mktemp("bad") / "demo", lab=False, settings=SETTINGS) as running:
        yield running


@pytest.fixture
def calm(stack: Stack) -> Iterator[None]:
    """Whatever the test does, the gateway goes on, and met nothing that it did not expect."""
    assert stack.gateway is not None
    written = len(stack.gateway.log.read_text())
    yield
    assert stack.gateway.is_running
    assert answers(f"{stack.api_url}/healthz")
    with psycopg.connect(through(stack)) as connection:
        assert connection.execute("select 1").fetchone() == (1,)
    log = stack.gateway.log.read_text()
    assert "Traceback" not in log[written if len(log) >= written else 0 :]  # a new gateway writes a new one


def gateway_log(stack: Stack, kind: str = "") -> list[dict[str, Any]]:
    entries = read_entries(stack.directory / "state" / "recordings" / "gateway.jsonl")
    return [entry for entry in entries if not kind or entry["type"] == kind]


TOKENS: dict[str, str] = {}


def token(stack: Stack, who: str) -> str:
    """A living token, the same as long as it lives: log-ins are limited."""
    with suppress(GatewayProblem):
        if GatewayClient(stack.api_url, TOKENS.get(who, "")).me():
            return TOKENS[who]
    TOKENS[who] = stack.token(who)
    return TOKENS[who]


def through(stack: Stack, who: str = "ana") -> str:
    """A connection string through the gateway."""
    return make_conninfo(
        host="127.0.0.1", port=stack.pg_port, user=who, dbname="shop", password=token(stack, who), sslmode="verify-full",
        sslrootcert=stack.ca_file,
    )  # fmt: skip


def client(stack: Stack, who: str) -> GatewayClient:
    return GatewayClient(stack.api_url, token(stack, who))


def again(stack: Stack) -> None:
    assert stack.gateway is not None
    stack.gateway.stop()
    stack.start_gateway()


def refused(conninfo: str, **changes: str) -> str:
    with pytest.raises(psycopg.OperationalError) as caught:
        psycopg.connect(conninfo, **changes)  # type: ignore[arg-type]
    return str(caught.value)


# -- proofs ---------------------------------------------------------------------------------------------------------------


def test_an_expired_token_opens_nothing(stack: Stack, calm: None) -> None:
    text, conninfo = token(stack, "ana"), through(stack)
    psycopg.connect(conninfo).close()
    assert stack.gateway is not None
    stack.gateway.stop()
    store = stack.directory / "state" / "tokens.json"
    kept = json.loads(store.read_text())
    for row in kept["tokens"]:
        row["expires_at"] = time.time() - 1
    store.write_text(json.dumps(kept))
    stack.start_gateway()
    said = refused(conninfo, port=str(stack.pg_port))
    assert "password authentication failed" in said and text not in said
    with pytest.raises(GatewayProblem) as caught:
        GatewayClient(stack.api_url, text).me()
    assert caught.value.status == 401


def test_a_revoked_token_opens_nothing(stack: Stack, calm: None) -> None:
    ana = stack.login("ana")
    conninfo = make_conninfo(through(stack), password=ana.token)
    psycopg.connect(conninfo).close()
    ana.drop_token()
    assert "password authentication failed" in refused(conninfo)


def test_a_token_is_its_owners_alone(stack: Stack, calm: None) -> None:
    said = refused(through(stack), user="ben")
    assert 'password authentication failed for user "ben"' in said
    wait_until(lambda: "ben" in json.dumps([entry for entry in gateway_log(stack) if entry.get("event") == "failed"]), SECONDS)


def test_a_password_is_no_token(stack: Stack, calm: None) -> None:
    assert "password authentication failed" in refused(through(stack), password=stack.people["ana"][0])


# -- first bytes ----------------------------------------------------------------------------------------------------------

VERSION_3 = struct.pack("!i", 196608)
SSL_REQUEST = struct.pack("!ii", 8, 80877103)


def startup(body: bytes) -> bytes:
    return struct.pack("!i", len(body) + 8) + VERSION_3 + body


def exchanged(stack: Stack, *parts: bytes, hang_up: bool = False) -> bytes:
    """What the gateway says to these bytes, up to where it closes (or to our hanging up)."""
    got = b""
    with socket.create_connection(("127.0.0.1", stack.pg_port), timeout=SECONDS) as sock, suppress(ConnectionError):
        for part in parts:
            sock.sendall(part)
        if hang_up:
            return got
        while data := sock.recv(65536):
            got += data
    return got


@pytest.mark.parametrize(
    "parts",
    [
        [startup(b"user\0ana\0database\0shop\0\0")[:17]],
        [startup(b"user\0ana\0database\0shop\0\0")],
        [b"\0"],
        [],
        [SSL_REQUEST[:5]],
    ],
    ids=["half a start-up", "before the password", "one byte", "nothing", "half a request"],
)
def test_a_client_that_hangs_up_on_the_way_in(stack: Stack, calm: None, parts: list[bytes]) -> None:
    before = len(recordings(stack))
    exchanged(stack, *parts, hang_up=True)
    assert len(recordings(stack)) == before


def test_clients_whose_tls_comes_to_nothing(stack: Stack) -> None:
    """As those of port scanners and health checks."""
    assert stack.gateway is not None
    written = len(stack.gateway.log.read_text())
    for _ in range(10):
        exchanged(stack, SSL_REQUEST, hang_up=True)
        exchanged(stack, SSL_REQUEST, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", hang_up=True)
        exchanged(stack, SSL_REQUEST, b"GET / HTTP/1.1\r\n\r\n")
    with psycopg.connect(through(stack)) as connection:
        assert connection.execute("select 1").fetchone() == (1,)
    time.sleep(1)  # whatever is still said of them is said of this test
    assert "Traceback" not in stack.gateway.log.read_text()[written:]


@pytest.mark.parametrize(
    "parts",
    [
        [os.urandom(4096)],
        [b"SSH-2.0-OpenSSH_9.6\r\n"],
        [startup(b"x" * 20_000)],
        [startup(b"user\0ana\0database")],
        [startup(b"database\0shop\0\0")],
        [startup(b"user\0a\xff\xfe\0database\0shop\0\0")],
        [startup(b"\0")],
        [startup(b"user\0ana\0database\0shop\0\0"), b"Q\0\0\0\x0dselect 1\0"],
        [startup(b"user\0ana\0database\0shop\0\0"), b"p" + struct.pack("!i", 1 << 30)],
    ],
    ids=[
        "noise", "ssh", "oversized", "unterminated", "no user", "not UTF-8", "empty", "query before log-in",
        "huge password",
    ],
)  # fmt: skip
def test_what_is_no_log_in_is_refused(stack: Stack, calm: None, parts: list[bytes]) -> None:
    before = len(recordings(stack))
    got = exchanged(stack, *parts)
    assert b"FATAL" in got or got[:1] == b"S" or not got  # in TLS there is nobody to tell
    assert b"Traceback" not in got and b".py" not in got
    assert len(recordings(stack)) == before


def test_nothing_slips_in_before_tls(stack: Stack, calm: None) -> None:
    """Bytes behind an SSLRequest in one packet would be read as if they had come encrypted (CVE-2021-23214)."""
    got = exchanged(stack, SSL_REQUEST + startup(b"user\0ana\0database\0shop\0\0"))
    assert b"AuthenticationSASL" not in got and b"SCRAM" not in got
    assert got[:1] != b"S" or b"FATAL" in got or len(got) == 1


# -- people who go away ---------------------------------------------------------------------------------------------------


def test_a_client_killed_while_it_waits_withdraws_its_question_on_record(stack: Stack, calm: None) -> None:
    ben = client(stack, "ben")
    program = f"import psycopg; psycopg.connect({through(stack)!r}, autocommit=True).execute('delete from order_drafts')"
    asking = subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.DEVNULL)
    wait_until(ben.approvals, SECONDS)
    (asked,) = ben.approvals()
    asking.kill()
    asking.wait()
    wait_until(lambda: not ben.approvals(), SECONDS)
    with pytest.raises(GatewayProblem) as caught:
        ben.decide(asked["number"], "approve", digest=asked["digest"], reason="too late")
    assert caught.value.status in (404, 409)
    events = [entry["event"] for entry in gateway_log(stack, "approval") if entry["number"] == asked["number"]]
    assert "withdrawn" in events and "approved" not in events
    (path,) = (each for each in recordings(stack) if each.stem == asked["session"])
    wait_until(lambda: read_entries(path)[-1]["type"] == "signature", SECONDS)
    told = [entry for entry in read_entries(path) if entry["type"] in ("operation", "approval")]
    assert told[0]["outcome"] == "pending"
    assert "withdrawn" in json.dumps(told[-1])
    assert verify(path).ok
    assert not any("delete from order_drafts" in text for text in executed(stack))


# -- statements that PostgreSQL itself cannot read ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "statement",
    [
        "select * form customers",
        "selec 1",
        "select (1",
        "select 1 +",
        "select 'Zoë → ∞', name frm customers x y",
        "select 'never closed",
        'select "never closed',
        "select $tag$ never closed",
        "/* never closed",
        "select 1; selec 2",
        "select email, nope from customers",
        "select c.nope from customers c",
        "select email from nowhere",
        "select nope(email) from customers",
        "select 'ö', email + 1 from customers",
        "insert into orders valuess (1)",
        "select 1 where",
        "select * from customers where id = ",
        "with x as (select 1) selct * from x",
        "select email from customers\norder by\n\nnope",
        "select count(*), email from customers",
    ],
)
@pytest.mark.parametrize("prepare", [False, True], ids=["simple", "extended"])
def test_an_error_is_postgresqls_own(stack: Stack, statement: str, prepare: bool) -> None:
    def error(conninfo: str) -> tuple[Any, ...]:
        with psycopg.connect(conninfo, autocommit=True) as connection:
            with pytest.raises(psycopg.Error) as caught:
                connection.execute(statement.encode(), prepare=prepare)
            assert connection.execute("select 1").fetchone() == (1,)
        diag = caught.value.diag
        return diag.sqlstate, diag.severity, diag.message_primary, diag.statement_position

    assert error(through(stack)) == error(stack.postgres.conninfo("shop"))


# -- its own configuration ------------------------------------------------------------------------------------------------

GOOD = """
[gateway.api]
listen = "127.0.0.1:0"
[gateway.postgresql]
listen = "127.0.0.1:0"
[[target]]
name = "shop"
kind = "postgresql"
host = "127.0.0.1"
port = 1
database = "shop"
user = "gateway"
password = { file = "password" }
tls = "disable"
[[rule]]
name = "all"
because = "a test"
effect = "allow"
"""


def started_with(folder: Path, text: str | None, arguments: tuple[str, ...] = ("gateway",)) -> subprocess.CompletedProcess[str]:
    if text is not None:
        (folder / "govern.toml").write_text(text)
    if not (folder / "accounts.json").exists():
        write_accounts(folder / "accounts.json", {"ana": ("ana's password", ["analysts"])})
    own = {f"JUPYTER_{name.upper()}_DIR": str(folder / name) for name in ("data", "runtime", "config")}
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("JUPYTER_", "PG"))} | own
    return subprocess.run(
        [*CLI, *arguments, str(folder / "govern.toml")], capture_output=True, text=True, timeout=SECONDS, env=environment, check=False
    )


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (GOOD.replace("[gateway.api]", "[gateway.apy]"), "gateway.apy: is not a setting; did you mean 'api'?"),
        (GOOD.replace("port = 1", 'port = "five"'), "target[0].port: "),
        (GOOD.replace('kind = "postgresql"', 'kind = "mysql"'), "target[0].kind: "),
        (GOOD.replace('{ file = "password" }', '"hunter2"'), "target[0].password: wants a reference"),
        (GOOD, "target.shop.password: "),
        (GOOD + "limit = { rows = -1 }\n", "rule[0]"),
        (GOOD.replace('effect = "allow"', 'effect = "perhaps"'), "rule[0].effect: "),
        (GOOD.replace('effect = "allow"', 'effect = "approve"'), "rule[0]: "),
        (GOOD.replace("[gateway.api]\nlisten = ", "[gateway.api]\nlisten = 7 # "), "gateway.api.listen: "),
        (GOOD + "[[rule]\n", "is not TOML"),
        (None, "cannot be read: No such file"),
    ],
)
def test_a_broken_configuration_starts_nothing(tmp_path: Path, text: str | None, key: str) -> None:
    done = started_with(tmp_path, text)
    assert done.returncode == 2
    line = done.stderr.splitlines()[0]
    assert key in line, done.stderr
    assert "govern.toml" in line or key.startswith("target.shop"), done.stderr
    assert "Traceback" not in done.stderr and "hunter2" not in done.stderr
    assert not (tmp_path / "runtime" / "govern-gateway.json").exists()


def test_a_state_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("x")
    (tmp_path / "state").write_text("a file is in the way")
    done = started_with(tmp_path, GOOD)
    assert done.returncode == 2
    assert "gateway.state_dir: " in done.stderr and "Traceback" not in done.stderr


def test_an_address_that_is_taken(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("x")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        text = GOOD.replace('[gateway.postgresql]\nlisten = "127.0.0.1:0"', f'[gateway.postgresql]\nlisten = "{address}"')
        done = started_with(tmp_path, text)
    assert done.returncode == 3
    assert f"gateway.postgresql.listen: cannot listen on {address}" in done.stderr and "Traceback" not in done.stderr


def is_masked(stack: Stack) -> bool:
    with psycopg.connect(through(stack), autocommit=True) as connection:
        row = connection.execute("select email from customers where id = 1").fetchone()
    assert row is not None
    return str(row[0]).startswith("****")


@pytest.mark.parametrize(
    ("broken", "problem", "by_signal"),
    [
        ('effect = "mask"\nexcept_who', 'effect = "msk"\nexcept_who', False),
        ("because = ", "becuse = ", True),
        ("[[rule]]", "[[rule]", True),
    ],
    ids=["value", "key", "TOML"],
)
def test_a_policy_that_breaks_leaves_the_old_one_in_force(stack: Stack, calm: None, broken: str, problem: str, by_signal: bool) -> None:
    assert stack.gateway is not None
    good, before = stack.config.read_text(), len(gateway_log(stack, "policy"))
    in_force = [entry for entry in gateway_log(stack, "policy") if entry["event"] == "loaded"][-1]["version"]
    assert broken in good
    try:
        stack.config.write_text(good.replace(broken, problem, 1))
        if by_signal:
            os.kill(stack.gateway.pid, signal.SIGHUP)
        wait_until(lambda: len(gateway_log(stack, "policy")) > before, SECONDS)
        entry = gateway_log(stack, "policy")[-1]
        assert (entry["event"], entry["in_force"]) == ("refused", in_force)
        assert "govern.toml: " in entry["problem"]
        assert "rule[" in entry["problem"] or "is not TOML" in entry["problem"]
        said = stack.gateway.log
        wait_until(lambda: f"policy refused: {entry['problem']}" in said.read_text(), SECONDS)  # on record first, then said
        assert is_masked(stack)
        if by_signal:
            time.sleep(1.3)  # it is also looked at once a second, and said once all the same
        assert len(gateway_log(stack, "policy")) == before + 1
    finally:
        stack.config.write_text(good)
        os.kill(stack.gateway.pid, signal.SIGHUP)
    wait_until(lambda: is_masked(stack), SECONDS)


def test_a_policy_file_that_is_gone_leaves_the_old_one_in_force(stack: Stack, calm: None) -> None:
    before = len(gateway_log(stack, "policy"))
    aside = stack.config.rename(stack.config.with_suffix(".aside"))
    try:
        wait_until(lambda: len(gateway_log(stack, "policy")) > before, SECONDS)
        assert "cannot be read: No such file" in gateway_log(stack, "policy")[-1]["problem"]
        assert is_masked(stack)
    finally:
        aside.rename(stack.config)


# -- its disk -------------------------------------------------------------------------------------------------------------


def test_where_no_recording_can_be_made_there_is_no_session(stack: Stack, calm: None) -> None:
    """Something else is where the day's folder should be. One recording that cannot be made does not spoil the next."""
    folder = stack.directory / "state" / "recordings"
    (year,) = (path for path in folder.iterdir() if path.is_dir())
    conninfo, ran = through(stack), len(executed(stack))
    aside = year.rename(folder / "aside")
    try:
        year.write_text("in the way")
        assert "no record, no access" in refused(conninfo)
        assert len(executed(stack)) == ran
    finally:
        year.unlink()
        aside.rename(year)


@pytest.fixture(scope="module")
def small_disk(stack: Stack) -> Iterator[Path]:
    """The gateway's state on a file system of its own: 768 KB."""
    state = stack.directory / "state"
    assert stack.gateway is not None
    stack.gateway.stop()
    kept = state.rename(stack.directory / "state.kept")
    state.mkdir(mode=0o700)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=768k,mode=700", "tmpfs", str(state)], capture_output=True, text=True, check=False
    )
    try:
        if mounted.returncode:
            pytest.skip(f"mounting needs root: {mounted.stderr.strip()}")
        for name in ("hash.key", "scram.key", "tls"):
            (shutil.copytree if (kept / name).is_dir() else shutil.copy)(kept / name, state / name)
        stack.start_gateway()
        yield state
    finally:
        if stack.gateway is not None:
            stack.gateway.stop()
        if not mounted.returncode:
            subprocess.run(["umount", "--lazy", str(state)], check=True)
        shutil.rmtree(state, ignore_errors=True)
        kept.rename(state)
        stack.start_gateway()


@dataclass(frozen=True)
class Flood:
    """What happened while the disk was full."""

    error: psycopg.Error
    was_closed: bool
    ran: list[str]
    new_session: str
    log: str


@pytest.fixture(scope="module")
def flood(stack: Stack, small_disk: Path) -> Flood:
    """Statements until the disk is full, then a new session and a log-in; then there is room again."""
    conninfo, ana = through(stack), client(stack, "ana")
    before = len(executed(stack))
    (small_disk / "ballast").write_bytes(bytes(256 * 1024))
    with psycopg.connect(conninfo, autocommit=True) as connection, pytest.raises(psycopg.Error) as caught:
        for number in range(100_000):
            connection.execute(f"select name, city /* full-{number} */ from customers limit 40".encode()).fetchall()
    new_session = refused(conninfo)
    assert ana.targets()  # what needs no record goes on
    with pytest.raises(GatewayProblem):
        stack.login("ana")
    (small_disk / "ballast").unlink()
    assert stack.gateway is not None
    ran = [text for text in executed(stack)[before:] if "full-" in text]
    log = stack.gateway.log.read_text()
    return Flood(error=caught.value, was_closed=bool(connection.closed), ran=ran, new_session=new_session, log=log)


def test_a_full_disk_ends_what_cannot_be_recorded(stack: Stack, flood: Flood) -> None:
    assert flood.error.sqlstate == "58030"
    assert "no record, no access" in str(flood.error)
    assert flood.was_closed
    assert len(flood.ran) > 20
    assert set(flood.ran) <= set(permitted(recordings(stack)))
    assert "no record, no access" in flood.new_session
    with psycopg.connect(through(stack)) as connection:  # room again: no restart is needed
        assert connection.execute("select 'room again'").fetchone() == ("room again",)


def test_a_login_on_a_full_disk_is_no_bug(flood: Flood) -> None:
    assert "a bug while answering" not in flood.log


def test_lists_go_on_after_a_full_disk(stack: Stack, flood: Flood) -> None:
    with psycopg.connect(through(stack)) as connection:
        connection.execute("select 'after the flood'")
    (path,) = (each for each in recordings(stack) if "after the flood" in each.read_text())
    assert path.stem in {session["id"] for session in client(stack, "ana").sessions()}


def test_a_full_disk_leaves_recordings_that_verify(stack: Stack, small_disk: Path, flood: Flood) -> None:
    again(stack)
    verdicts = [verify(path) for path in recordings(stack)]
    assert verdicts and all(verdict.ok and verdict.complete for verdict in verdicts)
    assert verify(small_disk / "recordings" / "gateway.jsonl").ok
    with psycopg.connect(through(stack)) as connection:
        assert connection.execute("select 1").fetchone() == (1,)


@pytest.mark.parametrize("end", ["", '{"at":"20'], ids=["whole", "torn"])
def test_a_disk_that_cannot_be_written_starts_nothing(stack: Stack, small_disk: Path, end: str) -> None:
    assert stack.gateway is not None
    stack.gateway.stop()
    with (small_disk / "recordings" / "gateway.jsonl").open("a") as log:
        log.write(end)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    try:
        done = subprocess.run(
            [*CLI, "gateway", str(stack.config)], capture_output=True, text=True, timeout=SECONDS, check=False, env=stack.environment()
        )
    finally:
        subprocess.run(["mount", "-o", "remount,rw", str(small_disk)], check=True)
    assert done.returncode in (2, 3)
    assert "Read-only file system" in done.stderr
    assert "Traceback" not in done.stderr
    stack.start_gateway()
