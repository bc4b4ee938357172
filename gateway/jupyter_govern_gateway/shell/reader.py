"""A command line or script: which commands may run in it. Recursive descent over the text, with the words' reader for the rest."""

from __future__ import annotations

import re
from typing import Final

from jupyter_govern_gateway.shell.quoting import BLANKS, METACHARACTERS, Unreadable, WordReader
from jupyter_govern_gateway.shell.tree import Command, Reading, Redirection, Word

MAX_DEPTH: Final = 20
MAX_COMMANDS: Final = 1_000
_PASSED: Final = frozenset("if then elif else fi while until do done { } !".split())
"""Reserved words that only say when the commands behind them run."""
_NOT_READ: Final = frozenset("case esac function select coproc time [[ ]] repeat foreach end always".split())
_ASSIGNMENT: Final = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)\+?=")
_OPERATOR: Final = re.compile(r"&>>|&>|<<<|<<-|<<|<>|<&|>>|>&|>\||<|>")
_DELIMITER: Final = re.compile(r"[A-Za-z0-9_.-]+")


def read(text: str, *, depth: int = 0) -> Reading:
    """Never raises: what is not read is among the problems."""
    reader = _Reader(text, depth)
    try:
        reader.commands_up_to(0, "")
    except Unreadable as problem:
        reader.problems.append(str(problem))
    except RecursionError:
        reader.problems.append("too deep nesting")
    return Reading(commands=tuple(reader.commands), problems=tuple(reader.problems))


class _Reader:
    def __init__(self, text: str, depth: int) -> None:
        self._text, self._depth = text, depth
        self._words = WordReader(text, self._nested)
        self._bodies: list[tuple[str, bool, bool]] = []
        self.commands: list[Command] = []
        self.problems: list[str] = []
        if depth > MAX_DEPTH:
            raise Unreadable("too deep nesting")

    def _nested(self, text: str, at: int, closing: str) -> int:
        if text is self._text:
            waiting, self._bodies = self._bodies, []
            end = self.commands_up_to(at, closing)
            if waiting and "\n" in text[at:end]:
                raise Unreadable("a line's end inside a word behind `<<`, where shells begin the here-document differently")
            self._bodies = waiting
            return end
        inner = read(text, depth=self._depth + 1)
        self.commands += inner.commands
        self.problems += inner.problems
        return len(text)

    def commands_up_to(self, at: int, closing: str) -> int:
        """All commands from `at`; returns where `closing` stands (or the end, where it is "")."""
        text = self._text
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise Unreadable("too deep nesting")
        while at < len(text):
            at = self._space(at)
            if at >= len(text):
                break
            char = text[at]
            if char == ")":
                if closing != ")":
                    raise Unreadable("a closing parenthesis without an opening one")
                self._no_bodies()
                self._depth -= 1
                return at
            if char == "(":
                if text.startswith("((", at):
                    raise Unreadable("((…)), which can run commands")
                at = self._after_compound(self.commands_up_to(at + 1, ")") + 1)
            elif char == "\n":
                at = self._here_documents(at + 1)
            elif char in ";|" or (char == "&" and not text.startswith("&>", at)):
                at += 1
            else:
                at = self._command(at)
        if closing:
            raise Unreadable("a parenthesis that is not closed")
        self._no_bodies()
        self._depth -= 1
        return at

    def _no_bodies(self) -> None:
        if self._bodies:
            raise Unreadable("a here-document without its end")

    def _space(self, at: int) -> int:
        """Past blanks, continued lines and comments."""
        text = self._text
        while at < len(text):
            if text[at] in BLANKS:
                at += 1
            elif text.startswith("\\\n", at):
                at += 2
            elif text[at] == "#" and (at == 0 or text[at - 1] in METACHARACTERS):
                end = text.find("\n", at)
                at = len(text) if end < 0 else end
            else:
                break
        return at

    def _after_compound(self, at: int) -> int:
        """Redirections of a subshell; nothing else may follow but an operator."""
        redirections: list[Redirection] = []
        while (following := self._redirection(self._space(at))) is not None:
            at = following[1]
            redirections += following[0]
        if redirections:
            self._found(Command(redirections=tuple(redirections)))
        return at

    def _command(self, at: int) -> int:
        """One simple command, or one reserved word."""
        text = self._text
        words: list[Word] = []
        assignments: list[tuple[str, Word]] = []
        redirections: list[Redirection] = []
        while True:
            at = self._space(at)
            found = self._redirection(at)
            if found is not None:
                redirections += found[0]
                at = found[1]
                continue
            if at >= len(text) or text[at] in "\n;|)&":
                break
            if text[at] == "(":
                raise Unreadable("a function, or a parenthesis inside a command")
            word, end = self._words.read(at)
            if end == at:
                raise Unreadable(f"{text[at]!r} where a word was due")
            at = end
            if self._bodies and "\n" in word.text:
                raise Unreadable("a line's end inside a word behind `<<`, where shells begin the here-document differently")
            if not words and not assignments and not redirections and word.is_bare:
                if word.text in _PASSED:
                    return at
                if word.text in _NOT_READ:
                    raise Unreadable(f"`{word.text}`")
                if word.text == "for":
                    return self._for(at)
            assigned = _ASSIGNMENT.match(word.text)
            if assigned is not None and not words:
                assignments.append((assigned[1], word))
            else:
                words.append(word)
        self._found(Command(words=tuple(words), assignments=tuple(assignments), redirections=tuple(redirections)))
        return at

    def _for(self, at: int) -> int:
        """`for NAME in WORDS` sets NAME; what stands behind `do` is read like anything else."""
        name, at = self._words.read(self._space(at))
        if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name.text) is None:
            raise Unreadable("a `for` without a plain name")
        at = self._space(at)
        value = Word(text="", value=None, is_bare=False, splits=True)
        if self._text.startswith("in", at) and self._text[at + 2 : at + 3] in {" ", "\t", "\n", ";", ""}:
            at = self._space(at + 2)
            while at < len(self._text) and self._text[at] not in "\n;":
                _, end = self._words.read(at)
                if end == at:
                    raise Unreadable("a `for` whose words are not plain")
                at = self._space(end)
        self._found(Command(assignments=((name.text, value),)))
        return at

    def _redirection(self, at: int) -> tuple[list[Redirection], int] | None:
        text = self._text
        start = at
        while at < len(text) and text[at].isascii() and text[at].isdigit():
            at += 1
        operator = _OPERATOR.match(text, at)
        if operator is None or (at > start and operator[0].startswith("&")):
            return None
        if operator[0] in {"<", ">"} and text[operator.end() : operator.end() + 1] == "(":
            raise Unreadable("a process substitution")
        at = self._space(operator.end())
        word, end = self._words.read(at)
        if end == at:
            raise Unreadable(f"`{operator[0]}` without a word")
        if operator[0] in {"<<", "<<-"}:
            self._expect_body(word, strips=operator[0] == "<<-")
            return [], end
        return [Redirection(operator=operator[0], word=word)], end

    def _expect_body(self, word: Word, *, strips: bool) -> None:
        if word.value is None or _DELIMITER.fullmatch(word.value) is None:
            raise Unreadable("a here-document whose end is not a plain word")
        self._bodies.append((word.value, strips, word.text != word.value))

    def _here_documents(self, at: int) -> int:
        """The bodies that begin behind a line's end, in order."""
        bodies, self._bodies = self._bodies, []
        for delimiter, strips, is_quoted in bodies:
            start = at
            while True:
                if at >= len(self._text):
                    raise Unreadable("a here-document without its end")
                stop = self._text.find("\n", at)
                stop = len(self._text) if stop < 0 else stop
                line = self._text[at:stop]
                if (line.lstrip("\t") if strips else line) == delimiter:
                    break
                at = stop + 1
            if not is_quoted:
                self._words.expansions(start, at)
            at = min(stop + 1, len(self._text))
        return at

    def _found(self, command: Command) -> None:
        if not (command.words or command.assignments or command.redirections):
            return
        if len(self.commands) >= MAX_COMMANDS:
            raise Unreadable("more commands than are read at once")
        self.commands.append(command)
