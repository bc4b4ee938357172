"""What the disk is told: soon in buffered mode, first in durable mode, one pass for all who wait; and what is done when it is full."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jupyter_govern.errors import RecordingFailed
from jupyter_govern.recording import read_entries
from jupyter_govern_gateway.gate import Pending, Permit, Settling
from jupyter_govern_gateway.recorder import flusher

from .archive_rig import ALLOW, BLOCK, Place


class Disk:
    """A disk that is as slow, or as broken, as a test wants it."""

    def __init__(self) -> None:
        self.synced: list[int] = []
        self.go = threading.Event()
        self.go.set()
        self.problem: OSError | None = None

    def sync(self, descriptor: int) -> None:
        assert self.go.wait(10)
        if self.problem is not None:
            raise self.problem
        os.fsync(descriptor)
        self.synced.append(descriptor)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    made = Disk()
    monkeypatch.setattr(flusher, "_sync", made.sync)
    return made


async def until(what: Callable[[], Any], seconds: float = 5.0) -> None:
    ends = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < ends
        await asyncio.sleep(0.002)


async def test_buffered_is_on_disk_soon_and_never_on_the_event_loop(tmp_path: Path, disk: Disk) -> None:
    place = Place(tmp_path)
    place.session("s1", close=False, statements=0)
    chain = place.last.recording.chain
    began = time.monotonic()
    assert isinstance(place.gate.ask_now(place.operation("select 1"), ALLOW, place.last), Permit)
    assert b"select 1" in chain.path.read_bytes(), "written at once"
    await until(lambda: chain.synced == chain.path.stat().st_size)
    assert time.monotonic() - began < 3.0, "by itself, 50 ms later and what a busy machine takes"
    disk.go.clear()
    began = time.monotonic()
    for number in range(100):
        place.gate.ask_now(place.operation(f"select {number}"), ALLOW, place.last)
        await asyncio.sleep(0)
    assert time.monotonic() - began < 8.0, "a disk that hangs stops nobody: it hangs for ten seconds"
    disk.go.set()
    place.recorder.close()


async def test_durable_waits_for_the_disk_and_shares_a_pass(tmp_path: Path, disk: Disk) -> None:
    place = Place(tmp_path, durable=True)
    sessions = []
    for number in range(5):
        place.session(f"s{number}", close=False, statements=0)
        sessions.append(place.last)
    await asyncio.sleep(0.2)
    disk.go.clear()
    answers = []
    for session in sessions:
        place.last = session
        answers.append(place.gate.ask_now(place.operation("select 1"), ALLOW, session))
    assert all(isinstance(answer, Settling) for answer in answers)
    await asyncio.sleep(0.1)
    assert not any(answer.future.done() for answer in answers if isinstance(answer, Settling)), "no permit before the disk has it"
    before = place.recorder.tally.syncs
    disk.go.set()
    permits = await asyncio.gather(*[answer.future for answer in answers if isinstance(answer, Settling)])
    assert all(isinstance(permit, Permit) for permit in permits)
    assert place.recorder.tally.syncs - before <= 10
    with pytest.raises(Exception, match="no"):
        place.gate.ask_now(place.operation("drop table t"), BLOCK, place.last)
    place.recorder.close()


async def test_durable_many_operations_of_a_session_share_a_pass(tmp_path: Path, disk: Disk) -> None:
    place = Place(tmp_path, durable=True)
    place.session("s1", close=False, statements=0)
    await asyncio.sleep(0.1)
    before = place.recorder.tally.syncs
    disk.go.clear()
    answers = [place.gate.ask_now(place.operation(f"select {n}"), ALLOW, place.last) for n in range(200)]
    disk.go.set()
    permits = await asyncio.gather(*[answer.future for answer in answers if isinstance(answer, Settling)])
    assert len(permits) == 200 and all(isinstance(permit, Permit) for permit in permits)
    assert place.recorder.tally.syncs - before <= 5, "the pass under way, and one with all that came meanwhile"
    place.recorder.close()


async def test_what_the_disk_refuses_is_not_permitted_and_nothing_after_it(tmp_path: Path, disk: Disk) -> None:
    place = Place(tmp_path, durable=True)
    place.session("s1", close=False, statements=0)
    await asyncio.sleep(0.1)
    disk.problem = OSError(5, "Input/output error")
    with pytest.raises(RecordingFailed, match="Input/output"):
        await place.gate.ask(place.operation("select 1"), ALLOW, place.last)
    disk.problem = None
    with pytest.raises(RecordingFailed):
        await place.gate.ask(place.operation("select 2"), ALLOW, place.last)
    assert place.recorder.tally.write_errors >= 1
    place.recorder.close()


async def test_a_session_that_ends_while_the_disk_works_has_not_run_it(tmp_path: Path, disk: Disk) -> None:
    place = Place(tmp_path, durable=True)
    place.session("s1", close=False, statements=0)
    await asyncio.sleep(0.1)
    disk.go.clear()
    answer = place.gate.ask_now(place.operation("select 1"), ALLOW, place.last)
    assert isinstance(answer, Settling) and not isinstance(answer, Pending)
    place.gate.close_session(place.last, "gone")
    disk.go.set()
    await asyncio.sleep(0.1)
    assert answer.future.cancelled()
    assert [entry["error"] for entry in read_entries(place.last.recording.chain.path) if entry["type"] == "end"] == [
        "not run: the session ended"
    ]
    place.recorder.close()


async def test_low_space_is_said_once_and_new_sessions_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = Place(tmp_path, min_free_bytes=1000)
    free = {"bytes": 5000}
    monkeypatch.setattr(place.recorder, "_space", lambda: (free["bytes"], 10_000))
    place.session("s1")
    free["bytes"] = 900
    with pytest.raises(RecordingFailed, match="min_free_bytes"):
        place.session("s2")
    place.recorder._care()
    place.recorder._care()
    said = [entry for entry in read_entries(place.recorder.log.path) if entry.get("about") == "disk space is low"]
    assert len(said) == 1 and said[0]["free_bytes"] == 900
    free["bytes"] = 5000
    place.recorder._care()
    place.session("s3")
    place.recorder.close()
