"""Which statements share a plan within a session: the same text with other literals, under the same policy, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from adapters.play import Play
from adapters.wire_fakes import compile_text


@pytest.fixture
def play(tmp_path: Path) -> Play:
    made = Play(tmp_path)
    made.looked_up = []  # type: ignore[attr-defined]

    def look_up(text: str, naming: Any) -> Any:
        made.looked_up.append(text)  # type: ignore[attr-defined]
        return replace(compile_text(text), spans=((0, 0),) if "shared" in text else None)

    made.door.look_up = look_up  # type: ignore[method-assign]
    return made


def find(play: Play, text: str) -> Any:
    plan = play.x.planner.find(text.encode())
    assert plan is not None and plan.text == text and plan.facts == compile_text(text).facts
    return plan


def test_other_literals_share_and_keep_their_own_text(play: Play) -> None:
    first, second = find(play, "select 1 from shared"), find(play, "select 22 from shared where a = 'x'")
    third = find(play, "select 33 from shared where a = 'it is encoding'")
    assert play.looked_up == ["select 1 from shared", "select 22 from shared where a = 'x'"]  # type: ignore[attr-defined]
    assert third.decision is second.decision is not None and third.sql == b"select 33 from shared where a = 'it is encoding'"
    assert third.unchanged and third.changes_session and not second.changes_session and first.sql == b"select 1 from shared"


def test_what_the_compiler_does_not_share_is_not_shared(play: Play) -> None:
    for text in ("select 1 from t", "select 2 from t", "select 1 from shared, execute", "select 2 from shared, execute"):
        find(play, text)
    assert len(play.looked_up) == 4  # type: ignore[attr-defined]
    masked = find(play, "select 1 from customers, shared")
    assert not masked.unchanged and find(play, "select 2 from customers, shared").sql != masked.sql, "what is spliced is its own"


def test_another_policy_shares_nothing_with_the_one_before(play: Play) -> None:
    find(play, "select 1 from shared")
    play.door.current = object()
    find(play, "select 2 from shared")
    play.x.planner.set_codec("latin-1")
    find(play, "select 3 from shared")
    assert len(play.looked_up) == 3  # type: ignore[attr-defined]
