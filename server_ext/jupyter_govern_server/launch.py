"""Start a gateway of our own where none answers, and stop what was started, by its process id.

Knows the gateway's command line and the file where a running gateway says how to reach it; nothing of its inside.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from logging import Logger
from pathlib import Path
from typing import Any

from jupyter_core.paths import jupyter_runtime_dir

STOP_SECONDS = 15.0
LOOK_SECONDS = 0.2
MAX_FILE = 64 * 1024
LOG_TAIL = 2000


def discovery_file() -> Path:
    """Where a gateway on this machine says how to reach it."""
    return Path(jupyter_runtime_dir()) / "govern-gateway.json"


def discovered() -> dict[str, Any]:
    """What that file says; {} where there is none."""
    try:
        with discovery_file().open(encoding="utf-8") as file:
            found = json.loads(file.read(MAX_FILE))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


class OwnGateway:
    """A gateway process that this notebook server started."""

    def __init__(self, config: Path, log: Logger) -> None:
        self._config, self._log = config, log
        self._process: asyncio.subprocess.Process | None = None
        self._log_file = Path(jupyter_runtime_dir()) / f"govern-gateway-{os.getpid()}.log"

    async def start(self, seconds: float) -> str:
        """Start it and wait until it says where it is; returns why that did not happen, or ""."""
        self._log_file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(self._log_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", "jupyter_govern.cli", "gateway", str(self._config)),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=descriptor,
                stderr=descriptor,
                start_new_session=True,  # Ctrl-C at the terminal goes to the notebook server, which stops it in order
            )
        finally:
            os.close(descriptor)
        self._log.info("jupyter-govern: started a gateway (pid %s), its log is %s", self._process.pid, self._log_file)
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if self._process.returncode is not None:
                return f"the gateway ended with exit code {self._process.returncode}: {self._said()}"
            if discovered().get("pid") == self._process.pid:
                return ""
            await asyncio.sleep(LOOK_SECONDS)
        await self.stop()
        return f"the gateway did not come up within {seconds:g} s: {self._said()}"

    async def stop(self) -> None:
        """Ask it to end, and end it when it does not."""
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), STOP_SECONDS)
        except TimeoutError:
            self._log.warning("jupyter-govern: the gateway (pid %s) did not end in time and is killed", process.pid)
            process.kill()
            await process.wait()

    def _said(self) -> str:
        try:
            return self._log_file.read_text(errors="replace")[-LOG_TAIL:].strip()
        except OSError:
            return ""
