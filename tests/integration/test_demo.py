"""`jupyter govern demo --headless` as a person runs it: what it says, and that nothing is left of it, however it ends."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from kernel_rig import wait_until

COMMAND = [sys.executable, "-m", "jupyter_govern.cli", "demo", "--headless"]
SECONDS = 120
pytestmark = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="looks for processes in /proc")


class Demo:
    """One run, in temporary and home folders of its own; what it says, line by line."""

    def __init__(self, folder: Path, command: list[str] = COMMAND) -> None:
        self.folder = folder
        self.lines: list[str] = []
        for name in ("tmp", "home"):
            (folder / name).mkdir()
            (folder / name).chmod(0o755)
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("JUPYTER", "JPY_", "PG", "GOVERN"))}
        environment |= {"TMPDIR": str(folder / "tmp"), "HOME": str(folder / "home")}
        self.process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
        )

    def read_until(self, beginning: str) -> None:
        """Read its lines up to one that begins so."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line)
            if line.startswith(beginning):
                return
        raise AssertionError(f"no line begins with {beginning!r}: {self.said}")

    def interrupt(self) -> None:
        """Ctrl-C: every process of the terminal's group gets it."""
        os.killpg(self.process.pid, signal.SIGINT)

    def end(self) -> tuple[int, str]:
        """Wait for the end; exit code and stderr."""
        out, errors = self.process.communicate(timeout=SECONDS)
        self.lines += out.splitlines(keepends=True)
        return self.process.returncode, errors

    @property
    def said(self) -> str:
        return "".join(self.lines)

    @property
    def ports(self) -> list[int]:
        """Every port that it named."""
        return sorted({int(port) for port in re.findall(r"127\.0\.0\.1:(\d+)", self.said)})

    def processes(self) -> dict[int, str]:
        """Those that have its temporary folder in their environment, as a working directory, or in their command line."""
        mark, found = str(self.folder).encode(), {}
        for entry in Path("/proc").iterdir():
            try:
                command = (entry / "cmdline").read_bytes()
                place = os.readlink(entry / "cwd").encode()
                if entry.name.isdigit() and mark in (entry / "environ").read_bytes() + command + place:
                    found[int(entry.name)] = command.replace(b"\0", b" ").decode()
            except OSError:
                continue
        return found

    def assert_nothing_is_left(self) -> None:
        assert self.processes() == {}
        for port in self.ports:
            with socket.socket() as probe:
                assert probe.connect_ex(("127.0.0.1", port)) != 0, f"something still listens on {port}"
        assert list((self.folder / "tmp").iterdir()) == []
        touched = {path.name for path in (self.folder / "home").iterdir()} - {".npm", ".cache"}  # node's own, of JupyterLab
        assert touched == set()


@pytest.fixture
def demo() -> Iterator[Demo]:
    # not below pytest's own folder: PostgreSQL may run as another account, which cannot reach that
    folder = Path(tempfile.mkdtemp(prefix="govern-test-"))
    folder.chmod(0o755)
    started = Demo(folder)
    try:
        yield started
    finally:
        if started.process.poll() is None:
            started.interrupt()
            started.process.communicate(timeout=SECONDS)
        for number in (signal.SIGINT, signal.SIGKILL):  # gently first: PostgreSQL then removes its shared memory
            for pid in started.processes():
                with suppress(ProcessLookupError):
                    os.kill(pid, number)
            with suppress(AssertionError):
                wait_until(lambda: not started.processes(), 10)
        shutil.rmtree(folder, ignore_errors=True)


def test_it_does_what_it_promises_and_leaves_nothing(demo: Demo) -> None:
    demo.read_until("ran       [3]")
    running = " ".join(demo.processes().values())
    assert all(part in running for part in ("postgres", "gateway", "jupyter", "ipykernel"))  # so that finding none means something
    assert len(demo.ports) == 4
    code, errors = demo.end()
    assert (code, errors) == (0, ""), demo.said
    assert re.search(r"^allowed   \d+ statements, [\d,]+ rows delivered$", demo.said, re.M)
    masked = re.search(r"^masked    (.*)$", demo.said, re.M)
    assert masked is not None
    assert {"public.customers.email", "public.*.card", "public.employees.salary"} <= set(masked[1].split(", "))
    assert re.search(r"^blocked   1 statements, each with its rule's reason$", demo.said, re.M)
    assert re.search(r"^approved  1 statement, by a second person$", demo.said, re.M)
    assert re.search(r"^recorded  \d+ entries in \d+ sessions, from \d+ notebook cells; every hash chain verified$", demo.said, re.M)
    assert re.search(r"^refused   \[\d+\] %%govsql shop drop table orders .*blocked by rule 'no one drops tables'$", demo.said, re.M)
    assert re.search(r"^waiting   #1 'delete from order_drafts.*by ana \(quickstart.ipynb\)$", demo.said, re.M)
    assert re.search(r"^approved  #1 by ben, through the public API with his own login$", demo.said, re.M)
    assert re.search(r"^all as promised, in \d+ seconds$", demo.said, re.M)
    demo.assert_nothing_is_left()


@pytest.mark.parametrize(
    ("moment", "times"),
    [
        ("PostgreSQL: making a cluster", 1),
        ("JupyterLab: starting", 1),
        ("waiting   #1", 3),
    ],
)
def test_ctrl_c_leaves_nothing(demo: Demo, moment: str, times: int) -> None:
    demo.read_until(moment)
    for _ in range(times):  # impatient people press it again
        demo.interrupt()
    code, errors = demo.end()
    wait_until(lambda: not demo.processes(), 10)
    demo.assert_nothing_is_left()
    assert code == 130, errors
    assert "Traceback" not in errors
    assert "all as promised" not in demo.said


def test_ctrl_c_pressed_until_it_ends_leaves_nothing(demo: Demo) -> None:
    demo.read_until("ran       [2]")  # a kernel runs by then, so that stopping takes a while
    while demo.process.poll() is None:
        demo.interrupt()
        time.sleep(0.1)
    demo.end()
    with suppress(AssertionError):
        wait_until(lambda: not demo.processes(), 2)
    demo.assert_nothing_is_left()


def test_being_ended_leaves_nothing(demo: Demo) -> None:
    demo.read_until("JupyterLab: http")
    demo.process.terminate()
    code, errors = demo.end()
    wait_until(lambda: not demo.processes(), 10)
    demo.assert_nothing_is_left()
    assert code == 130, errors
