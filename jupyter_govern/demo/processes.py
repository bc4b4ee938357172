"""A child process with its output in a file: started, waited for, stopped by its pid. Knows nothing of what it runs."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

STOP_SECONDS = 10.0


class StartFailed(Exception):
    """A part of the demo did not come up; the message holds its own last words."""


class Child:
    """In a session of its own, so that the terminal's Ctrl-C reaches us and we stop it in order."""

    def __init__(self, name: str, command: Sequence[str], *, log: Path, environment: Mapping[str, str], directory: Path) -> None:
        self.name, self.log = name, log
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                command,
                stdout=output,
                stderr=output,
                stdin=subprocess.DEVNULL,
                env=dict(environment),
                cwd=directory,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def wait_until(self, ready: Callable[[], bool], seconds: float) -> None:
        """Raises StartFailed if it ends or is not ready in time."""
        deadline = time.monotonic() + seconds
        while not ready():
            if not self.is_running or time.monotonic() > deadline:
                what = "ended" if not self.is_running else f"was not ready within {seconds:.0f} seconds"
                raise StartFailed(f"{self.name} {what}:\n{self.last_words()}")
            time.sleep(0.1)

    def last_words(self) -> str:
        return self.log.read_text(errors="replace")[-1500:].strip()

    def kill(self) -> None:
        """`kill -9`, for tests of what survives it."""
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """SIGTERM, then SIGKILL; what it started itself in its session goes too."""
        if self.is_running:
            self._process.terminate()
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)


def answers(url: str) -> bool:
    """Whether an HTTP server answers there at all."""
    try:
        with urllib.request.urlopen(url, timeout=1):
            return True
    except urllib.error.HTTPError:
        return True
    except (OSError, ValueError):
        return False


def says_ok(url: str) -> bool:
    """Whether it answers with success: a proxy answers for what is behind it before that is there."""
    try:
        with urllib.request.urlopen(url, timeout=1):
            return True
    except (OSError, ValueError):
        return False
