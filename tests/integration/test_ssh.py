"""Stock ssh, scp, sftp and rsync through the gateway, before a real sshd."""

from __future__ import annotations

import hashlib
import os
import shlex
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from ssh_evasions import EVASIONS
from ssh_rig import BY_TOKEN, OPTIONS, SshRig, needs_ssh

pytestmark = needs_ssh

RULES = """
[[rule]]
name = "no rm"
because = "files are dear"
effect = "block"
who = { groups = ["analysts"] }
on = { kinds = ["rm", "remove"] }
hint = "Ask ops."

[[rule]]
name = "reboots need two"
because = "people work here"
effect = "approve"
who = { groups = ["analysts"] }
on = { kinds = ["reboot", "useradd"] }
approvers = { groups = ["ops"] }
expires_seconds = 30

[[rule]]
name = "cards"
because = "they are customers'"
effect = "detect"
who = { groups = ["analysts"] }
content = ["card"]

[[rule]]
name = "ops may forward"
because = "they look after it"
effect = "allow"
who = { groups = ["ops"] }
on = { kinds = ["forward"], resources = ["tcp:127.0.0.1:*"] }

[[rule]]
name = "small files"
because = "this is no archive"
effect = "limit"
who = { groups = ["analysts"] }
on = { kinds = ["upload"] }
limit = { bytes = 1000000 }
"""


@pytest.fixture(scope="module")
def rig() -> Iterator[SshRig]:
    with SshRig(rules=RULES) as rig:
        yield rig


def test_output_errors_and_status_come_through(rig: SshRig) -> None:
    got = rig.ssh("echo out; echo err >&2; exit 3")
    assert (got.returncode, got.stdout, got.stderr) == (3, b"out\n", b"err\n")
    assert rig.last("end", tag="exit 3")["bytes"] == 8


def test_binary_input_and_half_close(rig: SshRig) -> None:
    data = os.urandom(300_000)
    got = rig.ssh("cat; echo -n end", stdin=data, who="ben")
    assert got.returncode == 0 and got.stdout == data + b"end"


def test_utf8_and_signals(rig: SshRig) -> None:
    assert rig.ssh("echo 'žluťoučký 🐎'").stdout.decode() == "žluťoučký 🐎\n"
    assert rig.ssh("kill -TERM $$").returncode == 255
    assert rig.last("end", tag="signal TERM")["error"] is None


def test_much_output_arrives_whole(rig: SshRig) -> None:
    got = rig.ssh("head -c 20000000 /dev/zero; exit 5", who="ben")
    assert (got.returncode, len(got.stdout)) == (5, 20_000_000)


@pytest.mark.parametrize("user", ["web1", "ana%web1", "ana+web1"])
def test_the_user_name_names_the_target(rig: SshRig, user: str) -> None:
    assert rig.ssh("echo hi", user=user).stdout == b"hi\n"


def test_a_refusal_says_rule_reason_and_hint(rig: SshRig) -> None:
    got = rig.ssh("rm x")
    assert got.returncode == 126 and got.stdout == b""
    for words in ("running rm is blocked by rule 'no rm'", 'rule "no rm": files are dear', "Ask ops."):
        assert words in got.stderr.decode()
    assert rig.last("operation", statement="rm x")["outcome"] == "blocked"


def test_strangers_and_wrong_tokens_are_kept_out(rig: SshRig) -> None:
    assert rig.ssh("echo hi", token="gov_person_nonsense").returncode == 255
    assert rig.ssh("echo hi", who="ana", token=rig.token("ben")).returncode == 255, "a token is its owner's"
    assert rig.ssh("echo hi", token=rig.token(kind="server")).returncode == 255, "a server's token opens nothing"
    bound = rig.token(kind="client", targets=("stranger",))
    assert rig.ssh("echo hi", token=bound).returncode == 255, "a token that is bound opens its target only"
    denied = rig.ssh("echo hi", who="eve")
    assert denied.returncode == 126 and b"refused" in denied.stderr


def test_an_unknown_host_is_refused(rig: SshRig) -> None:
    got = rig.ssh("echo hi", user="ana%stranger")
    assert got.returncode == 255 and b"host key" in got.stderr and got.stdout == b""


def test_approval_waits_and_runs(rig: SshRig) -> None:
    answers: list[subprocess.CompletedProcess[bytes]] = []
    for decision, statement in (("approve", "reboot --help >/dev/null; echo done"), ("deny", "useradd --help")):
        thread = threading.Thread(target=lambda text=statement: answers.append(rig.ssh(text)))  # type: ignore[misc]
        thread.start()
        rig.decide(rig.wait_pending(), decision)
        thread.join(30)
    assert b"waiting for approval #" in answers[0].stderr and answers[0].stdout.endswith(b"done\n")
    assert answers[1].returncode == 126 and b"ben denied approval" in answers[1].stderr


def test_content_is_hidden_across_chunks(rig: SshRig) -> None:
    got = rig.ssh("printf 'card 41111111'; printf '11111111 end'")
    assert b"4111111111111111" not in got.stdout and got.stdout.startswith(b"card ") and got.stdout.endswith(b" end")
    recorded = "".join(e["data"] for e in rig.entries("output") if isinstance(e["data"], str))
    assert "4111111111111111" not in recorded
    assert rig.ssh("echo 4111111111111111", who="ben").stdout == b"4111111111111111\n"


def test_a_shell_is_refused_where_commands_are_judged_and_recorded_where_it_is_not(rig: SshRig) -> None:
    refused = rig.ssh(stdin=b"echo hi\n")
    assert refused.returncode == 126 and b"interactive shell" in refused.stderr


# -- files --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("legacy", [False, True])
def test_scp_both_ways(rig: SshRig, tmp_path: Path, legacy: bool) -> None:
    data = os.urandom(200_000)
    (tmp_path / "up").write_bytes(data)
    there = str(rig.home / f"there{legacy}")
    assert rig.scp(str(tmp_path / "up"), rig.remote(there), legacy=legacy).returncode == 0
    assert rig.scp(rig.remote(there), str(tmp_path / "down"), legacy=legacy).returncode == 0
    assert (tmp_path / "down").read_bytes() == data
    assert rig.last("end", tag=f"sha256 {hashlib.sha256(data).hexdigest()}")["bytes"] == len(data)


@pytest.mark.parametrize("legacy", [False, True])
def test_scp_of_too_much_and_of_what_runs_later(rig: SshRig, tmp_path: Path, legacy: bool) -> None:
    (tmp_path / "big").write_bytes(bytes(1_200_000))
    assert rig.scp(str(tmp_path / "big"), rig.remote(str(rig.home / "big")), legacy=legacy).returncode != 0
    (tmp_path / "small").write_bytes(b"x")
    (rig.home / "innocent").unlink(missing_ok=True)
    (rig.home / "innocent").symlink_to(rig.home / ".bashrc")
    for name in (".bashrc", "x/../.profile", "innocent", ".ssh/authorized_keys", "bin/ls"):
        assert rig.scp(str(tmp_path / "small"), rig.remote(f"{rig.home}/{name}"), legacy=legacy).returncode != 0, name
    assert not (rig.home / ".bashrc").exists()


def test_sftp_actions_are_judged_one_by_one(rig: SshRig, tmp_path: Path) -> None:
    (rig.home / "keep").write_text("kept")
    got = rig.sftp(f"ls {rig.home}", f"mkdir {rig.home}/made", f"rename {rig.home}/keep {rig.home}/made/kept", f"-rm {rig.home}/made/kept")
    assert got.returncode == 0
    assert (rig.home / "made" / "kept").read_text() == "kept", "remove is blocked"
    assert b"no rm" in got.stderr
    ops = rig.sftp(f"rm {rig.home}/made/kept", who="ben")
    assert ops.returncode == 0 and not (rig.home / "made" / "kept").exists()


def test_rsync_is_a_transfer(rig: SshRig, tmp_path: Path) -> None:
    source = rig.home / "tree"
    source.mkdir()
    (source / "a").write_text("a")
    assert rig.rsync("-a", rig.remote(f"{source}/"), f"{tmp_path}/got/").returncode == 0
    assert (tmp_path / "got" / "a").read_text() == "a"
    assert any({"rsync", "download"} <= set(e["facts"]["kinds"]) for e in rig.entries("operation"))
    up = rig.rsync("-a", f"{tmp_path}/got/", rig.remote(f"{rig.home}/tree2/"))
    assert up.returncode != 0 and b"rsync writes is not seen" in up.stderr
    assert rig.rsync("-a", f"{tmp_path}/got/", rig.remote(f"{rig.home}/tree2/", "ben"), who="ben").returncode == 0


def test_forwards_need_a_rule_that_names_them(rig: SshRig) -> None:
    server = socket.create_server(("127.0.0.1", 0))

    def greet() -> None:
        connection, _peer = server.accept()
        with connection:
            connection.sendall(b"hello")

    threading.Thread(target=greet, daemon=True).start()
    where = f"127.0.0.1:{server.getsockname()[1]}"
    refused = rig.ssh("", "-W", where)
    assert refused.returncode == 255 and b"hello" not in refused.stdout
    assert rig.ssh("", "-W", where, who="ben").stdout == b"hello"
    server.close()


def test_a_shell_of_ops_is_recorded_with_sizes(rig: SshRig) -> None:
    got = rig.ssh("", "-tt", who="ben", stdin=b"stty size; echo shell-says-$((40+2)); exit 4\n")
    assert got.returncode == 4 and b"shell-says-42" in got.stdout
    shell = rig.last("operation", statement="(interactive shell)", outcome="permitted")["operation"]
    parts = [e for e in rig.entries("output") if e["operation"] == shell]
    assert any(e["stream"] == "r" for e in parts)
    assert b"".join(str(e["data"]).encode() for e in parts if e["stream"] == "o").replace(b"\r", b"").count(b"shell-says-42") == 1


# -- ends ---------------------------------------------------------------------------------------------------


def test_a_revoked_token_ends_what_runs(rig: SshRig) -> None:
    found: list[subprocess.CompletedProcess[bytes]] = []
    thread = threading.Thread(target=lambda: found.append(rig.ssh("echo up; sleep 30", who="ben")))
    thread.start()
    rig.last("operation", statement="echo up; sleep 30")
    time.sleep(0.3)
    rig.run(lambda: rig.gate.house.identity.revoke_person("ben", by="test", reason="left"))
    thread.join(20)
    assert found and found[0].returncode == 255
    for _ in range(100):
        ends = {e["operation"] for e in rig.entries("end")}
        if rig.last("operation", statement="echo up; sleep 30")["operation"] in ends:
            break
        time.sleep(0.05)
    assert rig.last("operation", statement="echo up; sleep 30")["operation"] in ends


def test_strict_key_exchange_is_on(rig: SshRig) -> None:
    got = rig.client("ssh", *OPTIONS[:-2], "-vvv", *BY_TOKEN, "-p", str(rig.port), "ana%web1@127.0.0.1", "true")
    assert b"strict KEX ordering" in got.stderr, got.stderr[-2000:]


def test_a_target_that_dies_ends_the_session_clearly() -> None:
    with SshRig() as own:
        found: list[subprocess.CompletedProcess[bytes]] = []
        thread = threading.Thread(target=lambda: found.append(own.ssh("echo up; sleep 30")))
        thread.start()
        own.last("operation", statement="echo up; sleep 30")
        time.sleep(0.5)
        own.sshd.kill()
        thread.join(20)
        assert found and found[0].returncode == 255 and b"closed the connection" in found[0].stderr
        assert "closed the connection" in own.last("end")["error"]


# -- evasions of a command rule -------------------------------------------------------------------------------


@pytest.mark.parametrize("number", range(len(EVASIONS)))
def test_an_evasion_works_directly_and_not_through_the_gateway(rig: SshRig, number: int) -> None:
    folder = rig.directory / f"evasion{number}"
    folder.mkdir()
    victim = folder / "V"
    command = EVASIONS[number].replace("V", shlex.quote(str(victim))).replace("D/", f"{folder}/").replace("=D;", f"={folder};")
    command = command.replace(" D", f" {folder}")
    victim.write_text("dear")
    refused = rig.ssh(command)
    assert victim.exists(), f"through the gateway: {command}"
    assert refused.returncode == 126, (command, refused)
    direct = rig.sshd.ssh(command)
    assert not victim.exists(), f"it does not work directly either, so it proves nothing: {direct.stderr[:200]}"
