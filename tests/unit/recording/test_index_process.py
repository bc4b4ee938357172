"""The index's writer in a process of its own: it finds the same, ends with its gateway, and is done without where it dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from jupyter_govern_gateway.recorder.index import SessionIndex, rebuild_index
from jupyter_govern_gateway.recorder.index_process import can_be_apart
from jupyter_govern_gateway.recorder.recorder import Recorder

from .archive_rig import Place
from .test_search import found

pytestmark = pytest.mark.skipif(not can_be_apart(), reason="no sequenced packets between processes here")


@pytest.fixture
def state(tmp_path: Path) -> Path:
    place = Place(tmp_path / "state")
    place.session("s1")
    place.stop()
    (tmp_path / "state" / "index.sqlite").unlink()
    return tmp_path / "state"


def until(what: Callable[[], object]) -> None:
    ends = time.monotonic() + 10
    while not what():
        assert time.monotonic() < ends
        time.sleep(0.01)


def is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_it_finds_what_a_thread_finds(state: Path) -> None:
    index = SessionIndex(state / "index.sqlite", apart=True)
    assert index._process is not None
    pid = index._process._process.pid
    rebuild_index(state / "recordings", index)
    apart, sessions = found(index), index.sessions()
    assert len(apart) == 2 and index.delivered_rows == sum(each["rows"] for each in apart) > 0
    index.close()
    assert not is_there(pid)
    (state / "index.sqlite").unlink()
    index = SessionIndex(state / "index.sqlite")
    rebuild_index(state / "recordings", index)
    assert found(index) == apart and index.sessions() == sessions
    index.close()


def test_where_it_is_killed_a_thread_goes_on(state: Path) -> None:
    index = SessionIndex(state / "index.sqlite", apart=True)
    assert index._process is not None
    os.kill(index._process._process.pid, signal.SIGKILL)
    until(lambda: index._process is None and index._thread is not None)
    rebuild_index(state / "recordings", index)
    assert len(found(index)) == 2
    index.close()


def test_it_ends_with_a_gateway_that_is_killed(state: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from jupyter_govern_gateway.recorder.index import SessionIndex\n"
        "index = SessionIndex(Path(sys.argv[1]), apart=True); print(index._process._process.pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(state / "index.sqlite")], stdout=subprocess.PIPE, text=True) as gateway:
        assert gateway.stdout is not None
        pid = int(gateway.stdout.readline())
        assert is_there(pid)
        gateway.kill()
        gateway.wait()
        until(lambda: not is_there(pid) or Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z")


def test_a_full_inbox_is_no_obstacle(state: Path) -> None:
    index = SessionIndex(state / "index.sqlite", apart=True)
    assert index._process is not None
    pid = index._process._process.pid
    path = str(next(state.rglob("s1.jsonl")))
    os.kill(pid, signal.SIGSTOP)
    began = time.monotonic()
    for _ in range(20_000):
        index.put("read", {"id": "s1", "path": path})
    assert time.monotonic() - began < 20 and index.dropped > 0, "it is counted, and nobody waits"
    os.kill(pid, signal.SIGCONT)
    assert len(found(index)) == 2
    index.close()


def test_the_first_list_after_a_crash_knows_what_it_ended(tmp_path: Path) -> None:
    place = Place(tmp_path / "state")
    for number in range(40):
        place.session(f"s{number}", close=False)
    place.recorder.index.close()  # as killed: nothing of what follows is told
    recorder = Recorder(tmp_path / "state", time.time, index_apart=True)
    told = recorder.index.sessions(limit=100)
    assert len(told) == 40 and all(each["closed_at"] and each["reason"] == "interrupted" and each["operations"] == 2 for each in told)
    recorder.close()
    place.stop()
