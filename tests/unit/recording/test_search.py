"""What the index finds, and that it finds the same when it is made anew from the files."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_govern_gateway.recorder.index import SessionIndex, rebuild_index
from jupyter_govern_gateway.recorder.operations import Search, as_object, query

from .archive_rig import ALLOW, BEN, BLOCK, DROPS, READS, Place


def found(index: SessionIndex, **search: str) -> list[dict[str, Any]]:
    assert index.catch_up(10)
    return [as_object(row) for row in index.select(*query(Search(**search), None, 1000))]


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    state = tmp_path_factory.mktemp("search") / "state"
    place = Place(state)
    place.session("s1")
    place.session("s2", BEN, "stock", close=False)
    with pytest.raises(Exception, match="no"):
        place.gate.ask_now(place.operation("drop table orders cascade", DROPS, BEN, "stock"), BLOCK, place.last)
    place.gate.close_session(place.last, "done")
    place.stop()
    return state


def test_each_filter(state: Path) -> None:
    index = SessionIndex(state / "index.sqlite")
    rebuild_index(state / "recordings", index)
    everything = found(index)
    assert len(everything) == 5 and [each["at"] for each in everything] == sorted((each["at"] for each in everything), reverse=True)
    assert {each["session"] for each in found(index, actor="ana")} == {"s1"}
    assert len(found(index, target="stock")) == 3
    assert [each["effect"] for each in found(index, decision="block")] == ["block"]
    assert len(found(index, rule="reading is fine")) == 4 and len(found(index, rule="no drops")) == 1
    for name in ("customers", "public.customers", "customers.email", "public.customers.email"):
        assert len(found(index, touched=name)) == 4, name
    assert found(index, touched="customers.phone") == [] and found(index, touched="email") == []
    assert len(found(index, touched="orders.total")) == 1, "define may touch every column"
    assert len(found(index, kind="drop")) == 1
    assert len(found(index, text="DROP orders")) == 1 and len(found(index, text="cust*")) == 4 and found(index, text="drop customers") == []
    middle = everything[2]["at"]
    assert len(found(index, since=middle)) == 3 and len(found(index, until=middle)) == 2
    assert len(found(index, actor="ben", decision="allow", text="email", touched="customers.id")) == 2
    assert everything[-1]["rows"] == 1 and everything[-1]["tag"] == "SELECT 1" and everything[-1]["cell"]["notebook"] == "q.ipynb"
    assert index.sessions(notebook="q.ipynb")[0]["operations"] == 3
    index.close()


def test_made_anew_it_is_the_same(state: Path) -> None:
    index = SessionIndex(state / "index.sqlite")
    before, sessions = found(index), index.sessions()
    index.close()
    (state / "index.sqlite").unlink()
    again = SessionIndex(state / "index.sqlite")
    assert rebuild_index(state / "recordings", again) == 2
    assert found(again) == before and again.sessions() == sessions
    rebuild_index(state / "recordings", again)
    assert found(again) == before, "reading again adds nothing"
    again.close()


def test_an_index_of_an_older_version_is_made_anew(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "index.sqlite") as old:
        old.execute("create table sessions (id text)")
    old.close()
    place = Place(tmp_path)
    place.session("s1")
    assert len(found(place.recorder.index)) == 2
    place.stop()


def test_what_is_read_in_parts_is_whole(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.session("s1", statements=600, close=False)
    place.last.recording.progress()
    assert len(found(place.recorder.index)) == 600
    for number in range(100):
        place.gate.ask_now(place.operation(f"select {number} as more", READS), ALLOW, place.last)
        if number % 10 == 0:
            place.last.recording.progress()
    place.gate.close_session(place.last, "done")
    assert len(found(place.recorder.index)) == 700 and len(found(place.recorder.index, text="more")) == 100
    assert place.recorder.index.sessions()[0]["operations"] == 700
    place.stop()


@given(text=st.text(max_size=40))
def test_no_words_are_a_query(state: Path, text: str) -> None:
    database = sqlite3.connect(state / "index.sqlite")
    try:
        database.execute(*query(Search(text=text.encode("utf-8", "replace").decode()), None, 10)).fetchall()
    finally:
        database.close()


def test_pages_meet(state: Path) -> None:
    index = SessionIndex(state / "index.sqlite")
    everything, pages, after = found(index), [], None
    while rows := [as_object(row) for row in index.select(*query(Search(), after, 2))]:
        pages += rows
        after = (rows[-1]["at"], rows[-1]["session"], rows[-1]["seq"])
    assert pages == everything
    index.close()


async def test_how_it_ended_is_found_without_a_further_operation(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.session("s1", close=False, statements=0)
    permit = place.gate.ask_now(place.operation("select 1"), ALLOW, place.last)
    await asyncio.sleep(0.15)
    assert found(place.recorder.index)[0]["rows"] is None
    permit.finish(tag="SELECT 7", rows=7, bytes_=1, error=None)  # type: ignore[union-attr]
    await asyncio.sleep(0.15)
    assert found(place.recorder.index)[0]["rows"] == 7
    place.stop()
