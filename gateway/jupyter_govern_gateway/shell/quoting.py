"""One word of a command line: quotes, escapes, expansions. What it cannot know it marks; what shells read differently is a problem.

Commands inside `$(…)` and backquotes are handed to `nested`, which reads them at once.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from jupyter_govern_gateway.shell.tree import Word

BLANKS: Final = " \t"
METACHARACTERS: Final = BLANKS + "\n;&|()<>"
_PARAMETER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[0-9@*#?$!-]")
_BRACED: Final = re.compile(r"\{(?:#?(?:[A-Za-z_][A-Za-z0-9_]*|[0-9]+|[@*#?$!-])|[A-Za-z_][A-Za-z0-9_]*:?[-+?][A-Za-z0-9_./ -]*)\}")
_ARITHMETIC: Final = re.compile(r"\(\([0-9+*/%() \t-]*\)\)")


class Unreadable(Exception):
    """A construct that is not read; the message names it."""


class WordReader:
    """nested(text, at, closing): reads commands from `at` up to `closing`; returns where that stands."""

    def __init__(self, text: str, nested: Callable[[str, int, str], int]) -> None:
        self._text, self._nested = text, nested

    def read(self, at: int) -> tuple[Word, int]:
        """The word that begins at `at`, and where it ends. Raises Unreadable."""
        text, start, whole = self._text, at, len(self._text)
        value: list[str] | None = []
        bare = True
        splits = False
        while at < whole and text[at] not in METACHARACTERS:
            char, before = text[at], at
            piece: str | None
            if char == "'":
                at, piece = self._single(at)
            elif char == '"':
                at, piece = self._double(at + 1)
            elif char == "\\":
                at, piece = self._escaped(at)
            elif char in "$`":
                at, piece = self._expansion(at)
                splits = True
            else:
                at, piece = at + 1, char
                if char in "*?" or (char in "{[" and not self._is_lone_brace(before, start)) or (char in "~=^" and before == start):
                    # globs, brace expansion, home directories, zsh's =name and csh's ^: the shell decides what it is
                    piece, splits = None, splits or char != "~"
            bare = bare and at == before + 1 and char not in "'\"\\$`*?[~="
            value = None if piece is None or value is None else [*value, piece]
        return Word(text=text[start:at], value=None if value is None else "".join(value), is_bare=bare, splits=splits), at

    def _is_lone_brace(self, at: int, start: int) -> bool:
        """`{`, `{}` or `[` as a whole word expands to itself everywhere."""
        if at != start:
            return False
        stop = at + (2 if self._text[at : at + 2] == "{}" else 1)
        return stop >= len(self._text) or self._text[stop] in METACHARACTERS

    def _single(self, at: int) -> tuple[int, str]:
        end = self._text.find("'", at + 1)
        if end < 0:
            raise Unreadable("a single quote that is not closed")
        return end + 1, self._text[at + 1 : end]

    def _escaped(self, at: int) -> tuple[int, str]:
        if at + 1 >= len(self._text):
            raise Unreadable("a backslash at the end")
        char = self._text[at + 1]
        return at + 2, "" if char == "\n" else char

    def _double(self, at: int) -> tuple[int, str | None]:
        text, value = self._text, ""
        known = True
        while at < len(text):
            char = text[at]
            if char == '"':
                return at + 1, value if known else None
            if char == "\\" and text[at + 1 : at + 2] in {"$", "`", '"', "\\", "\n"}:
                value, at = value + text[at + 1].replace("\n", ""), at + 2
            elif char == "`" or (char == "$" and text[at + 1 : at + 2] not in {'"', "'", " ", "", "/", ".", ",", ":"}):
                at, piece = self._expansion(at, in_double=True)
                known = known and piece is not None
                value += piece or ""
            else:
                value, at = value + char, at + 1
        raise Unreadable("a double quote that is not closed")

    def expansions(self, at: int, stop: int) -> None:
        """Only the expansions of a here-document's body."""
        while at < stop:
            char = self._text[at]
            if char == "\\":
                if self._text[at + 1 : at + 2] == "\n":
                    raise Unreadable("a continued line in a here-document")
                at += 2
            elif char in "$`":
                at, _ = self._expansion(at, in_double=True)
            else:
                at += 1
        if at > stop:
            raise Unreadable("an expansion that goes beyond its here-document")

    def _expansion(self, at: int, *, in_double: bool = False) -> tuple[int, str | None]:
        """What begins with `$` or a backquote."""
        text = self._text
        if text[at] == "`":
            end = text.find("`", at + 1)
            if end < 0 or "\\" in text[at:end]:
                raise Unreadable("backquotes that are not closed or hold a backslash")
            self._nested(text[at + 1 : end], 0, "")
            return end + 1, None
        following = text[at + 1 : at + 2]
        if following == "(":
            arithmetic = _ARITHMETIC.match(text, at + 1)
            if arithmetic is not None:
                return arithmetic.end(), None
            if text[at + 2 : at + 3] == "(":
                raise Unreadable("arithmetic with names in it, which can run commands")
            return self._nested(text, at + 2, ")") + 1, None
        if following == "{":
            braced = _BRACED.match(text, at + 1)
            if braced is None:
                raise Unreadable("an expansion beyond ${name} and ${name:-text}")
            return braced.end(), None
        if following in {"'", '"', "[", "\\"} and not (in_double and following in {"'", '"'}):
            raise Unreadable(f"${following}, which shells read differently")
        parameter = _PARAMETER.match(text, at + 1)
        if parameter is None:
            return at + 1, "$"
        return parameter.end(), None
