"""With the real gateway: a session is watched and terminated, its person reads why; finished recordings are encrypted and replayed."""

from __future__ import annotations

import base64
import subprocess
import sys
import threading
from collections.abc import Iterator

import psycopg
import pytest
from kernel_rig import wait_until

from jupyter_govern.archive import verify_folder
from jupyter_govern.demo.stack import Stack
from jupyter_govern.recording import read_entries
from jupyter_govern.signatures import read_keys

SETTINGS = """
[gateway.recording]
keeping_seconds = 1
encryption = { key = { env = "GOVERN_TEST_KEY" } }
witness = { file = "heads.jsonl", every_seconds = 1 }
"""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GOVERN_TEST_KEY", base64.b64encode(b"k" * 32).decode())
        with Stack(tmp_path_factory.mktemp("oversight") / "demo", lab=False, edit=lambda text: text + SETTINGS) as running:
            yield running


def cli(stack: Stack, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "jupyter_govern.cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=stack.environment())


def test_watched_terminated_encrypted_and_replayed(stack: Stack) -> None:
    ben = stack.login("ben")
    seen: list[str] = []
    with psycopg.connect(stack.conninfo("ana"), autocommit=True) as connection:
        connection.execute("select email from customers order by id limit 1").fetchall()
        (session,) = (each["id"] for each in ben.sessions() if each["actor"] == "ana")

        def watch() -> None:
            seen.extend(str(entry["type"]) for entry in ben.live(session))

        watching = threading.Thread(target=watch, daemon=True)
        watching.start()
        wait_until(lambda: "end" in seen, 20)
        ben.act(session, "terminate", "please use the replica")
        with pytest.raises(psycopg.OperationalError, match="terminated by ben: please use the replica"):
            connection.execute("select 1")
    watching.join(20)
    assert seen[-1] in {"session-close", "signature"}
    folder = stack.directory / "state" / "recordings"
    wait_until(lambda: bool(list(folder.glob(f"*/*/*/{session}.jsonl.zst.sealed"))), 60)
    assert not list(folder.glob(f"*/*/*/{session}.jsonl"))
    told = ben.session(session)
    assert told["operations"][0]["statement"].startswith("select email")
    assert ben.verify(session)["ok"]
    assert [entry["type"] for entry in ben.recording(session, "replay")] == [*seen, "signature"][: len(seen) + (seen[-1] != "signature")]
    log = read_entries(folder / "gateway.jsonl")
    assert [entry["event"] for entry in log if entry["type"] == "watch"] == ["live", "show", "replay"]
    assert {"terminated", "stored"} <= {entry.get("event") for entry in log}


def test_everything_verifies_with_the_public_key_and_the_witness(stack: Stack) -> None:
    wait_until(lambda: (stack.directory / "heads.jsonl").exists(), 20)
    keys = read_keys([stack.directory / "state" / "signing.pub"])

    def whole() -> bool:
        return verify_folder(stack.directory / "state" / "recordings", keys, witnesses=[stack.directory / "heads.jsonl"]).ok

    wait_until(whole, 20)
    state = stack.directory / "state"
    stated = cli(stack, "sessions", "verify", "--all", str(state / "recordings"), "--key", str(state / "signing.pub"))
    assert stated.returncode == 0, stated.stderr
