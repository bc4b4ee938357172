"""The labextension's own tests, run as everybody else's: its pure logic under node, and what it must never learn to do."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

LABEXTENSION = Path(__file__).resolve().parents[2] / "labextension"


def test_typescript_logic() -> None:
    """`jlpm test`: node:test over what tsc made of src/ and test/."""
    jlpm = Path(sys.executable).with_name("jlpm")
    done = subprocess.run([str(jlpm), "test"], cwd=LABEXTENSION, capture_output=True, text=True, timeout=150, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert "# fail 0" in done.stdout
    assert int(done.stdout.split("# pass ")[1].split()[0]) > 20
