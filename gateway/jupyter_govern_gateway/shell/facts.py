"""A command line as facts for policy: which programs run, what redirections read and write, and what cannot be judged.

kinds: names of programs, without their folder; `dynamic` where something runs that cannot be named. unread: the first reason why
the line cannot be judged; policy refuses it wherever it has block or approve rules.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from jupyter_govern.model import Access, Facts
from jupyter_govern_gateway.shell.paths import resource, runs_later
from jupyter_govern_gateway.shell.programs import base_name, may_be_set, problem_of, values
from jupyter_govern_gateway.shell.reader import read
from jupyter_govern_gateway.shell.tree import Command, Redirection, Word

DYNAMIC: Final = "dynamic"
"""Kind and trait: something runs that cannot be named."""
UNREADABLE: Final = "unreadable"
"""Trait: a construct that is not read."""
_WRAPPERS: Final = frozenset({"nohup", "setsid", "nice", "ionice", "timeout", "stdbuf", "env", "command", "exec", "sudo", "doas", "xargs"})
_WRITING: Final = frozenset({">", ">>", ">|", "<>", "&>", "&>>", ">&"})
_ACTIONS: Final = frozenset({"-exec", "-execdir", "-ok", "-okdir"})
_FIND_WRITES: Final = ("-fprint", "-fls", "-files0-from")
MAX_WRAPPED: Final = 10


@dataclass(slots=True)
class _Found:
    kinds: dict[str, None] = field(default_factory=dict)
    accesses: dict[Access, None] = field(default_factory=dict)
    traits: set[str] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)
    moves: bool = False

    def dynamic(self, why: str) -> None:
        self.problems.append(why)
        self.traits.add(DYNAMIC)


def facts_of(text: str) -> Facts:
    """The facts of a command line or script."""
    reading = read(text)
    found = _Found()
    if reading.problems:
        found.traits.add(UNREADABLE)
        found.problems += [f"{problem} is not read" for problem in reading.problems]
    if not text.isprintable() and any(not (char.isprintable() or char in "\n\t") for char in text):
        found.traits.add(UNREADABLE)
        found.problems.append("control characters in the command")
    found.moves = any(command.words and command.words[0].value in {"cd", "pushd", "popd", None} for command in reading.commands)
    for command in reading.commands:
        _command(command, found)
    if found.problems:
        found.kinds[DYNAMIC] = None
        found.accesses[Access(verb="execute", resource=DYNAMIC)] = None
    return Facts(
        kinds=frozenset(found.kinds),
        traits=frozenset(found.traits),
        accesses=tuple(found.accesses),
        unread=found.problems[0] if found.problems else "",
    )


def _command(command: Command, found: _Found) -> None:
    for name, _ in command.assignments:
        if not may_be_set(name):
            found.dynamic(f"setting {name} may change what programs do")
    for redirection in command.redirections:
        _redirection(redirection, found)
    if command.words:
        _run(command.words, found, 0)


def _run(words: Sequence[Word], found: _Found, depth: int) -> None:
    first = words[0]
    if first.value is None or depth > MAX_WRAPPED:
        found.dynamic(f"which program `{first.text[:60]}` is, is known to the running shell only")
        return
    name = base_name(first.value)
    if name is None:
        found.dynamic(f"the program `{first.value[:60]}` may be a copy of any other")
        return
    found.kinds[name] = None
    found.accesses[Access(verb="execute", resource=name)] = None
    if name in _WRAPPERS:
        _wrapped(name, words[1:], found, depth)
    elif name == "find":
        _find(words[1:], found, depth)
    elif problem := problem_of(name, words[1:]):
        found.dynamic(problem)


def _wrapped(name: str, arguments: Sequence[Word], found: _Found, depth: int) -> None:
    """A program that runs the one that its arguments name, where they do so plainly."""
    rest = list(arguments)
    if any(word.value is None for word in rest[:1]):
        return found.dynamic(f"what `{name}` runs is known to the running shell only")
    if name == "command" and rest and rest[0].value in {"-v", "-V"}:
        return None
    rest = _past_options(name, rest)
    if not rest:
        return None if name in {"env", "exec", "xargs"} else found.dynamic(f"`{name}` without a program")
    if (rest[0].value or "-").startswith("-"):
        return found.dynamic(f"`{name}` with options that are not read")
    if name == "xargs":
        rest.append(Word(text="(its input)", value=None, is_bare=False, splits=True))
    return _run(rest, found, depth + 1)


def _past_options(name: str, rest: list[Word]) -> list[Word]:
    """What stands behind the options that are known to be harmless."""
    takes = {"nice": {"-n"}, "ionice": {"-c", "-n"}, "stdbuf": {"-o", "-i", "-e"}, "xargs": {"-n", "-P", "-L"}, "timeout": {"-s", "-k"}}
    flags = {"xargs": {"-0", "-r"}, "sudo": {"-n"}}
    while rest:
        text = rest[0].value or ""
        if text in takes.get(name, ()) and len(rest) > 1 and re.fullmatch(r"[A-Za-z0-9.]+", rest[1].value or ""):
            rest = rest[2:]
        elif text in flags.get(name, ()) or re.fullmatch(r"-[0-9]+|-[nPLoiec][0-9L]+", text) or _is_setting(name, text):
            rest = rest[1:]
        else:
            break
    if name == "timeout" and rest and re.fullmatch(r"[0-9.]+[smhd]?", rest[0].value or ""):
        rest = rest[1:]
    return rest


def _is_setting(name: str, text: str) -> bool:
    """`env NAME=VALUE`, of a variable that changes no program's doing."""
    return name == "env" and "=" in text and may_be_set(text.partition("=")[0])


def _find(arguments: Sequence[Word], found: _Found, depth: int) -> None:
    if any(word.value is None and not word.text.startswith("~/") for word in arguments):
        return found.dynamic("arguments of `find` are known to the running shell only")
    texts = values(arguments)
    if any(text.startswith(_FIND_WRITES) for text in texts):
        return found.dynamic("`find` writes a file")
    if "-delete" in texts:
        found.kinds["rm"] = None
        found.accesses[Access(verb="execute", resource="rm")] = None
    for at, text in enumerate(texts):
        if text in _ACTIONS:
            end = next((i for i in range(at + 1, len(texts)) if texts[i] == ";" or (texts[i] == "+" and texts[i - 1] == "{}")), len(texts))
            inner = [_name_of_a_file(word) for word in arguments[at + 1 : end]]
            if inner:
                _run(inner, found, depth + 1)
    return None


def _name_of_a_file(word: Word) -> Word:
    return word if "{}" not in (word.value or "") else Word(text=word.text, value=None, is_bare=False, splits=True)


def _redirection(redirection: Redirection, found: _Found) -> None:
    operator, word = redirection.operator, redirection.word
    if operator == "<<<" or (operator in {">&", "<&"} and re.fullmatch(r"[0-9]+-?|-", word.value or "")):
        return
    text = word.value if word.value is not None else word.text if re.fullmatch(r"~/[A-Za-z0-9_./-]*", word.text) else None
    path = resource(text) if text is not None else None
    is_relative = text is not None and not text.startswith(("/", "~/"))
    if path is None or word.splits or (is_relative and found.moves):
        found.dynamic(f"which file `{operator} {word.text[:60]}` opens is known to the running shell only")
        return
    if operator in _WRITING:
        if runs_later(path.removeprefix("~")):
            found.dynamic(f"what is written to {path} may run later")
        if path != "/dev/null":
            found.accesses[Access(verb="write", resource=path)] = None
    if operator in {"<", "<>"}:
        found.accesses[Access(verb="read", resource=path)] = None
