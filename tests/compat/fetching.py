"""Brings the suites here: a virtual environment with the clients, and their source distributions, which hold their tests.

Everything lies in .compat/, nothing of it is committed. Versions are those of this file, so that two runs compare.
"""

from __future__ import annotations

import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
PLACE: Final = ROOT / ".compat"
CLIENTS: Final = {
    "asyncpg": "0.32.0",
    "sqlalchemy": "2.1.9",
    "psycopg": "3.3.9",
    "psycopg2": "2.9.13",
    "pg8000": "1.31.6",
}
INSTALLED: Final = (
    "asyncpg=={asyncpg}",
    "sqlalchemy[asyncio]=={sqlalchemy}",
    "psycopg[binary,pool]=={psycopg}",
    "psycopg2-binary=={psycopg2}",
    "pg8000=={pg8000}",
    "pytest==9.2.0",
    "pytest-timeout",
    "pytz",
    "tzdata",
    "numpy",
    "anyio",
    "pproxy",
    "dnspython",
    "uvloop",
    "distro",
    "python-dateutil",
)


class NotToBeHad(Exception):
    """A suite cannot be brought here; the message says why."""


def python() -> Path:
    """The interpreter of the clients' environment, made if it is missing."""
    interpreter = PLACE / "venv" / "bin" / "python"
    mark = PLACE / "venv" / ".installed"
    wanted = "\n".join(INSTALLED).format(**CLIENTS)
    if not mark.exists() or mark.read_text() != wanted:
        _run(sys.executable, "-m", "venv", str(PLACE / "venv"))
        _run(str(interpreter), "-m", "pip", "install", "--quiet", *wanted.split("\n"))
        mark.write_text(wanted)
    return interpreter


def source(client: str) -> Path:
    """The unpacked source distribution of a client."""
    version = CLIENTS[client]
    folder = PLACE / "src" / f"{client}-{version}"
    if not folder.exists():
        downloads = PLACE / "sdist"
        _run(
            sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", client,
            "--dest", str(downloads), f"{client}=={version}",
        )  # fmt: skip
        with tarfile.open(next(downloads.glob(f"{client}-{version}.tar.gz"))) as archive:
            archive.extractall(PLACE / "src", filter="data")
    return folder


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotToBeHad(f"{' '.join(command[:4])} …: {done.stderr.strip()[-400:]}")
