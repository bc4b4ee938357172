"""Revocation, credentials and keys against the real gateway and PostgreSQL: what ends, how fast, and what is on record of it."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from pgwire_rig import Rig

from jupyter_govern_gateway.identity import ties
from jupyter_govern_gateway.net import targets

MORE = """
[[identity.service]]
name = "etl"
groups = ["dba"]
targets = ["shop"]
"""
GATEWAY = '[gateway]\nadmins = ["dba"]\n'


class RevocationRig(Rig):
    """ben may revoke; the service etl may have keys."""

    def policy(self, more: str = "") -> str:
        text = super().policy(more).replace("[gateway]\n", GATEWAY, 1)
        return text.replace("[identity.local]", "[identity]\nstatic_keys = true\n[identity.local]", 1) + MORE

    def ask(self, method: str, path: str, token: str, body: Any = None) -> tuple[int, Any]:
        request = urllib.request.Request(
            f"{self.app.api.url}/api/v1/{path}",
            None if body is None else json.dumps(body).encode(),
            {"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as problem:
            with problem:
                return problem.code, json.loads(problem.read())

    def with_token(self, token: str, who: str = "ana", target: str = "shop") -> psycopg.Connection[Any]:
        return psycopg.connect(
            host="127.0.0.1", port=self.port, user=who, dbname=target, password=token, sslmode="verify-full",
            sslrootcert=self.authority, autocommit=True, connect_timeout=10,
        )  # fmt: skip

    def log(self, event: str) -> list[dict[str, Any]]:
        return [entry for entry in self.gateway_log() if entry.get("event") == event]

    def ended_after(self, connection: psycopg.Connection[Any], since: float) -> tuple[float, str]:
        """When and with which words an idle connection ends (seconds since, message)."""
        import select

        ready, _, _ = select.select([connection.fileno()], [], [], 10)
        took = time.monotonic() - since
        assert ready, "the session did not end"
        with pytest.raises(psycopg.OperationalError) as told:
            connection.execute("select 1")
        return took, str(told.value)


@pytest.fixture(scope="module")
def rig() -> Iterator[RevocationRig]:
    started = RevocationRig()
    with started:
        yield started


def in_thread(work: Any) -> tuple[threading.Thread, list[Any]]:
    found: list[Any] = []

    def run() -> None:
        try:
            found.append(work())
        except Exception as problem:
            found.append((time.monotonic(), problem))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread, found


def test_revoking_a_person_ends_sessions_statements_approvals_and_streams(rig: RevocationRig) -> None:
    token, admin, bystander = rig.token("ana"), rig.token("ben"), rig.connect("ben")
    kernel = rig.ask("POST", "tokens", token, {"kernel_id": "k1"})[1]["token"]
    idle, running, asking = rig.with_token(token), rig.with_token(kernel), rig.with_token(token)
    sleeping, slept = in_thread(lambda: running.execute("select pg_sleep(30)"))
    waiting, waited = in_thread(lambda: asking.execute("delete from orders where id = 1"))
    stream = urllib.request.urlopen(
        urllib.request.Request(f"{rig.app.api.url}/api/v1/events", headers={"Authorization": f"Bearer {token}"}), timeout=20
    )
    stream.readline()
    until = time.monotonic() + 10
    while not rig.pending():
        assert time.monotonic() < until
        time.sleep(0.02)
    number = rig.pending()[0].number
    began = time.monotonic()
    status, ended = rig.ask("POST", "revocations", admin, {"user": "ana", "reason": "left the company"})
    assert status == 200 and len(ended["sessions"]) == 3 and ended["streams"] == 1
    took, said = rig.ended_after(idle, began)
    assert took < 1.0 and "revoked by ben: left the company" in said
    sleeping.join(5)
    waiting.join(5)
    for found in (slept, waited):
        at, problem = found[0]
        assert at - began < 1.0
        assert isinstance(problem, psycopg.errors.AdminShutdown) and problem.sqlstate == "57P01"
        assert "left the company" in str(problem)
    while stream.readline():
        pass
    assert time.monotonic() - began < 2.0
    assert rig.pending() == []
    assert rig.run(lambda: rig.approvals.get(number).state) == "withdrawn"
    assert rig.ask("GET", "me", token)[0] == 401
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        rig.with_token(kernel)
    assert bystander.execute("select 1").fetchone() == (1,)
    entry = rig.log("person revoked")[-1]
    assert (entry["subject"], entry["by"], entry["reason"]) == ("ana", "ben", "left the company")
    assert entry["sessions"] == ended["sessions"] and len(entry["tokens"]) >= 2
    bystander.close()


def test_logging_out_ends_the_sessions_of_that_login_only(rig: RevocationRig) -> None:
    mine, other = rig.token("ana"), rig.token("ana")
    kernel = rig.ask("POST", "tokens", mine, {"kernel_id": "k2"})[1]["token"]
    first, second, third = rig.with_token(mine), rig.with_token(kernel), rig.with_token(other)
    began = time.monotonic()
    status, answer = rig.ask("DELETE", "tokens/self", mine)
    assert status == 200 and len(answer["sessions"]) == 2
    for connection in (first, second):
        took, said = rig.ended_after(connection, began)
        assert took < 1.0 and "logged out" in said
    assert third.execute("select 1").fetchone() == (1,)
    third.close()
    assert rig.log("revoked")[-1]["sessions"] == answer["sessions"]


def test_who_is_no_admin_is_refused_and_that_is_on_record(rig: RevocationRig) -> None:
    ana = rig.connect("ana")
    eve = rig.token("eve")
    for method, path, body in (
        ("POST", "revocations", {"user": "ana"}),
        ("POST", "keys", {"service": "etl"}),
        ("GET", "keys", None),
        ("DELETE", "keys/abc", None),
    ):
        status, answer = rig.ask(method, path, eve, body)
        assert status == 403 and answer["error"]["code"] == "not-an-admin"
    assert [entry["what"] for entry in rig.log("refused") if entry.get("by") == "eve"] == [
        "revoke", "keys create", "keys list", "keys revoke"
    ]  # fmt: skip
    kernel = rig.ask("POST", "tokens", rig.token("ben"), {"kernel_id": "k"})[1]["token"]
    assert rig.ask("POST", "revocations", kernel, {"user": "ana"})[0] == 403
    assert ana.execute("select 1").fetchone() == (1,)
    ana.close()


def test_a_session_outlives_the_kernel_token_it_was_opened_with_but_not_its_parent(
    rig: RevocationRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = rig.services.identity._tokens
    clock = [0.0]
    monkeypatch.setattr(store, "_clock", lambda: time.time() + clock[0])
    monkeypatch.setattr(rig.services.identity.ties, "_clock", lambda: time.time() + clock[0])
    parent = rig.token("ana")
    kernel = rig.ask("POST", "tokens", parent, {"kernel_id": "k3"})[1]["token"]
    connection = rig.with_token(kernel)
    clock[0] = 700  # the kernel's token is over and forgotten, its parent lives
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        rig.with_token(kernel)
    rig.token("ana")  # forgets expired tokens
    time.sleep(0.6)
    assert connection.execute("select 1").fetchone() == (1,)
    began = time.monotonic()
    assert rig.ask("DELETE", "tokens/self", parent)[0] == 200
    assert rig.ended_after(connection, began)[0] < 1.0
    again = rig.with_token(rig.token("ana"))
    clock[0] = 700 + 12 * 3600
    took, said = rig.ended_after(again, time.monotonic())
    assert took < 1.0 and "has expired" in said


def test_a_running_statement_has_a_grace_when_the_login_expires_and_no_longer(
    rig: RevocationRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ties, "EXPIRY_GRACE_SECONDS", 2.0)
    status, credential = rig.ask("POST", "credentials", rig.token("ana"), {"target": "shop", "seconds": 10})
    assert status == 200
    clock = rig.services.identity.ties._clock
    connection = rig.with_token(credential["token"])
    sleeping, slept = in_thread(lambda: connection.execute("select pg_sleep(20)"))
    time.sleep(0.5)
    began = time.monotonic()
    monkeypatch.setattr(rig.services.identity.ties, "_clock", lambda: clock() + 10)
    sleeping.join(10)
    at, problem = slept[0]
    assert 1.0 < at - began < 3.0 and "has expired" in str(problem)


def test_a_credential_opens_its_target_until_its_time(rig: RevocationRig) -> None:
    parent = rig.token("ana")
    assert rig.ask("POST", "credentials", parent, {"target": "nowhere"})[0] == 404
    assert rig.ask("POST", "credentials", parent, {"target": "shop", "seconds": 9})[0] == 400
    status, credential = rig.ask("POST", "credentials", parent, {"target": "shop", "seconds": 10})
    began = time.monotonic()
    assert status == 200 and credential["kind"] == "client" and credential["targets"] == ["shop"]
    token = credential["token"]
    connection = rig.with_token(token)
    for target in ("refusing", "down", "nowhere"):
        with pytest.raises(psycopg.OperationalError, match="for another target"):
            rig.with_token(token, target=target)
    for method, path, body in (
        ("GET", "targets", None),
        ("GET", "sessions", None),
        ("POST", "tokens", {"kernel_id": "k"}),
        ("POST", "credentials", {"target": "shop"}),
        ("POST", "revocations", {"user": "ben"}),
    ):
        assert rig.ask(method, path, token, body)[0] == 403
    took, said = rig.ended_after(connection, began)
    assert 8.5 < took < 10.8 and "has expired" in said
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        rig.with_token(token)


def test_a_kernel_token_may_be_bound_to_a_target_too(rig: RevocationRig) -> None:
    parent = rig.token("ana")
    bound = rig.ask("POST", "tokens", parent, {"kernel_id": "k", "target": "shop"})[1]["token"]
    rig.with_token(bound).close()
    with pytest.raises(psycopg.OperationalError, match="for another target"):
        rig.with_token(bound, target="refusing")


def test_a_credential_bound_to_an_address_counts_there_only(rig: RevocationRig) -> None:
    parent = rig.token("ana")
    here = rig.ask("POST", "credentials", parent, {"target": "shop", "networks": ["here"]})[1]["token"]
    rig.with_token(here).close()
    elsewhere = rig.ask("POST", "credentials", parent, {"target": "shop", "networks": ["10.0.0.0/8"]})[1]["token"]
    with pytest.raises(psycopg.OperationalError, match="not taken from this address"):
        rig.with_token(elsewhere)
    assert rig.ask("GET", "me", here)[0] == 200 and rig.ask("GET", "me", elsewhere)[0] == 401
    assert rig.ask("POST", "credentials", parent, {"target": "shop", "networks": ["ten"]})[0] == 400


def test_static_keys(rig: RevocationRig, monkeypatch: pytest.MonkeyPatch) -> None:
    admin = rig.token("ben")
    assert rig.ask("POST", "keys", admin, {"service": "nobody"})[0] == 404
    assert rig.ask("POST", "keys", admin, {"service": "etl", "targets": ["refusing"]})[0] == 400
    status, made = rig.ask("POST", "keys", admin, {"service": "etl", "days": 1})
    assert status == 200 and made["token"].startswith("gov_service_") and made["targets"] == ["shop"]
    state = b"".join(path.read_bytes() for path in (rig.directory / "state").rglob("*") if path.is_file())
    assert made["token"].encode() not in state
    listed = rig.ask("GET", "keys", admin)[1]
    assert [key["id"] for key in listed] == [made["id"]] and made["token"] not in json.dumps(listed)
    who = "service/etl"
    with rig.with_token(made["token"], who) as connection:
        assert connection.execute("select count(*) from orders").fetchone() == (1000,)
    with pytest.raises(psycopg.OperationalError, match="another target"):
        rig.with_token(made["token"], who, "refusing")
    for other in ("etl", "ben"):
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            rig.with_token(made["token"], other)
    held = rig.with_token(made["token"], who)
    status, ended = rig.ask("DELETE", f"keys/{made['id']}", admin)
    assert status == 200 and len(ended["sessions"]) == 1
    assert rig.ended_after(held, time.monotonic())[0] < 1.0
    assert rig.ask("GET", "keys", admin)[1] == []
    expiring = rig.ask("POST", "keys", admin, {"service": "etl", "days": 1})[1]["token"]
    with monkeypatch.context() as later:
        later.setattr(rig.services.identity._tokens, "_clock", lambda: time.time() + 86401)
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            rig.with_token(expiring, who)
    # turned off, keys stop at once and their sessions end
    held = rig.with_token(expiring, who)
    rig.config.write_text(rig.policy().replace("static_keys = true", "static_keys = false"))
    try:
        took, said = rig.ended_after(held, time.monotonic())
        assert took < 5 and "static keys are off" in said
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            rig.with_token(expiring, who)
        assert rig.ask("POST", "keys", admin, {"service": "etl"})[0] == 404
    finally:
        rig.config.write_text(rig.policy())


def test_an_account_that_is_gone_ends_its_sessions(rig: RevocationRig) -> None:
    path = rig.directory / "accounts.json"
    before = path.read_text()
    held, bystander = rig.connect("ana"), rig.connect("ben")
    accounts = json.loads(before)
    del accounts["users"]["ana"]
    began = time.monotonic()
    path.write_text(json.dumps(accounts))
    try:
        took, said = rig.ended_after(held, began)
        assert took < 2.0 and "account is gone" in said
        assert bystander.execute("select 1").fetchone() == (1,)
    finally:
        path.write_text(before)
        bystander.close()


def test_many_sessions_end_within_a_second(rig: RevocationRig) -> None:
    token, admin = rig.token("ana"), rig.token("ben")
    held = [rig.with_token(token) for _ in range(40)]
    began = time.monotonic()
    assert len(rig.ask("POST", "revocations", admin, {"user": "ana"})[1]["sessions"]) >= 40
    last = max(rig.ended_after(connection, began)[0] for connection in held)
    print(f"40 sessions ended in {last * 1000:.0f} ms")
    assert last < 1.0




# -- stock clients through the command line -----------------------------------------------------------------------------------


@pytest.fixture
def cli(rig: RevocationRig, tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """The CLI as a process of its own, logged in as ana."""
    own = {f"JUPYTER_{name.upper()}_DIR": str(tmp_path / name) for name in ("data", "runtime", "config")}
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("JUPYTER_", "PG"))} | own
    environment |= {"JUPYTER_GOVERN_URL": rig.app.api.url, "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring", "HOME": str(tmp_path)}

    def start(*arguments: str, **more: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyter_govern.cli", *arguments],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment | more,
        )  # fmt: skip
        started.append(process)
        return process

    started: list[subprocess.Popen[str]] = []
    said = start("login", "--user", "ana", "--password-stdin").communicate("ana's password\n", timeout=30)
    assert "Logged in" in said[0], said
    yield start
    for process in started:
        process.kill()
        process.communicate()


def command_lines() -> list[str]:
    """What every user of this machine may read of every process."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(path.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace"))
        except OSError:
            continue
    return found


def test_psql_through_connect_shows_no_token_and_ends_with_the_login(
    rig: RevocationRig, cli: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    psql = cli("connect", "shop", "--", "psql", "-XAtq", "-c", "select 'here'", "-c", "select pg_sleep(60)")
    assert psql.stdout is not None and psql.stderr is not None
    assert psql.stdout.readline() == "here\n"
    lines = command_lines()
    assert any("psql" in line and "pg_sleep(60)" in line for line in lines)
    assert [line for line in lines if "gov_" in line] == []
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and path.name != "credentials.json")
    assert b"gov_" not in written
    began = time.monotonic()
    said = cli("logout").communicate(timeout=30)[0]
    assert "1 open sessions ended" in said
    told = psql.communicate(timeout=10)[1]
    assert time.monotonic() - began < 5 and psql.returncode != 0
    assert "FATAL:  terminating connection: revoked by ana: logged out" in told


def test_a_credential_with_a_service_entry(rig: RevocationRig, cli: Callable[..., subprocess.Popen[str]], tmp_path: Path) -> None:
    services = str(tmp_path / "services.conf")
    assert cli("config", "--write", PGSERVICEFILE=services).wait(30) == 0
    assert "gov_" not in Path(services).read_text().replace("govern-", "")
    password = cli("credential", "shop", "--password").communicate(timeout=30)[0].strip()
    environment = {**os.environ, "PGSERVICEFILE": services, "PGPASSWORD": password}
    ran = subprocess.run(
        ["psql", "-XAtqw", "service=govern-shop", "-c", "select current_setting('application_name'), count(*) from orders"],
        env=environment, capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert ran.returncode == 0 and ran.stdout.strip() == "psql|1000", ran.stderr
    wrong = subprocess.run(
        ["psql", "-XAtqw", "service=govern-refusing", "-c", "select 1"],
        env=environment, capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert wrong.returncode != 0 and "for another target" in wrong.stderr


@pytest.mark.skipif(shutil.which("pgcli") is None, reason="pgcli is not installed")
def test_pgcli_through_connect(rig: RevocationRig, cli: Callable[..., subprocess.Popen[str]]) -> None:
    ran = cli("connect", "shop", "--", "pgcli", "--less-chatty", "-c", "select count(*) from orders")
    out, err = ran.communicate(timeout=60)
    assert "1000" in out, (out, err)


# -- races and other unfriendly moments -----------------------------------------------------------------------------------------


def test_revoked_while_the_session_is_being_opened(rig: RevocationRig, monkeypatch: pytest.MonkeyPatch) -> None:
    real, reached = targets.connect, threading.Event()

    async def slowly(*arguments: Any) -> Any:
        reached.set()
        await asyncio.sleep(0.7)
        return await real(*arguments)

    monkeypatch.setattr(targets, "connect", slowly)
    token, admin = rig.token("ana"), rig.token("ben")
    arriving, arrived = in_thread(lambda: rig.with_token(token))
    assert reached.wait(10)
    assert rig.ask("POST", "revocations", admin, {"user": "ana"})[0] == 200
    arriving.join(10)
    problem = arrived[0][1]
    assert isinstance(problem, psycopg.OperationalError) and "while the session was being opened" in str(problem)


def test_what_was_pipelined_does_not_run_on_after_a_revocation(rig: RevocationRig) -> None:
    """The client has sent twenty statements ahead, each in a transaction of its own."""
    with psycopg.connect(rig.postgres.conninfo(), autocommit=True) as direct:
        direct.execute("create table if not exists steps (n int); truncate steps; grant all on steps to gateway")
        token, admin = rig.token("ben"), rig.token("ben")
        held = rig.with_token(token, "ben")
        held.execute("select count(*) from steps")
        libpq = held.pgconn
        libpq.enter_pipeline_mode()
        for n in range(20):
            libpq.send_query_params(f"insert into steps select {n} from pg_sleep(0.3)".encode(), None)
            libpq.pipeline_sync()
        while libpq.flush():
            time.sleep(0.01)
        time.sleep(0.5)
        assert rig.ask("POST", "revocations", admin, {"user": "ben", "reason": "stop"})[0] == 200
        time.sleep(0.3)
        soon = direct.execute("select count(*) from steps").fetchone()
        time.sleep(4)
        later = direct.execute("select count(*) from steps").fetchone()
        print("statements that ran on after the revocation:", soon, later)
        assert soon == later
        held.close()


def test_a_client_that_does_not_read_is_cut_too(rig: RevocationRig) -> None:
    token, admin = rig.token("ana"), rig.token("ben")
    held = rig.with_token(token)
    held.pgconn.send_query(b"select repeat('x', 1000) from generate_series(1, 200000)")
    held.pgconn.flush()
    time.sleep(0.7)
    began = time.monotonic()
    assert len(rig.ask("POST", "revocations", admin, {"user": "ana"})[1]["sessions"]) >= 1
    with psycopg.connect(rig.postgres.conninfo(), autocommit=True) as direct:
        query = "select count(*) from pg_stat_activity where query like '%repeat(''x''%' and state = 'active' and pid <> pg_backend_pid()"
        while direct.execute(query).fetchone() != (0,):
            assert time.monotonic() - began < 1.0
            time.sleep(0.02)
    held.close()
