"""What is known of programs, for command rules: which ones do only what their name says, and which ones run others.

A program that is not named here may run anything (an interpreter, an editor, a script, a copy of another program under a new
name), so nothing that runs it can be judged. The table is a list of what is known to be plain, never of what is known to be bad.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from jupyter_govern_gateway.shell.paths import runs_later
from jupyter_govern_gateway.shell.tree import Word

FOLDERS: Final = ("/bin/", "/sbin/", "/usr/bin/", "/usr/sbin/", "/usr/local/bin/", "/usr/local/sbin/")
"""A program with one of these in front is the program of that name."""

_ANY: Final = frozenset(
    """: true false echo sleep seq pwd cd exit return break continue shift wait umask ulimit times type which hash_
    uptime uname arch nproc whoami id groups who w last lastlog logname tty locale date cal ls cat tac head tail wc cut tr nl rev fold
    fmt pr expand unexpand column paste join comm cmp diff grep egrep fgrep stat df du free ps pgrep pidof vmstat iostat mpstat lscpu
    lsblk lsmem lspci lsusb lsof netstat ping ping6 traceroute nslookup host getent printenv basename dirname realpath readlink
    md5sum sha1sum sha224sum sha256sum sha384sum sha512sum cksum sum b2sum base64 base32 od hexdump strings numfmt factor expr touch mkdir
    rmdir rm unlink shred truncate chmod chown chgrp kill pkill killall sync mkfifo mktemp jq reboot shutdown poweroff halt
    useradd userdel usermod groupadd groupdel passwd mkfs fdisk iptables nft""".split()
) - {"hash_"}
"""No argument makes them run or write anything that their name does not say."""

_PLACING: Final = frozenset({"cp", "mv", "ln", "tee", "install"})
"""They put content under names that are their arguments."""

_ASSIGNABLE: Final = re.compile(
    r"(?!path$|fpath$|cdpath$|manpath$|module_path$|mailpath$)[a-z][a-z0-9_]*|LANG|LC_[A-Z]+|TZ|TERM|COLUMNS|LINES"
)
_SORT: Final = re.compile(r"-[bdfghinMrRsuVz]*(?:k[0-9.,bdfginrV]*|t.?)?|--(?:reverse|unique|numeric-sort|human-numeric-sort)")
_SED: Final = re.compile(r"[0-9$]*(?:,[0-9$]+)?[pd]|s([/|#,])(?:(?!\1)[^\n\\])*\1(?:(?!\1)[^\n\\])*\1[gpI0-9]*")
_SYSTEMCTL: Final = frozenset("status is-active is-enabled is-failed list-units list-timers show start stop restart reload".split())


def may_be_set(name: str) -> bool:
    """Whether setting this variable changes no program's doing: lower case, or a few of the known."""
    return _ASSIGNABLE.fullmatch(name) is not None


def base_name(name: str) -> str | None:
    """The program that this names, or None where the path says that it may be any."""
    if "/" not in name:
        return name
    folder = next((folder for folder in FOLDERS if name.startswith(folder)), None)
    rest = name[len(folder) :] if folder is not None else "/"
    return rest if rest and "/" not in rest else None


def problem_of(name: str, arguments: Sequence[Word]) -> str:
    """Why this cannot be judged, or "" where the program is plain with these arguments."""
    if name in _ANY:
        return ""
    if name in _PLACING:
        return _placing(name, arguments)
    check = _CHECKED.get(name)
    if check is None:
        return f"what `{name}` runs is not known"
    if any(word.value is None for word in arguments) and name not in {"test", "["}:
        return f"arguments of `{name}` are known to the running shell only"
    return "" if check(arguments) else f"`{name}` with these arguments may do more than its name says"


def _placing(name: str, arguments: Sequence[Word]) -> str:
    for word in arguments:
        text = word.value if word.value is not None else _home_path(word)
        if text is None:
            return f"where `{name}` writes is known to the running shell only"
        if runs_later(text) or ".." in text.split("/") or text.endswith("/.") or set(text) == {"/"}:
            return f"`{name}` writes what may run later, or where it cannot be told"
        if text.startswith("-") and re.fullmatch(r"-[abfilnprsuv]+", text) is None and text != "-":
            return f"`{name} {text}` may do more than its name says"
    return ""


def _home_path(word: Word) -> str | None:
    return word.text if re.fullmatch(r"~/[A-Za-z0-9_./-]*", word.text) else None


def values(arguments: Sequence[Word]) -> list[str]:
    return [word.value or "" for word in arguments]


def _printf(arguments: Sequence[Word]) -> bool:
    return bool(arguments) and not (arguments[0].value or "-").startswith("-")


def _sort(arguments: Sequence[Word]) -> bool:
    return all(_SORT.fullmatch(text) for text in values(arguments) if text.startswith("-"))


def _one_operand(arguments: Sequence[Word]) -> bool:
    return sum(not text.startswith("-") for text in values(arguments)) <= 1


def _sed(arguments: Sequence[Word]) -> bool:
    scripts = [text for text in values(arguments) if not text.startswith("-")][:1]
    options = [text for text in values(arguments) if text.startswith("-")]
    return all(text in {"-n", "-E", "-r", "-nE", "-En"} for text in options) and all(_SED.fullmatch(text) for text in scripts)


def _systemctl(arguments: Sequence[Word]) -> bool:
    texts = values(arguments)
    verbs = [text for text in texts if not text.startswith("-")]
    options = [text for text in texts if text.startswith("-")]
    return "--no-pager" in options and all(o in {"--no-pager", "--user"} for o in options) and bool(verbs) and verbs[0] in _SYSTEMCTL


def _journalctl(arguments: Sequence[Word]) -> bool:
    texts = values(arguments)
    return "--no-pager" in texts and not any(text.startswith("--vacuum") or text in {"--rotate", "--flush"} for text in texts)


def _top(arguments: Sequence[Word]) -> bool:
    return any(re.fullmatch(r"-[a-zA-Z]*b[a-zA-Z0-9]*", text) for text in values(arguments))


def _ss(arguments: Sequence[Word]) -> bool:
    return all(re.fullmatch(r"-[a-zA-CE-JL-Z0-9]+", text) for text in values(arguments))


def _dd(arguments: Sequence[Word]) -> bool:
    return not any(text.startswith("of=") for text in values(arguments))


def _test(arguments: Sequence[Word]) -> bool:
    """bash's -v and -R evaluate subscripts, so where an operator could be one of them it is not plain."""
    known = [word.value for word in arguments if word.value is not None and word.value != "]"]
    if any("[" in text or text in {"-v", "-R"} for text in known) or any(word.splits and word.text[:1] != '"' for word in arguments):
        return False
    if any(text in {"-eq", "-ne", "-lt", "-le", "-gt", "-ge"} for text in known) and len(known) < 3:
        return False  # ksh takes these operands as arithmetic
    unknown = sum(word.value is None for word in arguments)
    return unknown == 0 or (len(known) >= 1 and (known[0].startswith("-") or len(known) + unknown == 3))


def _names(arguments: Sequence[Word]) -> bool:
    """export, read, unset, …: plain names only, and none that changes what programs do."""
    texts = values(arguments)
    return all(may_be_set(text.partition("=")[0]) for text in texts if text != "-r")


def _set(arguments: Sequence[Word]) -> bool:
    return all(re.fullmatch(r"[-+][euxfCn]+|[-+]e?u?x?o|pipefail|errexit|nounset", text) for text in values(arguments))


_CHECKED: Final = {
    "printf": _printf, "sort": _sort, "uniq": _one_operand, "sed": _sed, "systemctl": _systemctl, "journalctl": _journalctl,
    "top": _top, "ss": _ss, "dd": _dd, "test": _test, "[": _test, "export": _names, "read": _names, "unset": _names,
    "readonly": _names, "set": _set,
}  # fmt: skip
