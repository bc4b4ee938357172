"""A gateway of our own: found by its pid, stopped by it, and its last words when it does not come up."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
from pathlib import Path

import pytest

from jupyter_govern_server import launch
from jupyter_govern_server.launch import OwnGateway, discovered, discovery_file

LOG = logging.getLogger("test")


@pytest.fixture(autouse=True)
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What is started in place of Python; it gets the arguments that the gateway's command line would get."""
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "runtime"))
    path = tmp_path / "program"
    monkeypatch.setattr(sys, "executable", str(path))
    return path


def write(program: Path, script: str) -> None:
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o700)


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_it_is_found_by_its_pid_and_stopped(program: Path, tmp_path: Path) -> None:
    target = discovery_file()
    write(program, f"""echo "{{\\"pid\\": $$, \\"api_url\\": \\"http://g\\", \\"args\\": \\"$*\\"}}" > {target}; exec sleep 60""")
    own = OwnGateway(tmp_path / "govern.toml", LOG)
    assert await own.start(10) == ""
    said = discovered()
    assert said["args"] == f"-m jupyter_govern.cli gateway {tmp_path / 'govern.toml'}"
    await own.stop()
    assert not is_running(said["pid"])
    await own.stop()


async def test_anothers_address_is_not_taken_for_ours(program: Path, tmp_path: Path) -> None:
    discovery_file().parent.mkdir()
    discovery_file().write_text(json.dumps({"pid": 1, "api_url": "http://other"}))
    write(program, "exec sleep 60")
    own = OwnGateway(tmp_path / "govern.toml", LOG)
    assert "did not come up within 0.5 s" in await own.start(0.5)


async def test_its_last_words_are_told(program: Path, tmp_path: Path) -> None:
    write(program, "echo 'govern.toml: rule[0].effect: unknown effect' >&2; exit 2")
    own = OwnGateway(tmp_path / "govern.toml", LOG)
    assert await own.start(10) == "the gateway ended with exit code 2: govern.toml: rule[0].effect: unknown effect"


async def test_one_that_does_not_end_is_killed(program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "STOP_SECONDS", 0.2)
    write(program, f"""trap '' TERM; echo "{{\\"pid\\": $$}}" > {discovery_file()}; while true; do sleep 0.05; done""")
    own = OwnGateway(tmp_path / "govern.toml", LOG)
    assert await own.start(10) == ""
    pid = discovered()["pid"]
    await own.stop()
    assert not is_running(pid)


async def test_its_log_is_private(program: Path, tmp_path: Path) -> None:
    write(program, "exit 0")
    await OwnGateway(tmp_path / "govern.toml", LOG).start(10)
    logs = list((tmp_path / "runtime").glob("*.log"))
    assert [path.stat().st_mode & 0o777 for path in logs] == [0o600]
    await asyncio.sleep(0)


def test_a_broken_discovery_file_is_none(tmp_path: Path) -> None:
    assert discovered() == {}
    discovery_file().parent.mkdir()
    discovery_file().write_text("[]")
    assert discovered() == {}
