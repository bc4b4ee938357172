"""jupyter_govern.private_files: only the owner reads them, and they are whole or what they were."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from jupyter_govern import private_files


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("durably", [False, True])
def test_a_file_is_its_owners(tmp_path: Path, durably: bool) -> None:
    path = tmp_path / "secret.json"
    path.write_text("old")
    path.chmod(0o666)
    private_files.replace(path, "naïve", durably=durably)
    assert path.read_bytes() == "naïve".encode()
    assert mode(path) == 0o600
    assert [item.name for item in tmp_path.iterdir()] == ["secret.json"]


def test_a_mode_of_its_own(tmp_path: Path) -> None:
    private_files.replace(tmp_path / "ca.pem", b"public", mode=0o644)
    assert mode(tmp_path / "ca.pem") == 0o644


def test_what_a_crash_left_beside_is_not_written_into(tmp_path: Path) -> None:
    """It could be anybody's by now: a link, or a file that others can read."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("untouched")
    (tmp_path / "key.new").symlink_to(elsewhere)
    private_files.replace(tmp_path / "key", "secret")
    assert elsewhere.read_text() == "untouched"
    assert (tmp_path / "key").read_text() == "secret"


def test_where_it_cannot_be_written_the_old_one_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "kept"
    path.write_text("old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        private_files.replace(path, "new", durably=True)
    assert path.read_text() == "old"
