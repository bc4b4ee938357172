"""Properties of our HTML: no text breaks out of it, and no character of a statement stays unseen."""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from jupyter_govern.characters import is_odd, spelled
from jupyter_govern_gateway.api.pages.markup import Safe, markup, visible


class Reader(HTMLParser):
    """What a browser would make of it."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


@given(st.text(max_size=200))
def test_values_become_text_and_nothing_else(text: str) -> None:
    reader = Reader()
    reader.feed(markup('<p title="{text}">{text}</p>', text=text))
    reader.close()
    assert reader.tags == ["p"]
    assert html.unescape(reader.text) == html.unescape(html.escape(text))


@given(st.text(max_size=200))
def test_a_statement_shows_every_character_or_spells_it(text: str) -> None:
    shown = visible(text)
    assert not any(is_odd(character) for character in shown)
    bare = re.sub(r'<span class="odd" title="[^"]*">U\+([0-9A-F]+)</span>', lambda m: chr(int(m[1], 16)), shown)
    assert html.unescape(bare) == text or "&" in text
    assert "<" not in bare and ">" not in bare


@given(st.text(max_size=200))
def test_nothing_on_a_terminal_but_what_it_shows(text: str) -> None:
    assert not any(is_odd(character) for character in spelled(text))


def test_the_usual_suspects_are_odd() -> None:
    for character in "\x00\x07\x1b\r\x7f\x9b\u00a0\u00ad\u200b\u200d\u200e\u202a\u202e\u2066\u2028\u3000\ufeff\ue000\U000e0041":
        assert is_odd(character), hex(ord(character))
    for character in "aZ~ \n\täß漢😀'\"<&":
        assert not is_odd(character), character


def test_safe_pieces_stay_and_braces_are_no_template() -> None:
    assert markup("<b>{x}</b>", x=Safe("<i>1</i>")) == "<b><i>1</i></b>"
    assert markup("<b>{x}</b>", x="{y} {0} {x.__class__}") == "<b>{y} {0} {x.__class__}</b>"
