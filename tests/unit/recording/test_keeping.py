"""Holds, deletion with a tombstone, retention: what verification accepts, and what it does not."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from jupyter_govern.archive import verify_folder
from jupyter_govern.recording import read_entries
from jupyter_govern.signatures import read_keys
from jupyter_govern.stored import forms_of

from .archive_rig import ALLOW, BEN, Place, file_of, rehashed
from .test_archive import problems, stand_alone


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = Place(tmp_path / "state")
    made.session("s1")
    made.session("s2", BEN, "stock")
    made.session("s3")
    made.recorder.index.catch_up()
    return made


def events(place: Place, *, about: str = "session") -> list[tuple[str, str, str]]:
    entries = read_entries(place.recorder.log.path)
    return [(e["event"], e["session"], e["by"]) for e in entries if e["type"] == about and "by" in e]


def test_a_deletion_leaves_a_signed_tombstone_and_nothing_else(place: Place) -> None:
    keeping, index = place.recorder.keeping, place.recorder.index
    path = file_of(place.recorder.directory, "s1")
    assert keeping.delete("s1", by="ben", reason="asked for") == ""
    assert not path.exists() and index.session("s1") is None
    assert index.select("select count(*) from operations where session = 's1'", ()) == [(0,)]
    assert index.select("select count(*) from names", ()) != [(0,)]
    tomb = [entry for entry in read_entries(place.recorder.log.path) if entry.get("event") == "deleted"][0]
    assert (tomb["actor"], tomb["target"], tomb["operations"], tomb["reason"]) == ("ana", "shop", 2, "asked for") and tomb["head"]
    place.stop()
    report = verify_folder(place.recorder.directory, read_keys([place.state / "signing.pub"]))
    assert report.ok and report.deleted == 1 and report.sessions == 2
    assert stand_alone(place.state).returncode == 0
    file_of(place.recorder.directory, "s3").unlink()
    assert problems(place.state) and stand_alone(place.state).returncode == 1


def test_words_of_what_was_deleted_are_not_in_the_index_any_more(place: Place) -> None:
    session = place.gate.open_session(identifier="s9", actor=BEN, target="stock", protocol="postgresql", client="t", token=place.last.token)
    place.last = session
    place.gate.ask_now(place.operation("select 'zanzibarium'", actor=BEN, target="stock"), ALLOW, session)
    place.gate.close_session(session, "done")
    place.recorder.index.catch_up()
    assert place.recorder.index.select("select count(*) from statements where statements match 'zanzibarium'", ()) == [(1,)]
    assert place.recorder.keeping.delete("s9", by="ben", reason="gone") == ""
    assert place.recorder.index.session("s9") is None
    place.stop()
    for file in place.state.rglob("*"):
        assert not file.is_file() or b"zanzibarium" not in file.read_bytes(), file


def test_a_tombstone_without_the_key_is_worth_nothing(place: Place) -> None:
    place.stop()
    log = place.recorder.directory / "gateway.jsonl"
    tomb = {"v": 1, "at": "2027-01-15T08:00:00.000000Z", "type": "session", "event": "deleted", "session": "s1", "by": "x", "reason": "y"}
    rehashed(log, lambda entries: [*entries, tomb])
    file_of(place.recorder.directory, "s1").unlink()
    assert any("tombstone is not signed" in problem for problem in problems(place.state))
    assert stand_alone(place.state).returncode == 1


def test_a_hold_keeps_what_retention_and_people_would_delete_and_lives_on_after_a_restart(place: Place) -> None:
    keeping = place.recorder.keeping
    assert keeping.hold("s1", by="ben", reason="the court") == "" and keeping.hold("none", by="ben", reason="") == "unknown"
    assert keeping.delete("s1", by="ben", reason="") == "held" and keeping.held() == ["s1"]
    place.stop()
    again = Place(place.state, start=place.now + 90 * 86400)
    keeping = again.recorder.keeping
    assert keeping.held() == ["s1"]
    assert keeping.expire({"shop": 30, "stock": 0}.__getitem__) == 1
    assert [session for _, session, by in events(again) if by == "retention"] == ["s3"]
    assert {path.stem for path in again.recorder.directory.glob("*/*/*/*.jsonl")} == {"s1", "s2"}
    assert keeping.release("s1", by="ben", reason="over") == "" and keeping.release("s1", by="ben", reason="") == "not-held"
    assert keeping.expire({"shop": 30, "stock": 0}.__getitem__) == 1
    assert [(what, session) for what, session, _ in events(again)] == [
        ("hold", "s1"), ("deleted", "s3"), ("release", "s1"), ("deleted", "s1"),
    ]  # fmt: skip
    again.stop()
    assert problems(again.state) == [] and stand_alone(again.state).returncode == 0


def test_what_is_open_or_young_stays(place: Place) -> None:
    place.session("s4", close=False)
    assert place.recorder.keeping.delete("s4", by="ben", reason="") == "open"
    assert place.recorder.keeping.expire(lambda target: 1) == 0
    place.stop()


def test_a_crash_behind_the_tombstone_is_finished_at_the_next_start(place: Place) -> None:
    path = file_of(place.recorder.directory, "s1")
    data = path.read_bytes()
    place.recorder.keeping.delete("s1", by="ben", reason="asked for")
    place.stop()
    path.write_bytes(data)
    assert problems(place.state) == [], "the recording is still good"
    again = Place(place.state)
    assert not path.exists() and again.recorder.index.session("s1") is None
    again.stop()
    assert problems(place.state) == []
    assert json.loads((again.recorder.directory / "gateway.head").read_bytes())["log"] == "gateway"


def test_what_is_deleted_while_it_is_stored_does_not_come_back(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    storage, keeping = place.recorder.storage, place.recorder.keeping
    storage._wanted = replace(storage._wanted, compressed=True)
    path, said = file_of(place.recorder.directory, "s1"), storage._say
    deleting = threading.Thread(target=lambda: keeping.delete("s1", by="ben", reason="asked for"))

    def say(session: str, *rest: Any) -> None:
        said(session, *rest)
        if session == "s1":
            deleting.start()
            deleting.join(0.5)

    monkeypatch.setattr(storage, "_say", say)
    assert storage.turn() >= 1
    deleting.join(10)
    assert not deleting.is_alive() and not list(forms_of(path))
    with pytest.raises(FileNotFoundError):
        storage.open(path)
