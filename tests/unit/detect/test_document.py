"""JSON documents stay documents."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detect.texts import BLOCK, EVERYTHING, TOKEN
from jupyter_govern_gateway.detect.scanner import Scanner

VALUES = [
    "john@x.com", "hi\njohn@x.com", '"john doe"@x.com', "@b.com", "josé@x.de", "\\bob@x.com", "4111 1111 1111 1111", 4111111111111111,
    5500000000000004, BLOCK.decode(), TOKEN.decode(), "DE89 3704 0044 0532 0130 00", "+49 151 12345678", "C:\\new\\4111111111111111",
]  # fmt: skip
NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
LEAVES: st.SearchStrategy[Any] = st.none() | st.booleans() | NUMBERS | st.text(max_size=12) | st.sampled_from(VALUES)
DOCUMENTS: st.SearchStrategy[Any] = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=5) | st.just("john@x.com"), inner, max_size=5)
)


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        (b"4111111111111111", b"4111110000001111"),
        (b'{"a":4111111111111111,"b":"4111111111111111"}', b'{"a":4111110000001111,"b":"411111******1111"}'),
        (b"[0.4111111111111111, 4111111111111111.5]", b"[0.4111111111111111, 4111110000001111.5]"),
        (b'["a",1,"@b.com"]', b'["a",1,"@b.com"]'),
        (b'["4111111111111111', b'["411111******1111'),
    ],
)
def test_numbers_stay_numbers(text: bytes, hidden: bytes) -> None:
    assert Scanner(["card", "email"]).hide(text, json=True) == hidden


def test_an_own_pattern_leaves_the_frame_and_leading_digits_valid() -> None:
    scanner = Scanner([], {"mine": '41[0-9]+, "a": "b"'})
    assert scanner.hide(b'{"n": 4111, "a": "b"}', json=True) == b'{"n": 1000, "*": "*"}'


@given(DOCUMENTS, st.booleans(), st.booleans())
def test_a_document_stays_one(document: Any, ascii_only: bool, twice: bool) -> None:
    text = json.dumps(document, ensure_ascii=ascii_only)
    text = json.dumps(text, ensure_ascii=ascii_only) if twice else text
    hidden = EVERYTHING.hide(text.encode("utf-8", "surrogatepass"), json=True)
    json.loads(hidden.decode("utf-8", "surrogatepass"))
    assert EVERYTHING.hide(hidden, json=True) == hidden
