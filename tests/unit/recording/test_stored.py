"""Stored forms of finished recordings: read as if nothing had been, verified without a key, and no change of a byte gets through."""

from __future__ import annotations

import base64
import io
import os
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jupyter_govern import stored
from jupyter_govern.config.recording import Recording
from jupyter_govern.errors import ConfigError
from jupyter_govern.recording import verdict_of
from jupyter_govern.stored import COMPRESSED, PART, SEALED, Unreadable, WrapKey, decrypted, encrypt, wrap_key
from jupyter_govern_gateway.recorder.objects import wanted_storage
from jupyter_govern_gateway.recorder.storage import Wanted

from .archive_rig import Place, file_of
from .test_archive import problems, stand_alone

OLD, NEW = WrapKey(b"o" * 32), WrapKey(b"n" * 32)
PACKED = Wanted(compressed=True)
SEALING = Wanted(key=OLD, keys={OLD.id: OLD})
ROTATED = Wanted(key=NEW, keys={OLD.id: OLD, NEW.id: NEW})


def stored_place(state: Path, wanted: Wanted) -> Place:
    place = Place(state, wanted=wanted)
    for name in ("s1", "s2"):
        if not list(place.recorder.directory.glob(f"*/*/*/{name}.*")):
            place.session(name)
    place.recorder.index.catch_up()
    return place


def original(place: Place, name: str) -> Path:
    return place.recorder.directory / "2027/01/15" / f"{name}.jsonl"


@pytest.mark.parametrize(("wanted", "form"), [(PACKED, COMPRESSED), (SEALING, SEALED)])
def test_a_stored_recording_is_read_and_verified_as_before(tmp_path: Path, wanted: Wanted, form: str) -> None:
    place = stored_place(tmp_path / "state", wanted)
    path = file_of(place.recorder.directory, "s1")
    data = path.read_bytes()
    place.session("s3", close=False)
    assert place.recorder.storage.turn() == 2 and place.recorder.storage.turn() == 0
    assert not path.exists() and path.with_name("s1" + form).stat().st_mode & 0o777 == 0o600
    with place.recorder.storage.open(path) as file:
        assert file.read() == data
    with place.recorder.storage.open(path) as file:
        assert verdict_of("s1", file).ok
    assert file_of(place.recorder.directory, "s3"), "an open one keeps its form"
    place.gate.close_session(place.last, "done")
    place.stop()
    assert problems(place.state) == [] and stand_alone(place.state).returncode == 0
    if form == SEALED:
        assert not any(b"select email" in each.read_bytes() for each in place.recorder.directory.glob(f"*/*/*/s1{form}"))


@pytest.mark.parametrize("wanted", [PACKED, SEALING])
def test_any_change_of_a_stored_file_is_found_with_the_public_key_alone(tmp_path: Path, wanted: Wanted) -> None:
    place = stored_place(tmp_path / "state", wanted)
    place.recorder.storage.turn()
    place.stop()
    (path,) = original(place, "s1").parent.glob("s1.jsonl.*")
    (other,) = original(place, "s2").parent.glob("s2.jsonl.*")
    data = path.read_bytes()
    flipped = [data[:at] + bytes([data[at] ^ 4]) + data[at + 1 :] for at in range(0, len(data), 41)]
    for changed in (*flipped, data[:-1], data + b"x", b"", other.read_bytes()):
        path.write_bytes(changed)
        assert problems(place.state)
    assert stand_alone(place.state).returncode == 1
    path.unlink()
    assert problems(place.state) and stand_alone(place.state).returncode == 1


def test_another_key_rewraps_and_leaves_the_rest_as_it_is(tmp_path: Path) -> None:
    place = stored_place(tmp_path / "state", SEALING)
    plain = file_of(place.recorder.directory, "s1").read_bytes()
    place.recorder.storage.turn()
    place.stop()
    file = original(place, "s1").with_name("s1" + SEALED)
    before = file.read_bytes()
    again = stored_place(place.state, ROTATED)
    assert again.recorder.storage.turn() == 2 and again.recorder.storage.turn() == 0
    after = file.read_bytes()
    assert after != before and after.split(b"\n", 1)[1] == before.split(b"\n", 1)[1]
    again.stop()
    assert problems(place.state) == [] and stand_alone(place.state).returncode == 0
    last = stored_place(place.state, Wanted(key=NEW, keys={NEW.id: NEW}))
    with last.recorder.storage.open(original(place, "s1")) as opened:
        assert opened.read() == plain
    last.stop()
    file.write_bytes(before)
    assert problems(place.state), "an older form is not what was stored last"
    lost = stored_place(place.state, Wanted(key=NEW, keys={NEW.id: NEW}))
    with lost.recorder.storage.open(original(place, "s1")) as opened, pytest.raises(Unreadable, match=OLD.id):
        opened.read()
    lost.stop()


@pytest.mark.parametrize("wanted", [PACKED, SEALING])
def test_an_index_that_is_made_anew_reads_stored_recordings(tmp_path: Path, wanted: Wanted) -> None:
    place = stored_place(tmp_path / "state", wanted)
    place.recorder.storage.turn()
    place.stop()
    for suffix in ("", "-wal", "-shm"):
        (place.state / f"index.sqlite{suffix}").unlink(missing_ok=True)
    again = Place(place.state, wanted=wanted)
    again.recorder.index_stored()
    assert [row["operations"] for row in again.recorder.index.sessions()] == [2, 2]
    assert again.recorder.index.select("select count(*) from operations", ()) == [(4,)]
    again.stop()


def test_what_cannot_be_stored_is_said_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = stored_place(tmp_path / "state", PACKED)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("jupyter_govern_gateway.recorder.storage.compress", full)
    assert place.recorder.storage.turn() == 0 and file_of(place.recorder.directory, "s1")
    assert b"recording not stored" in place.recorder.log.path.read_bytes()
    monkeypatch.undo()
    assert place.recorder.storage.turn() == 2
    place.stop()


def test_a_deletion_takes_the_stored_form(tmp_path: Path) -> None:
    place = stored_place(tmp_path / "state", SEALING)
    place.recorder.storage.turn()
    assert place.recorder.keeping.delete("s1", by="ben", reason="x") == ""
    assert not list(original(place, "s1").parent.glob("s1.*"))
    place.stop()
    assert problems(place.state) == []


# -- the encryption itself -------------------------------------------------------------------------------------------------


def sealed(data: bytes, name: str = "s1") -> bytes:
    out = io.BytesIO()
    encrypt(name, io.BytesIO(data), out, OLD)
    return out.getvalue()


def unsealed(data: bytes, name: str = "s1") -> bytes:
    return b"".join(decrypted(name, io.BytesIO(data), {OLD.id: OLD}))


@pytest.mark.parametrize("size", [0, 1, PART - 1, PART, PART + 1, 3 * PART])
def test_round_trip_and_cuts_between_parts(size: int) -> None:
    data = os.urandom(size)
    whole = sealed(data)
    assert unsealed(whole) == data
    head = whole.index(b"\n") + 1
    parts = [whole[at : at + PART + 16] for at in range(head, len(whole), PART + 16)]
    changed = [parts[:-1], [*parts, parts[0]], parts[1:], list(reversed(parts))] if len(parts) > 1 else [[], [*parts, *parts]]
    for each in changed:
        with pytest.raises(Unreadable):
            unsealed(whole[:head] + b"".join(each))
    with pytest.raises(Unreadable):
        unsealed(whole, "s2")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_changed_byte_gets_through(data: st.DataObject) -> None:
    whole = sealed(b"what was asked and what was answered" * 9)
    at = data.draw(st.integers(0, len(whole) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda b: b != whole[at]))
    try:
        got = unsealed(whole[:at] + bytes([byte]) + whole[at + 1 :])
    except Unreadable:
        return
    assert got == unsealed(whole)  # another way to write the same first line: the log's digest finds that


def test_a_long_recording_is_read_with_bounded_memory(tmp_path: Path) -> None:
    """64 MiB of lines through compression, encryption and back."""
    line = b'{"rows":"' + base64.b64encode(os.urandom(3000)) + b'"}\n'
    source, packed, locked = tmp_path / "a", tmp_path / "b", tmp_path / ("s1" + SEALED)
    count = (64 << 20) // len(line)
    with source.open("wb") as file:
        for _ in range(count):
            file.write(line)
    tracemalloc.start()
    with source.open("rb") as one, packed.open("wb") as two:
        stored.compress(one, two)
    with packed.open("rb") as one, locked.open("wb") as two:
        encrypt("s1", one, two, OLD)
    with stored.opened(locked.name, locked.open("rb"), {OLD.id: OLD}) as file:
        assert sum(each == line for each in file) == count
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 << 20, peak


def test_settings(tmp_path: Path) -> None:
    assert wanted_storage(Recording(), tmp_path).form == ".jsonl"
    (tmp_path / "k").write_text(base64.b64encode(b"k" * 32).decode() + "\n")
    (tmp_path / "short").write_text("c2VjcmV0")
    made = wanted_storage(Recording.model_validate({"encryption": {"key": {"file": "k"}}}), tmp_path)
    assert made.form == SEALED and list(made.keys) == [wrap_key(base64.b64encode(b"k" * 32).decode()).id]
    assert "kkkk" not in repr(made)
    with pytest.raises(ConfigError, match=r"encryption\.key.*32 bytes") as refused:
        wanted_storage(Recording.model_validate({"encryption": {"key": {"file": "short"}}}), tmp_path)
    assert "c2VjcmV0" not in str(refused.value)
