"""`:name` in a statement becomes a numbered parameter; everything else stays the person's own bytes.

Pure lexing after PostgreSQL's rules (strings, E'' strings, quoted names, dollar quotes, nested comments, casts). It only
finds parameters: what a statement means is judged at the gateway, never here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from jupyter_govern_kernel.options import UsageProblem

MAX_PARAMETERS = 65_535
"""The wire counts parameters in 16 bits."""

_SKIPPED = re.compile(
    r"""
      --[^\r\n]*
    | (?<![\w$])[eE]'(?:[^'\\]|''|\\.)*+(?:'|$)
    | '(?:[^']|'')*+(?:'|$)
    | "(?:[^"]|"")*+(?:"|$)
    | (?<![\w$])\$([A-Za-z_\u0080-\U0010ffff][\w]*)?\$
    | ::+ | :=
    | (?<![\w$])\$(?P<number>\d+)
    | (?P<escape>\\:)(?=[A-Za-z_])
    | (?<![\w)\]"'])(?<!\$):(?P<name>[A-Za-z_]\w*)
    | /\*
    """,
    re.VERBOSE | re.DOTALL,
)
_FIRST = re.compile(r"\s*(?:--[^\r\n]*|(/\*)|(\w+))")
_COMMENT_EDGE = re.compile(r"/\*|\*/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """A statement with `$1…$n` in place of `:name`, and the names in that order.

    edits: (offset in `sql`, length in `sql`, length in the person's text) of each replacement.
    """

    sql: str
    names: tuple[str, ...]
    edits: tuple[tuple[int, int, int], ...] = ()

    def original_position(self, position: int) -> int:
        """A 1-based character position in `sql` as the position in the person's text."""
        shift = 0
        for at, new, old in self.edits:
            if at + new > position - 1:
                return at + shift + 1 if at <= position - 1 else position + shift
            shift += old - new
        return position + shift

    def values(self, lookup: Callable[[str], object]) -> list[object]:
        """The parameters, in order; `lookup` raises KeyError for what does not exist."""
        found = []
        for name in self.names:
            try:
                found.append(lookup(name))
            except KeyError:
                raise UsageProblem(
                    f"the statement names :{name}, and there is no Python variable {name!r}. Set it first, "
                    f"or write \\:{name} where a plain colon is meant."
                ) from None
        return found


def bind_names(text: str) -> Bound:
    """Find the `:name` parameters of one statement text."""
    out: list[str] = []
    names: dict[str, int] = {}
    edits: list[tuple[int, int, int]] = []
    written, copied, numbered = 0, 0, False
    position = 0
    while match := _SKIPPED.search(text, position):
        position = _end_of(match, text)
        numbered = numbered or match["number"] is not None
        if match["name"] is None and match["escape"] is None:
            continue
        name = match["name"]
        replacement = ":" if name is None else f"${names.setdefault(name, len(names) + 1)}"
        kept = text[copied : match.start()]
        out += (kept, replacement)
        written += len(kept)
        edits.append((written, len(replacement), match.end() - match.start()))
        written, copied = written + len(replacement), match.end()
    if names and numbered:
        raise UsageProblem("the statement mixes :name and $1 parameters; use :name only.")
    if len(names) > MAX_PARAMETERS:
        raise UsageProblem(f"the statement has more than {MAX_PARAMETERS} parameters.")
    return Bound(sql="".join(out) + text[copied:], names=tuple(names), edits=tuple(edits))


def first_word(text: str) -> str:
    """The first keyword of a statement in lower case, after comments: tells COPY, which the wire treats apart."""
    position = 0
    while match := _FIRST.match(text, position):
        if match[2]:
            return match[2].lower()
        position = _comment_end(text, match.end()) if match[1] else match.end()
    return ""


def _end_of(match: re.Match[str], text: str) -> int:
    """Where scanning goes on after a match: dollar quotes and nested comments end at their own closing mark."""
    mark = match[0]
    if mark == "/*":
        return _comment_end(text, match.end())
    if mark.startswith("$") and mark.endswith("$"):
        closing = text.find(mark, match.end())
        return len(text) if closing < 0 else closing + len(mark)
    return match.end()


def _comment_end(text: str, position: int) -> int:
    depth = 1
    while depth and (edge := _COMMENT_EDGE.search(text, position)):
        depth += 1 if edge[0] == "/*" else -1
        position = edge.end()
    return len(text) if depth else position
