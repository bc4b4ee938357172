"""Point queries by pgbench -S: transactions per second, in simple and prepared mode."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from bench.world import Road

TPS = re.compile(r"^tps = ([\d.]+)", re.M)


def transactions_per_second(program: Path, road: Road, *, clients: int, mode: str, seconds: float) -> float:
    """Run pgbench -S once. Raises RuntimeError with pgbench's own words if it fails."""
    command = [str(program), "-S", "-n", "-M", mode, "-c", str(clients), "-j", "1", "-T", str(max(1, round(seconds))), road.database]
    done = subprocess.run(command, env={**os.environ, **road.environment()}, capture_output=True, text=True, check=False)
    found = TPS.search(done.stdout)
    if done.returncode or not found:
        raise RuntimeError(f"pgbench by {road.name}: {done.stderr.strip()[-400:]}")
    return float(found.group(1))
