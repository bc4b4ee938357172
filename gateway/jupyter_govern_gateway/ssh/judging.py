"""What a request is, as facts for policy: a shell, a command, a transfer, a forward. Pure."""

from __future__ import annotations

import re
from typing import Final

from jupyter_govern.model import Access, Facts
from jupyter_govern_gateway.shell.facts import facts_of
from jupyter_govern_gateway.shell.paths import resource, runs_later
from jupyter_govern_gateway.shell.reader import read

SHELL: Final = "(interactive shell)"
_RSYNC_OPTION: Final = re.compile(
    r"-[A-Za-z.]+|--(?:server|sender|delete(?:-before|-during|-after|-delay|-excluded)?|partial|inplace|numeric-ids|size-only|existing"
    r"|ignore-existing|times|checksum|timeout=\d+|bwlimit=\d+|max-size=\w+|old-args|ignore-times)"
)


def shell_facts() -> Facts:
    """A shell is one operation, judged as a whole: what is typed into it is recorded, not judged."""
    return Facts(
        kinds=frozenset({"shell"}),
        traits=frozenset({"dynamic"}),
        accesses=(Access(verb="execute", resource="shell"),),
        unread="an interactive shell runs whatever is typed into it",
    )


def command_facts(command: str) -> Facts:
    """A command line; rsync's far end is a transfer."""
    return _rsync(command) or facts_of(command)


def transfer_facts(kinds: frozenset[str], *paths: str, home: str = "") -> Facts:
    """Something done to files by SFTP or scp, by their real paths at the target."""
    later = [path for path in paths if runs_later(_in_home(path, home))] if kinds & {"upload", "rename", "link", "change"} else []
    return Facts(
        kinds=kinds,
        accesses=tuple(Access(verb="transfer", resource=path) for path in paths),
        unread=f"what is put at {later[0]} may run later" if later else "",
    )


def forward_facts(host: str, port: int) -> Facts:
    """A TCP connection from the target to a destination."""
    return Facts(kinds=frozenset({"forward"}), accesses=(Access(verb="transfer", resource=f"tcp:{host}:{port}"),))


def is_legacy_scp(command: str) -> bool:
    """`scp -t PATH` or `scp -f PATH`: what `scp -O` asks a server to run. Nothing else of it is taken as one."""
    words = _plain_words(command)
    return len(words) > 2 and command.startswith("scp ") and any(re.fullmatch(r"-[a-z]*[tf]", word) for word in words[1:])


def _plain_words(command: str) -> list[str]:
    """The words of a command line that is one plain command, else none."""
    reading = read(command)
    if reading.problems or len(reading.commands) != 1:
        return []
    only = reading.commands[0]
    if only.redirections or only.assignments or any(word.value is None and word.text != "~" for word in only.words):
        return []
    return [word.value if word.value is not None else word.text for word in only.words]


def _rsync(command: str) -> Facts | None:
    words = _plain_words(command)
    if words[:2] != ["rsync", "--server"]:
        return None
    options = [word for word in words[1:] if word.startswith("-")]
    paths = [word for word in words[1:] if not word.startswith("-")][1:]
    found = [resource(path) for path in paths]
    sends = "--sender" in options
    unread = "" if sends else "which files rsync writes is not seen"
    if not paths or None in found or not all(_RSYNC_OPTION.fullmatch(option) for option in options):
        unread = "rsync with options or paths that are not read"
    return Facts(
        kinds=frozenset({"rsync", "download" if sends else "upload"} | ({"dynamic"} if "not read" in unread else set())),
        traits=frozenset({"dynamic"} if unread else ()),
        accesses=tuple(Access(verb="transfer", resource=path or "?") for path in found) or (Access(verb="transfer", resource="?"),),
        unread=unread,
    )


def _in_home(path: str, home: str) -> str:
    return path[len(home) + 1 :] if home and path.startswith(f"{home}/") else path
