"""login, logout, approvals, sessions, connect against the real API."""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import stat
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from api.world import World, allowed

from jupyter_govern.commands import connect
from jupyter_govern_gateway.api.devices import Client, Device, Devices
from jupyter_govern_gateway.gate import Permit

from .conftest import Ran, Run

LogIn = Callable[[str], Awaitable[Ran]]


def credentials(tmp_path: Path) -> Path:
    return tmp_path / "data" / "govern" / "credentials.json"


async def test_login_keeps_the_token_for_its_owner_only(world: World, run: Run, tmp_path: Path) -> None:
    ran = await run("login", "--user", "ana", "--password-stdin", typed="ana-password\n")
    assert ran.code == 0 and "as ana (analysts)" in ran.out
    kept = json.loads(credentials(tmp_path).read_text())
    assert kept["url"] == world.url and kept["token"].startswith("gov_person_")
    assert kept["token"] not in ran.out + ran.err
    assert stat.S_IMODE(credentials(tmp_path).stat().st_mode) == 0o600
    assert stat.S_IMODE(credentials(tmp_path).parent.stat().st_mode) == 0o700
    assert (await world.ask("GET", "me", kept["token"])).json["kind"] == "person"
    out = await run("logout")
    assert out.code == 0 and not credentials(tmp_path).exists()
    assert (await world.ask("GET", "me", kept["token"])).status == 401


async def test_a_wrong_password_is_one_line(world: World, run: Run, tmp_path: Path) -> None:
    ran = await run("login", "--user", "ana", "--password-stdin", typed="wrong\n")
    assert (ran.code, ran.err) == (1, "jupyter govern: the name or the password is wrong.\n")
    assert not credentials(tmp_path).exists()


async def test_login_by_browser(world: World, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    codes: asyncio.Queue[str] = asyncio.Queue()
    start = Devices.start

    def started(devices: Devices, client: Client, peer: str) -> tuple[str, Device] | None:
        begun = start(devices, client, peer)
        assert begun is not None
        codes.put_nowait(begun[1].user_code)
        return begun

    monkeypatch.setattr(Devices, "start", started)
    running = asyncio.ensure_future(run("login"))  # noqa: TID251
    code = await asyncio.wait_for(codes.get(), 10)
    browser = world.browser()
    await browser.log_in("ben")
    page = await browser.get(f"/device?user_code={code}")
    await browser.post("/device", {"form": page.form("/device"), "answer": "confirm"})
    ran = await asyncio.wait_for(running, 20)
    assert ran.code == 0 and code in ran.out and "as ben (dba)" in ran.out
    assert json.loads(credentials(tmp_path).read_text())["token"].startswith("gov_person_")


@pytest.mark.parametrize("command", [["approvals"], ["sessions"], ["connect", "shop"]])
async def test_without_a_login(world: World, run: Run, command: list[str]) -> None:
    ran = await run(*command)
    assert ran.code == 1 and "not logged in" in ran.err and "jupyter govern login" in ran.err


async def test_without_a_gateway(run: Run) -> None:
    ran = await run("login", "--user", "ana", "--password-stdin", typed="x\n")
    assert ran.code == 1 and "no gateway is known" in ran.err and "jupyter govern gateway" in ran.err
    ran = await run("login", "--url", "http://127.0.0.1:9", "--user", "ana", "--password-stdin", typed="x\n")
    assert ran.code == 1 and "no gateway answers at http://127.0.0.1:9" in ran.err
    ran = await run("login", "--url", "http://gateway.example", "--user", "ana", "--password-stdin", typed="x\n")
    assert ran.code == 1 and "in clear" in ran.err


async def test_a_kept_token_goes_to_no_other_gateway(world: World, run: Run, log_in: LogIn) -> None:
    await log_in("ana")
    ran = await run("approvals", "--url", "http://127.0.0.1:9")
    assert "not logged in at http://127.0.0.1:9" in ran.err


async def test_the_gateway_of_this_machine_is_found(world: World, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JUPYTER_GOVERN_URL")
    (tmp_path / "runtime").mkdir()
    (tmp_path / "runtime" / "govern-gateway.json").write_text(json.dumps({"api_url": world.url, "ca_file": ""}))
    assert (await run("login", "--user", "ana", "--password-stdin", typed="ana-password\n")).code == 0
    assert (await run("approvals")).out == "Nothing waits for approval.\n"


async def test_list_show_approve(world: World, run: Run, log_in: LogIn) -> None:
    pending = world.pending("delete from orders -- \x1b[2J\u202e", parameters=(b"7", None))
    await log_in("ben")
    listed = await run("approvals")
    assert f"{pending.number}  pending" in listed.out and "decide" in listed.out
    shown = await run("approvals", "show", f"#{pending.number}")
    for part in (
        "ana (analysts)",
        "deletes need a dba",
        "write public.orders",
        "reported, not proven",
        "$1 = 7",
        "$2 = NULL",
        "<U+001B>[2J<U+202E>",
    ):
        assert part in shown.out, part
    assert "\x1b" not in listed.out + shown.out
    blind = await run("approvals", "approve", str(pending.number))
    assert blind.code == 2 and "--digest" in blind.err and pending.approval.state == "pending"
    wrong = await run("approvals", "approve", str(pending.number), "--digest", "0" * 64)
    assert wrong.code == 1 and pending.approval.state == "pending"
    done = await run("approvals", "approve", str(pending.number), "--digest", pending.approval.digest[:12], "--reason", "ok")
    assert done.code == 0 and "is approved" in done.out
    assert (pending.approval.state, pending.approval.decided_by, pending.approval.reason) == ("approved", "ben", "ok")
    assert "approved" in (await run("approvals", "list", "--all")).out


async def test_a_terminal_is_asked(world: World, run: Run, log_in: LogIn) -> None:
    pending = world.pending()
    await log_in("ben")
    assert (await run("approvals", "approve", str(pending.number), typed="n\n", terminal=True)).code == 1
    assert pending.approval.state == "pending"
    assert (await run("approvals", "approve", str(pending.number), typed="y\n", terminal=True)).code == 0
    assert pending.approval.decided_by == "ben"


async def test_deny_and_refusals(world: World, run: Run, log_in: LogIn) -> None:
    pending = world.pending()
    await log_in("ana")
    own = await run("approvals", "deny", str(pending.number))
    assert own.code == 1 and "own request" in own.err
    await log_in("ben")
    assert (await run("approvals", "deny", str(pending.number), "--reason", "no")).code == 0
    again = await run("approvals", "deny", str(pending.number))
    assert again.code == 1 and "denied already" in again.err
    assert (await run("approvals", "show", "999")).code == 1


async def test_sessions(world: World, run: Run, log_in: LogIn, tmp_path: Path) -> None:
    session = world.session("ana")
    permit = world.put(session, "select *\nfrom customers", allowed())
    assert isinstance(permit, Permit)
    permit.finish(tag="SELECT 3", rows=3, bytes_=99, error=None)
    world.put(session, "select 2", allowed(), cell=None)
    world.gate.close_session(session, "done")
    await log_in("ana")
    assert session.id in (await run("sessions")).out
    shown = await run("sessions", "show", session.id[:3])
    for part in (
        "'analysts read the shop'",
        "SELECT 3",
        "3 rows",
        "      select *\n      from customers",
        "cell c-1 [3] (reported)",
        "not from a notebook",
    ):
        assert part in shown.out, part
    assert shown.out.index("select *") < shown.out.index("not from a notebook") < shown.out.index("select 2")
    assert json.loads((await run("sessions", "show", session.id, "--json")).out)["session"]["id"] == session.id
    good = await run("sessions", "verify", session.id)
    assert good.code == 0 and "whole" in good.out
    path = session.recording.chain.path
    assert (await run("sessions", "verify", "--file", str(path))).code == 0
    path.write_bytes(path.read_bytes().replace(b"customers", b"Customers"))
    bad = await run("sessions", "verify", session.id)
    assert bad.code == 1 and "was edited" in bad.err
    assert (await run("sessions", "verify", "--file", str(path))).code == 1
    assert (await run("sessions", "show", "zzz")).code == 1


async def test_connect_becomes_the_client_with_everything_in_its_environment(
    world: World, run: Run, log_in: LogIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await log_in("ana")
    became: list[tuple[str, list[str], dict[str, str]]] = []
    monkeypatch.setattr(os, "execvpe", lambda *all_of_it: became.append(all_of_it))
    monkeypatch.setenv("PGHOSTADDR", "10.0.0.1")
    monkeypatch.setenv("PGSERVICE", "other")
    await run("connect", "shop", "--", "psql", "-c", "select 1")
    ((program, command, environment),) = became
    assert (program, command) == ("psql", ["psql", "-c", "select 1"])
    wanted = {
        "PGHOST": "127.0.0.1", "PGPORT": "6432", "PGUSER": "ana", "PGDATABASE": "shop", "PGSSLMODE": "verify-full",
        "PGSSLROOTCERT": "/ca.pem", "PGGSSENCMODE": "disable",
    }  # fmt: skip
    assert {name: environment[name] for name in wanted} == wanted
    assert "PGHOSTADDR" not in environment and "PGSERVICE" not in environment
    password = environment["PGPASSWORD"]
    assert password.startswith("gov_kernel_") and world.identity.authenticate_password("ana", password).kind == "kernel"
    await run("connect", "shop")
    assert became[1][1] == ["psql"]


async def test_an_option_behind_the_target_is_not_run_as_a_program(world: World, run: Run, log_in: LogIn) -> None:
    await log_in("ana")
    ran = await run("connect", "shop", "--env")
    assert ran.code == 2 and "before TARGET" in ran.err and "PGPASSWORD" not in ran.out


async def test_connect_prints_exports(world: World, run: Run, log_in: LogIn) -> None:
    await log_in("ana")
    ran = await run("connect", "--env", "shop")
    exports = dict(shlex.split(line)[1].split("=", 1) for line in ran.out.splitlines())
    assert exports["PGDATABASE"] == "shop" and exports["PGPASSWORD"].startswith("gov_kernel_")


async def test_connect_to_what_is_not_there(world: World, run: Run, log_in: LogIn) -> None:
    await log_in("ana")
    ran = await run("connect", "shpo")
    assert ran.code == 1 and "no target 'shpo'" in ran.err and "Did you mean shop?" in ran.err
    ran = await run("connect", "shop", "--", "no-such-program-here")
    assert ran.code == 127 and "no program 'no-such-program-here'" in ran.err


def test_becoming_a_client_really_replaces_the_process() -> None:
    assert connect.become(["/dev/null"], {}) == 127
    code = "import os\nfrom jupyter_govern.commands.connect import become\nprint(os.getpid(), flush=True)\n"
    code += "become(['sh', '-c', 'echo $$ $PGHOST'], {'PGHOST': 'there'})"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30)
    first, second = ran.stdout.splitlines()
    assert second == f"{first} there"
