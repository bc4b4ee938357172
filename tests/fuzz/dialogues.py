"""What clients and targets may say: whole messages in any order, in any pieces, some of them damaged. Strategies only."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

from adapters import play
from hypothesis import strategies as st

from jupyter_govern_gateway.codecs.postgresql.frames import frame
from jupyter_govern_gateway.codecs.postgresql.startup import cancel_request, ssl_request, startup_message

TEXTS: Final = (
    "select 1", "select email from customers", "drop table t", "table t", "copy t to stdout", "copy t from stdin", "begin", "commit",
    "PREPARE p AS select 1", "EXECUTE p", "SET govern.cell TO '{}'", "SET search_path TO x", "syntax error", "unreadable", "", "fetch all",
    "set client_encoding to 'latin1'", "set names 'sjis'",
)  # fmt: skip
NAMES: Final = st.sampled_from(("", "s", "p", "q"))
text = st.sampled_from(TEXTS)
values = st.lists(st.one_of(st.none(), st.binary(max_size=20)), max_size=3)

client_message = st.one_of(
    text.map(play.query),
    st.builds(play.parse, text, NAMES),
    st.builds(lambda s, p, v: play.bind(s, p, *v), NAMES, NAMES, values),
    st.builds(play.describe, st.sampled_from("SP"), NAMES),
    st.builds(play.execute, NAMES, st.integers(-1, 3)),
    st.builds(play.close, st.sampled_from("SP"), NAMES),
    st.sampled_from((play.SYNC, frame(ord("H")), frame(ord("c")), frame(ord("f"), b"no\0"), frame(ord("d"), b"1\tx\n"), frame(ord("X")))),
    st.binary(max_size=12).map(lambda body: frame(ord("F"), body)),
)
target_message = st.one_of(
    st.sampled_from((
        play.PARSED, play.BOUND, play.NO_PARAMETERS, play.ready(), play.failed(), play.columns("n"), play.columns("email"),
        play.complete("SELECT 1"), play.complete("COPY 1"), frame(ord("I")), frame(ord("s")), frame(ord("n")), frame(ord("3")),
        frame(ord("G"), b"\0\0\1\0\0"), frame(ord("H"), b"\0\0\1\0\0"), frame(ord("c")), frame(ord("d"), b"1\tx\n"),
        frame(ord("S"), b"client_encoding\0SJIS\0"), frame(ord("S"), b"search_path\0x\0"), frame(ord("A"), b"\0\0\0\1c\0p\0"),
        frame(ord("N"), b"SNOTICE\0C00000\0Mhello\0\0"), frame(ord("V"), b"\0\0\0\1x"), frame(ord("W"), b"\0\0\0"),
        frame(ord("R"), b"\0\0\0\0"),
    )),
    st.binary(max_size=30).map(play.row),
)  # fmt: skip
first_packet = st.one_of(
    st.just(ssl_request()),
    st.just(b"\0\0\0\x08\x04\xd2\x16\x30"),
    st.builds(cancel_request, st.integers(0, 2**31 - 1), st.binary(min_size=4, max_size=300)),
    st.builds(
        startup_message,
        st.dictionaries(st.sampled_from(("user", "database", "options", "replication", "_pq_.x")), st.text("ab -c=", max_size=9)),
        st.sampled_from((3 << 16, 3 << 16 | 2, 3 << 16 | 9, 2 << 16)),
    ),
    st.binary(max_size=60),
)


@st.composite
def damaged(draw: st.DrawFn, whole: st.SearchStrategy[bytes]) -> bytes:
    """The message, in one of three cases with a byte changed, lost, doubled or its length wrong."""
    data = bytearray(draw(whole))
    if data and draw(st.integers(0, 2)) == 0:
        at = draw(st.integers(0, len(data) - 1))
        match draw(st.sampled_from(("change", "lose", "double", "length"))):
            case "change":
                data[at] = draw(st.integers(0, 255))
            case "lose":
                del data[at]
            case "double":
                data[at:at] = data[at : at + 4]
            case _:
                data[1:5] = draw(st.sampled_from((0, 3, 4, 2**16, 2**31 - 1, 2**32 - 1))).to_bytes(4, "big")
    return bytes(data)


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    """The same bytes in pieces."""
    points = sorted({cut % (len(data) + 1) for cut in cuts} | {0, len(data)})
    return [data[a:b] for a, b in pairwise(points)]


cuts = st.lists(st.integers(0, 4000), max_size=12)
sound_turn = st.one_of(
    st.tuples(st.just("client"), st.lists(client_message, min_size=1, max_size=4).map(b"".join), cuts),
    st.tuples(st.just("target"), st.lists(target_message, min_size=1, max_size=4).map(b"".join), cuts),
)
damaged_turn = st.one_of(
    st.tuples(st.just("client"), damaged(st.lists(client_message, min_size=1, max_size=4).map(b"".join)), cuts),
    st.tuples(st.just("target"), damaged(st.lists(target_message, min_size=1, max_size=4).map(b"".join)), cuts),
)
dialogue = st.lists(st.one_of(sound_turn, damaged_turn), min_size=1, max_size=8)
