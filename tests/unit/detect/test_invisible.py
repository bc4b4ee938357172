"""Characters that show nothing, between the digits of a card: as they are, and as JSON escapes in either case."""

from __future__ import annotations

import re

import pytest

from jupyter_govern_gateway.detect.scanner import Scanner

CARD = "4111111111111111"


@pytest.mark.parametrize("character", "\u00ad\u034f\u061c\u180e\u200b\u2066\u3164\ufe0f\U0001d173\U000e0101")
def test_a_card_with_invisible_characters_between_its_digits(character: str) -> None:
    units = character.encode("utf-16-be").hex()
    escape = "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))
    upper = escape.upper().replace("\\U", "\\u")
    for between in (character, character * 3, escape, upper):
        hidden = Scanner(["card"]).hide(between.join(CARD).encode()).decode()
        assert re.fullmatch(r"411111\*+1111", re.sub(r"\\u[0-9a-fA-F]{4}|[^0-9*]", "", hidden))
