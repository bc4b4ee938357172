"""What a command line is made of. Values only."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """text: as written. value: what it is once quotes are off, or None where only the running shell knows.

    is_bare: nothing in it was quoted or expanded, so it may be a reserved word. splits: it may become several words, or none.
    """

    text: str
    value: str | None
    is_bare: bool
    splits: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Redirection:
    """operator: `<`, `>`, `>>`, `>|`, `<>`, `&>`, `&>>`, `>&`, `<&`, `<<<`. Here-documents leave none: they open no file."""

    operator: str
    word: Word


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A simple command. assignments: names, with what they are set to."""

    words: tuple[Word, ...] = ()
    assignments: tuple[tuple[str, Word], ...] = ()
    redirections: tuple[Redirection, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """All commands that may run, nested ones included; problems: constructs that are not read, in words."""

    commands: tuple[Command, ...]
    problems: tuple[str, ...] = ()
