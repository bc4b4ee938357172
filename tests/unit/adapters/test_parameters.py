from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_govern_gateway.adapters.postgresql.parameters import read_options, read_wishes, split_options
from jupyter_govern_gateway.adapters.postgresql.startup import Turned


def wishes(**parameters: str) -> object:
    return read_wishes({"user": "ana", **parameters})


def test_the_database_is_the_target_and_the_user_stands_in_for_it() -> None:
    assert read_wishes({"user": "ana", "database": "shop"}).database == "shop"
    assert read_wishes({"user": "ana"}).database == "ana"


def test_settings_are_judged_as_statements() -> None:
    found = read_wishes({"user": "ana", "TimeZone": "O'Brien", "options": "-c statement_timeout=5s --lock-timeout=3"})
    ours = {"client_encoding": "UTF8", "standard_conforming_strings": "on"}
    assert found.settings == {"timezone": "O'Brien", "statement_timeout": "5s", "lock_timeout": "3", **ours}
    assert "SET \"timezone\" TO 'O''Brien'" in found.statements


def test_search_path_is_a_list() -> None:
    found = read_wishes({"user": "ana", "search_path": 'archive, "Odd ""one"""'})
    assert found.search_path == ("archive", 'Odd "one"')
    assert 'SET "search_path" TO "archive", "Odd ""one"""' in found.statements


def test_a_kernel_says_so() -> None:
    assert read_wishes({"user": "ana", "options": "-c govern.client=kernel"}).is_kernel
    assert not read_wishes({"user": "ana"}).is_kernel


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"govern.hash_key": "x"}, "42501"),
        ({"options": "-c govern.hash_key=x"}, "42501"),
        ({"options": "-c GOVERN.hash_key=x"}, "42501"),
        ({"role": "postgres"}, "42501"),
        ({"options": "-c session_authorization=postgres"}, "42501"),
        ({"options": "-c session-authorization=postgres"}, "42501"),
        ({"replication": "database"}, "0A000"),
        ({"replication": "TRUE"}, "0A000"),
        ({"client_encoding": "SJIS"}, "0A000"),
        ({"options": "-d 5"}, "42601"),
        ({"options": "-c nothing"}, "42601"),
        ({"odd name": "x"}, "42704"),
        ({'a"; drop table t; --': "x"}, "42704"),
        ({"search_path": '"open'}, "22023"),
    ],
)
def test_what_no_session_may_have(parameters: dict[str, str], code: str) -> None:
    with pytest.raises(Turned) as caught:
        wishes(**parameters)
    assert caught.value.code == code


def test_options_as_a_command_line() -> None:
    assert read_options(r"-c application_name=my\ app  -cjit=off --enable-sort=off") == [
        ("application_name", "my app"),
        ("jit", "off"),
        ("enable_sort", "off"),
    ]


@given(st.lists(st.text(st.characters(exclude_characters="\0"), min_size=1), max_size=6))
def test_escaped_words_come_back(words: list[str]) -> None:
    written = " ".join("".join("\\" + c for c in word) for word in words)
    assert split_options(written) == words
