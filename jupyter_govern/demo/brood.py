"""All processes that one process has started, and theirs: noted while they still hang together, ended when their parent could not.

JupyterHub starts notebook servers in sessions of their own; a Hub that is killed leaves them behind.
"""

from __future__ import annotations

import contextlib

import psutil

GENTLE_SECONDS = 5.0


class Brood:
    """Notes descendants of processes; ends those that are left."""

    def __init__(self) -> None:
        self._noted: dict[int, psutil.Process] = {}

    def note(self, pid: int) -> None:
        """Note everything below this process now."""
        with contextlib.suppress(psutil.Error):
            self._noted |= {child.pid: child for child in psutil.Process(pid).children(recursive=True)}

    def end(self) -> None:
        """SIGTERM, then SIGKILL, to those that still run. A pid that is another's by now is left alone: psutil compares start times."""
        for child in self._noted.values():
            self._note_below(child)
        left = [child for child in self._noted.values() if child.is_running()]
        self._noted = {}
        for child in left:
            with contextlib.suppress(psutil.Error):
                child.terminate()
        _, alive = psutil.wait_procs(left, timeout=GENTLE_SECONDS)
        for child in alive:
            with contextlib.suppress(psutil.Error):
                child.kill()
        psutil.wait_procs(alive, timeout=GENTLE_SECONDS)

    def _note_below(self, child: psutil.Process) -> None:
        with contextlib.suppress(psutil.Error):
            if child.is_running():
                self._noted = self._noted | {each.pid: each for each in child.children(recursive=True)}
