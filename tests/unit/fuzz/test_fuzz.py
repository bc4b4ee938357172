"""A small budget of it in every run of the unit tests, and the corpus."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz import checks, dialogues
from tests.fuzz.corpus import entries

QUICK = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@QUICK
@given(dialogues.dialogue)
def test_sessions(turns: list[tuple[str, bytes, list[int]]]) -> None:
    checks.session(turns)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200))
def test_readers(data: bytes) -> None:
    checks.readers(data)


@QUICK
@given(st.binary(max_size=80), st.binary(max_size=80), st.booleans())
def test_scram(data: bytes, more: bytes, is_bound: bool) -> None:
    checks.scram(data, more, is_bound=is_bound)


@QUICK
@given(st.lists(dialogues.first_packet, max_size=4), st.lists(st.binary(max_size=80), max_size=3), st.booleans())
def test_arrivals(packets: list[bytes], passwords: list[bytes], sees_tls: bool) -> None:
    checks.arrival(packets, passwords, sees_tls=sees_tls)


@pytest.mark.parametrize("name", sorted(entries()))
def test_the_corpus(name: str) -> None:
    checks.session(entries()[name])


def test_the_corpus_is_there() -> None:
    assert len(entries()) >= 5
