"""`make hub-demo HEADLESS=1`: what it says, and that neither Hub, proxy, notebook servers nor provider stay behind."""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from kernel_rig import wait_until
from test_demo import Demo

COMMAND = [sys.executable, "-m", "jupyter_govern.demo.hub_command", "--headless"]
pytestmark = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="looks for processes in /proc")


@pytest.fixture
def demo() -> Iterator[Demo]:
    folder = Path(tempfile.mkdtemp(prefix="govern-test-"))
    folder.chmod(0o755)
    started = Demo(folder, COMMAND)
    try:
        yield started
    finally:
        if started.process.poll() is None:
            started.interrupt()
            started.process.communicate(timeout=120)
        for pid in started.processes():
            with suppress(psutil.Error):
                psutil.Process(pid).kill()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.timeout(300)
def test_it_does_what_it_promises_and_leaves_nothing(demo: Demo) -> None:
    demo.read_until("waiting   #1")
    running = " ".join(demo.processes().values())
    assert all(part in running for part in ("postgres", "provider", "gateway", "jupyterhub", "configurable-http-proxy", "singleuser"))
    code, errors = demo.end()
    assert (code, errors) == (0, ""), demo.said
    assert re.search(r"^approved  #1 by ben, on the gateway's own page", demo.said, re.M)
    assert re.search(r"^refused   \[3\] %%govsql shop drop table orders$", demo.said, re.M)
    demo.assert_nothing_is_left()


@pytest.mark.timeout(300)
def test_ctrl_c_leaves_nothing(demo: Demo) -> None:
    demo.read_until("the Hub started her server")
    for _ in range(2):
        demo.interrupt()
    code, errors = demo.end()
    wait_until(lambda: not demo.processes(), 10)
    demo.assert_nothing_is_left()
    assert code == 130 and "Traceback" not in errors, errors
