"""Write requirements/dev.lock: every package that development, tests and the demo need, pinned with hashes.

Reads pyproject.toml (base dependencies and all extras) and lets uv resolve them, keeping the versions that are locked already
(`make lock ARGS=--upgrade` takes newer ones). The lock names no index, so it works with whichever one pip is set up for.
"""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OPTIONS = ("--quiet", "--strip-extras", "--generate-hashes", "--no-header", "--no-annotate", "--python-version", "3.11", "--universal")


def wanted() -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    everything = [*project["dependencies"], *(r for extra in project["optional-dependencies"].values() for r in extra)]
    return sorted({r for r in everything if not r.startswith(project["name"])})


def main() -> int:
    source = ROOT / "requirements" / "dev.in"
    source.write_text("# Written by scripts/lock.py from pyproject.toml: change it there.\n" + "\n".join(wanted()) + "\n")
    lock = source.with_suffix(".lock")
    command = [sys.executable, "-m", "uv", "pip", "compile", *OPTIONS, *sys.argv[1:], "--output-file", str(lock), str(source)]
    return subprocess.run(command, cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
