"""Print pg_service.conf entries for the targets, or write them. They hold no secret.

  jupyter govern config                  print them
  jupyter govern config --write          into $PGSERVICEFILE or ~/.pg_service.conf, between two marks; the rest stays as it is

Then `psql service=govern-shop` knows where to go; the password it asks for is what `jupyter govern credential shop` prints.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from jupyter_govern.commands import _place
from jupyter_govern.commands._reach import Reach, all_reaches
from jupyter_govern.errors import GovernError

BEGIN = "# >>> jupyter govern: written by `jupyter govern config --write`, overwritten by the next >>>"
END = "# <<< jupyter govern <<<"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    _place.add_url(parser)
    parser.add_argument("--write", action="store_true", help="write them into $PGSERVICEFILE or ~/.pg_service.conf")


def run(args: argparse.Namespace) -> int:
    """Print or write."""
    reaches = all_reaches(_place.logged_in(args.url))
    if not args.write:
        print(entries(reaches), end="")
        return 0
    path = Path(os.environ.get("PGSERVICEFILE") or Path.home() / ".pg_service.conf")
    write(path, entries(reaches))
    print(f"{path} has {', '.join(f'govern-{each.target}' for each in reaches) or 'no services'} now.")
    return 0


def entries(reaches: Sequence[Reach]) -> str:
    """One service for each target."""
    return "\n".join(
        f"[govern-{each.target}]\nhost={each.host}\nport={each.port}\ndbname={each.target}\nuser={each.user}\n"
        f"sslmode={each.sslmode}\nsslrootcert={each.ca_file}\ngssencmode=disable\n"
        for each in reaches
    )


def write(path: Path, text: str) -> None:
    """Put our block into the file, instead of the one that is there; raises GovernError."""
    path = path.resolve()
    try:
        before = path.read_text(encoding="utf-8") if path.exists() else ""
        whole = _without_ours(before) + f"{BEGIN}\n{text}{END}\n"
        mode = path.stat().st_mode & 0o777 if path.exists() else 0o600
        descriptor, beside = tempfile.mkstemp(dir=path.parent, prefix=path.name)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(whole)
        os.chmod(beside, mode)
        os.replace(beside, path)
    except (OSError, UnicodeDecodeError) as problem:
        raise GovernError(f"{path} cannot be written: {problem}") from None


def _without_ours(text: str) -> str:
    head, begin, rest = text.partition(BEGIN + "\n")
    if not begin:
        return text if not text or text.endswith("\n") else text + "\n"
    _, end, tail = rest.partition(END + "\n")
    if not end:
        raise GovernError("the file has our first mark but not the last one: mend it by hand")
    return head + tail
