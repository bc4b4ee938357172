"""Run a red-team corpus (its run.py) against a gateway of our own, with tests/redteam/govern.toml. Usage: FOLDER [arguments of run.py]"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from bench.world import World

POLICY = Path(__file__).resolve().parent.parent / "tests" / "redteam" / "govern.toml"


def main() -> int:
    if len(sys.argv) < 2 or not (Path(sys.argv[1]) / "run.py").exists():
        print("usage: make redteam REDTEAM=FOLDER [ARGS=…], where FOLDER holds the corpus' run.py", file=sys.stderr)
        return 2
    corpus = Path(sys.argv[1]).resolve()
    with World(POLICY.read_text(), "redteam", settings={"wal_level": "logical"}) as world:
        command = [sys.executable, str(corpus / "run.py"), "--direct", world.direct.conninfo(), "--gateway"]
        command += [world.through_gateway("ana").conninfo(), *sys.argv[2:]]
        return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
