"""Where a raw buffer must be looked at: never past something that is there."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from jupyter_govern_gateway.detect.scanner import Scanner

SCANNER = Scanner(["card", "email"])
PIECES = st.sampled_from(
    [
        b"4111111111111111",
        b"4111 1111 1111 1111",
        b"4111-1111-1111-1111",
        b"ana@example.com",
        b"4111.1111.1111.1111",
        b"4.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1",
        b"4111\\n1111\\n1111\\n1111",
        ("\uff14" + "\uff11" * 15).encode(),
        "\u200d".join("4111111111111111").encode(),
        "4111\u20111111\u20111111\u20111111".encode(),
        "ana\uff20example.com".encode(),
        b"1",
        b"22 ",
        b"-",
        b"x",
        b"2026-11-24 16:30",
        b"",
    ]
)


@given(st.lists(st.lists(PIECES, max_size=4).map(b"".join), max_size=8))
def test_a_row_without_a_place_holds_nothing(values: list[bytes]) -> None:
    rows = [b"D\0\0\0\x20\0\x01" + len(value).to_bytes(4, "big") + value for value in values]
    block = b"".join(rows)
    places = SCANNER.places(block)
    assert places is not None
    at = 0
    for row, value in zip(rows, values, strict=True):
        if SCANNER.hide(value) is not value:
            assert any(at <= place < at + len(row) for place in places)
        at += len(row)


def test_anywhere_where_it_cannot_be_told() -> None:
    assert Scanner(["key"]).places(b"") is None
    assert SCANNER.places(b"a\\u0040b") is None
