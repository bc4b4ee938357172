"""The normal form against a plain reading of the same rules, piece by piece, on random texts."""

from __future__ import annotations

import re

from hypothesis import example, given, settings
from hypothesis import strategies as st

from jupyter_govern_gateway.sql.normal import Normal, normal

W = r"A-Za-z0-9_\x80-\U0010ffff"
UNSURE = re.compile(r"--|/\*|\\|\$(?![0-9])|[Uu]&|[\x00\x01\x02]")
PIECE = re.compile(rf"""("[^"]*")|((?<![{W}$])'[^']*')|((?<![{W}$.])[0-9]+(?:\.[0-9]+)?(?![{W}$.]))|[{W}][{W}$.]*|(["'])""")
PARTS = st.sampled_from(
    [
        "select",
        " ",
        "a",
        "1",
        "12",
        "1.5",
        ".",
        "e5",
        "'",
        '"',
        "''",
        "'x'",
        '"n"',
        "$1",
        "$",
        "é",
        "E",
        "u",
        "U",
        "&",
        "-",
        "*",
        "/",
        "(",
        ",",
        "_",
        ";",
        "\\",
        "\x01",
        "𝒳",
    ]
)


def by_pieces(text: str) -> Normal | None:
    if UNSURE.search(text):
        return None
    out, spans, at = [], [], 0
    for piece in PIECE.finditer(text):
        which = piece.lastindex
        if which is None or which == 1:
            continue
        if which == 4:
            return None
        start, stop = piece.span()
        out += (text[at:start], "\x01" if which == 2 else "\x02")
        at = stop
        spans.append((len(text[:start].encode()), len(text[:stop].encode())))
    if not spans:
        return None
    out.append(text[at:])
    return Normal("".join(out), tuple(spans))


@settings(max_examples=2000)
@given(st.lists(PARTS, max_size=16).map("".join))
@example("select a from t where b = 5 and c='x' and \"d 1\" = 1.5.2 or 1e5 > 2")
@example("select E'x' from t1 where a$1 = 3")
@example("select 'open")
def test_it_reads_what_a_plain_reading_reads(text: str) -> None:
    assert normal(text) == by_pieces(text)


def test_a_long_text_without_literals_is_read_once() -> None:
    import time

    began = time.perf_counter()
    assert normal("select " + "a, " * 5000 + "b") is None
    assert time.perf_counter() - began < 0.5
