"""`:name` becomes a parameter; strings, casts, comments, dollar quotes and operators stay as they are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_govern_kernel.binds import bind_names, first_word
from jupyter_govern_kernel.options import UsageProblem

UNTOUCHED = [
    "select '12:30', 'a'':b'",
    "select E'it\\'s :x'",
    "select e'\\\\' as a, ':x'",
    "select U&':x \\0041'",
    "select a::text, b::int::text, 'x'::jsonb",
    'select ":x" from "a"":b"',
    "select 1 -- :x\n, 2",
    "select /* :x /* nested :y */ :z */ 1",
    "select $$ :x $$, $tag$ :y $$ :z $tag$",
    "do $body$ begin x := :y; end $body$",
    "call f(a := 1, b => 2)",
    "select a[1:2], a[lo:hi], a[f(x):hi]",
    "select j ? 'k', j ?| array['a'], j @> '{\"a\": 1}', j #>> '{a,b}'",
    "select '%' || 5 % 2, '%s'",
    "select 'unterminated :x",
    'select "unterminated :x',
    "select $q$ unterminated :x",
    "select /* unterminated :x",
    "select $1, $2",
    "select a$b$c, :1",
    "",
]


@pytest.mark.parametrize("text", UNTOUCHED)
def test_nothing_is_touched(text: str) -> None:
    bound = bind_names(text)
    assert (bound.sql, bound.names) == (text, ())


@pytest.mark.parametrize(
    ("text", "sql", "names"),
    [
        ("select :a", "select $1", ("a",)),
        ("select :a, :b, :a", "select $1, $2, $1", ("a", "b")),
        ("select :a::int", "select $1::int", ("a",)),
        ("where x=:x and y>:y_2", "where x=$1 and y>$2", ("x", "y_2")),
        ("in(:a,:b)", "in($1,$2)", ("a", "b")),
        ("array[:a, :b]", "array[$1, $2]", ("a", "b")),
        ("f(x := :x)", "f(x := $1)", ("x",)),
        ("j->:key ? :k", "j->$1 ? $2", ("key", "k")),
        ("':a' || :a || $$:a$$ -- :a", "':a' || $1 || $$:a$$ -- :a", ("a",)),
        ("a[\\:n]", "a[:n]", ()),
        ("E'\\'' || :a", "E'\\'' || $1", ("a",)),
        ("'\\' || :a || ''", "'\\' || $1 || ''", ("a",)),
        ("select :name_é", "select $1", ("name_é",)),
    ],
)
def test_names_become_parameters(text: str, sql: str, names: tuple[str, ...]) -> None:
    bound = bind_names(text)
    assert (bound.sql, bound.names) == (sql, names)


def test_mixing_with_numbered_parameters_is_refused() -> None:
    with pytest.raises(UsageProblem, match="mixes"):
        bind_names("select $1, :a")


def test_a_missing_variable_is_named() -> None:
    with pytest.raises(UsageProblem, match=r"no Python variable 'nope'"):
        bind_names("select :nope").values(dict[str, object]().__getitem__)
    assert bind_names("select :b, :a, :b").values({"a": 1, "b": None}.__getitem__) == [None, 1]


def test_positions_point_into_the_persons_text() -> None:
    text = "select :customer, :b, nope"
    bound = bind_names(text)
    assert bound.sql == "select $1, $2, nope"
    assert bound.original_position(bound.sql.index("nope") + 1) == text.index("nope") + 1
    assert bound.original_position(bound.sql.index("$2") + 1) == text.index(":b") + 1
    assert bound.original_position(bound.sql.index("$2") + 2) == text.index(":b") + 1
    assert bound.original_position(1) == 1
    assert bound.original_position(bound.sql.index(", $2") + 1) == text.index(", :b") + 1


@given(st.text(alphabet="ab1 :$'\"E\\-/*\n,[]():=?é", max_size=60))
def test_any_text_is_cut_into_the_same_pieces(text: str) -> None:
    """Whatever the text: undoing the replacements gives the person's text back."""
    try:
        bound = bind_names(text)
    except UsageProblem:
        return
    out, at, source = [], 0, 0
    for start, new, old in bound.edits:
        out.append(bound.sql[at:start])
        source += start - at
        out.append(text[source : source + old])
        source, at = source + old, start + new
    assert "".join(out) + bound.sql[at:] == text
    for position in range(1, len(bound.sql) + 1):
        assert 1 <= bound.original_position(position) <= len(text)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("COPY t to stdout", "copy"),
        (" -- x\n/* a /* b */ */ select", "select"),
        ("(select 1)", ""),
        ("", ""),
        ("/* open", ""),
        ("-- only", ""),
    ],
)
def test_first_word(text: str, word: str) -> None:
    assert first_word(text) == word
