"""An installation's own patterns."""

from __future__ import annotations

import pytest

from jupyter_govern_gateway.detect.scanner import Scanner


@pytest.mark.parametrize("pattern", ["", "a*", "(?:x|)", r"\b", "^", "(?=abc)", "a{0,3}", "(", "[z-a]"])
def test_a_pattern_that_can_match_nothing_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="pattern 'mine'"):
        Scanner([], {"mine": pattern})


def test_a_name_may_not_be_taken() -> None:
    with pytest.raises(ValueError, match="a detector has this name already: card"):
        Scanner([], {"card": "x"})


@pytest.mark.parametrize("at", [0, 1, 55, 60, 63, 64, 65, 127, 1000])
def test_the_whole_match_is_hidden_wherever_it_stands(at: int) -> None:
    scanner = Scanner([], {"order": "ORD-[0-9]{6}"})
    assert scanner.hide(b" " * at + b"ORD-123456 ORD-1") == b" " * at + b"********** ORD-1"


def test_a_match_may_be_long() -> None:
    data = b"<" + b"y" * 5000
    assert Scanner([], {"run": "y+"}).hide(data) == b"<" + b"*" * 5000


def test_escapes_are_seen_through() -> None:
    scanner = Scanner([], {"order": "ORD-[0-9]{4}"})
    for before in range(70):
        data = b" " * before + rb"OR\u0044-12\u00334."
        assert scanner.hide(data) == b" " * before + b"*" * 18 + b"."


def test_a_pattern_with_context() -> None:
    scanner = Scanner([], {"word": r"(?<=id )\bsecret$"})
    assert scanner.hide(b"id secret") == b"id ******"
    assert scanner.may_hold(b"id secrets")  # a part of it ends after the t
