"""Acceptance 2 of recordings: every single-byte change, truncation, swap and removal in a sample set is found with public keys only.

Every entry, every pair of entries, every segment, every file; of bytes and cuts every seventh, and all of them by `make tamper`.
"""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_govern.archive import verify_folder
from jupyter_govern.signatures import Keys, read_keys

from .archive_rig import Place

STRIDE = int(os.environ.get("TAMPER_STRIDE", "7"))


class Sample:
    """A small folder of recordings, and a way to look at it with one file changed."""

    def __init__(self, folder: Path, keys: Keys) -> None:
        self.folder, self.keys = folder, keys
        self.files = sorted(path for path in folder.rglob("*") if path.is_file())
        self.content = {path: path.read_bytes() for path in self.files}

    def is_noticed(self, path: Path, data: bytes | None) -> bool:
        """Whether this content (None: no file) in the place of what was written is found; puts things back."""
        try:
            path.unlink() if data is None else path.write_bytes(data)
            return not verify_folder(self.folder, self.keys).ok
        finally:
            path.write_bytes(self.content[path])

    def lines(self) -> Iterator[tuple[Path, list[bytes]]]:
        for path in self.files:
            yield path, self.content[path].splitlines(keepends=True)


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    state = tmp_path_factory.mktemp("sample") / "state"
    place = Place(state)
    place.recorder.log.write("gateway", event="started")
    place.session("s1", statements=1)
    place.session("s2", statements=1)
    place.stop()
    made = Sample(state / "recordings", read_keys([state / "signing.pub"]))
    assert len(made.files) == 4 and verify_folder(made.folder, made.keys).ok
    return made


def test_every_single_byte_change_is_found(sample: Sample) -> None:
    missed = []
    for path in sample.files:
        data = sample.content[path]
        for at in range(0, len(data), STRIDE):
            # one bit of each byte, all eight in turn, and every third byte becomes a line break or blank instead
            byte = data[at] ^ (1 << at % 8) if at % 3 or data[at] in b"\n\r " else b"\n\r "[at % 9 // 3]
            if not sample.is_noticed(path, data[:at] + bytes([byte]) + data[at + 1 :]):
                missed.append((path.name, at, byte))
    assert missed == []


def test_a_line_feed_that_becomes_another_blank_is_found(sample: Sample) -> None:
    for path in sample.files:
        data = sample.content[path]
        for at in (at for at, byte in enumerate(data) if byte == 10):
            for byte in b"\r\t \x0b\x0c\x1c\x85":
                assert sample.is_noticed(path, data[:at] + bytes([byte]) + data[at + 1 :]), (path.name, at, byte)


def test_every_truncation_is_found(sample: Sample) -> None:
    cuts = [(path, at) for path in sample.files for at in range(0, len(sample.content[path]), STRIDE)]
    missed = [(path.name, at) for path, at in cuts if not sample.is_noticed(path, sample.content[path][:at])]
    assert missed == []


def test_every_removal_of_an_entry_is_found(sample: Sample) -> None:
    for path, lines in sample.lines():
        for at in range(len(lines)):
            assert sample.is_noticed(path, b"".join(lines[:at] + lines[at + 1 :])), (path.name, at)


def test_every_swap_and_every_repetition_of_entries_is_found(sample: Sample) -> None:
    for path, lines in sample.lines():
        for one, two in itertools.combinations(range(len(lines)), 2):
            swapped = list(lines)
            swapped[one], swapped[two] = lines[two], lines[one]
            assert sample.is_noticed(path, b"".join(swapped)), (path.name, one, two)
        for at in range(len(lines)) if path.suffix == ".jsonl" else ():
            assert sample.is_noticed(path, b"".join([*lines[: at + 1], lines[at], *lines[at + 1 :]])), (path.name, at)


def test_every_removal_of_a_segment_between_signatures_is_found(sample: Sample) -> None:
    for path, lines in sample.lines():
        for one, two in itertools.combinations(range(len(lines) + 1), 2):
            assert sample.is_noticed(path, b"".join(lines[:one] + lines[two:])), (path.name, one, two)


def test_every_removal_and_every_swap_of_files_is_found(sample: Sample) -> None:
    for path in sample.files:
        assert sample.is_noticed(path, None), path.name
    for one, two in itertools.permutations(sample.files, 2):
        assert sample.is_noticed(one, sample.content[two]), (one.name, two.name)


def test_nothing_is_found_where_nothing_was_done(sample: Sample, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(sample.folder, tmp_path / "copy"))
    assert verify_folder(copy, sample.keys).ok
