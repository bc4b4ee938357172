"""No quiet change: any edit, cut, swap or loss in a recording fails `verify`."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_govern.errors import RecordingFailed
from jupyter_govern.recording import verify, verify_lines
from jupyter_govern_gateway.recorder.chain import Chain
from jupyter_govern_gateway.recorder.recover import close_interrupted, mend


def sample(folder: Path, entries: int = 6) -> bytes:
    chain = Chain(folder / "s1.jsonl", lambda: 1_800_000_000.0)
    for number in range(entries):
        chain.append("note", {"about": "wörds", "number": number})
    chain.append("session-close", {"reason": "end", "operations": entries})
    chain.close()
    return (folder / "s1.jsonl").read_bytes()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return sample(tmp_path_factory.mktemp("whole"))


def test_a_whole_recording_verifies(whole: bytes) -> None:
    verdict = verify_lines("s1", whole)
    assert verdict.ok and verdict.complete and verdict.entries == 7
    assert not verify_lines("s2", whole).ok, "a recording under another name is another recording"


@settings(max_examples=300)
@given(data=st.data())
def test_any_single_byte_change_is_seen(whole: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(whole) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda b: b != whole[at]))
    assert not verify_lines("s1", whole[:at] + bytes([byte]) + whole[at + 1 :]).ok


@settings(max_examples=200)
@given(at=st.integers(1, 10_000))
def test_any_truncation_is_seen(whole: bytes, at: int) -> None:
    cut = whole[: at % len(whole)]
    verdict = verify_lines("s1", cut)
    assert not verdict.ok or not verdict.complete


@given(first=st.integers(0, 6), second=st.integers(0, 6))
def test_any_swap_or_deletion_is_seen(whole: bytes, first: int, second: int) -> None:
    lines = whole.splitlines(keepends=True)
    if first != second:
        swapped = list(lines)
        swapped[first], swapped[second] = lines[second], lines[first]
        assert not verify_lines("s1", b"".join(swapped)).ok
    fewer = b"".join(line for number, line in enumerate(lines) if number != first)
    verdict = verify_lines("s1", fewer)
    assert not verdict.ok or not verdict.complete


@given(tail=st.integers(0, 400))
def test_a_crash_at_any_byte_leaves_a_recording_that_is_closed_as_interrupted(
    tmp_path_factory: pytest.TempPathFactory, whole: bytes, tail: int
) -> None:
    folder = tmp_path_factory.mktemp("crash")
    path = folder / "2026" / "11" / "24" / "s1.jsonl"
    path.parent.mkdir(parents=True)
    kept = whole[: max(1, len(whole) - tail)]
    path.write_bytes(kept)
    close_interrupted(folder, lambda: 1_800_000_001.0)
    verdict = verify(path)
    assert verdict.ok and verdict.complete, verdict.problem
    assert path.read_bytes().startswith(kept[: kept.rfind(b"\n") + 1]), "what was whole before is still there"


def test_a_broken_chain_is_never_mended(tmp_path: Path, whole: bytes) -> None:
    path = tmp_path / "s1.jsonl"
    path.write_bytes(whole.replace(b'"number":2', b'"number":9'))
    assert "was edited" in mend(path).problem
    assert not verify(path).ok


def test_after_a_failed_write_everything_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chain = Chain(tmp_path / "s1.jsonl", lambda: 1.0)
    chain.append("note", {})

    def full(descriptor: int, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        with pytest.raises(RecordingFailed, match="No space left"):
            chain.append("note", {})
    with pytest.raises(RecordingFailed):
        chain.append("note", {})


def test_a_write_in_part_is_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chain = Chain(tmp_path / "s1.jsonl", lambda: 1.0)
    real = os.write
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", lambda descriptor, data: real(descriptor, data[: len(data) // 2]))
        with pytest.raises(RecordingFailed, match="disk is full"):
            chain.append("note", {})
    with pytest.raises(RecordingFailed):
        chain.append("note", {})


def test_no_folder_no_recording(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RecordingFailed):
        Chain(tmp_path / "file" / "s1.jsonl", lambda: 1.0)
