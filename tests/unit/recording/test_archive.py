"""What anybody without the key does to a folder of recordings is noticed, by `verify --all` and by docs/verifier.py alike."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from jupyter_govern import cli
from jupyter_govern.archive import verify_file, verify_folder
from jupyter_govern.errors import ConfigError
from jupyter_govern.heads import head_of
from jupyter_govern.signatures import read_keys
from jupyter_govern_gateway.recorder.signer import Signer, own_signer

from .archive_rig import Place, archive, file_of, rehashed

VERIFIER = Path(__file__).parents[3] / "docs" / "verifier.py"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    state = tmp_path_factory.mktemp("archive") / "state"
    archive(state)
    return state


@pytest.fixture
def state(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "state"))


def stand_alone(state: Path, *more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", str(VERIFIER), str(state / "recordings"), "--key", str(state / "signing.pub"), *more]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def problems(state: Path) -> list[str]:
    return verify_folder(state / "recordings", read_keys([state / "signing.pub"])).problems


def test_what_nobody_touched_is_whole(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = verify_folder(state / "recordings", read_keys([state / "signing.pub"]))
    assert report.ok and report.notes == [] and report.sessions == 3 and report.signatures >= 6
    alone = stand_alone(state)
    assert alone.returncode == 0 and f"{report.seq}:{report.head}" in alone.stdout, alone.stderr
    assert cli.main(["sessions", "verify", "--all", str(state / "recordings"), "--key", str(state / "signing.pub")]) == 0
    assert f"head {report.seq}:{report.head}" in capsys.readouterr().out
    one = str(file_of(state / "recordings", "s1"))
    assert cli.main(["sessions", "verify", "--file", one, "--key", str(state / "signing.pub")]) == 0


def edit(folder: Path) -> None:
    path = file_of(folder, "s1")
    path.write_bytes(path.read_bytes().replace(b"where id = 0", b"where id = 7"))


def edit_with_hashes(folder: Path) -> None:
    rehashed(file_of(folder, "s1"), lambda entries: [e | ({"statement": "select 1"} if e["type"] == "operation" else {}) for e in entries])


def edit_with_hashes_and_log(folder: Path) -> None:
    def other(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [e | ({"statement": "select 1"} if e["type"] == "operation" else {}) for e in entries if e["type"] != "signature"]

    head = rehashed(file_of(folder, "s1"), other)
    fits = {"s1": head}
    rehashed(
        folder / "gateway.jsonl",
        lambda entries: [e | ({"head": fits[e["session"]]} if e.get("head") and e["session"] in fits else {}) for e in entries],
    )


def all_without_signatures(folder: Path) -> None:
    edit_with_hashes_and_log(folder)
    rehashed(folder / "gateway.jsonl", lambda entries: [e for e in entries if e["type"] != "signature"])


def cut(folder: Path) -> None:
    path = file_of(folder, "s1")
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-3]))


def cut_signature(folder: Path) -> None:
    path = file_of(folder, "s1")
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))


def reorder(folder: Path) -> None:
    path = file_of(folder, "s3")
    lines = path.read_bytes().splitlines(keepends=True)
    lines[1], lines[2] = lines[2], lines[1]
    path.write_bytes(b"".join(lines))


def remove(folder: Path) -> None:
    file_of(folder, "s2").unlink()


def remove_with_log(folder: Path) -> None:
    remove(folder)
    rehashed(folder / "gateway.jsonl", lambda entries: [e for e in entries if e.get("session") != "s2"])


def rename(folder: Path) -> None:
    file_of(folder, "s1").rename(file_of(folder, "s1").with_stem("s9"))


def add(folder: Path) -> None:
    path = file_of(folder, "s1").with_stem("s9")
    path.write_bytes(file_of(folder, "s1").read_bytes())
    rehashed(path, lambda entries: entries)


def twice(folder: Path) -> None:
    path = folder / "2020/01/01/s1.jsonl"
    path.parent.mkdir(parents=True)
    path.write_bytes(file_of(folder, "s1").read_bytes())


def swap(folder: Path) -> None:
    one, two = file_of(folder, "s1"), file_of(folder, "s2")
    kept = one.read_bytes()
    one.write_bytes(two.read_bytes())
    two.write_bytes(kept)


def no_log(folder: Path) -> None:
    (folder / "gateway.jsonl").unlink()


def edit_log(folder: Path) -> None:
    path = folder / "gateway.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"subject":"ben"', b'"subject":"ana"'))


def torn(folder: Path) -> None:
    path = file_of(folder, "s1")
    path.write_bytes(path.read_bytes()[:-5])


WAYS = [
    edit, edit_with_hashes, edit_with_hashes_and_log, all_without_signatures, cut, cut_signature, reorder, remove, remove_with_log,
    rename, add, twice, swap, no_log, edit_log, torn,
]  # fmt: skip


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_tampering_is_noticed(state: Path, way: Callable[[Path], None]) -> None:
    way(state / "recordings")
    assert problems(state)
    alone = stand_alone(state)
    assert alone.returncode == 1 and "Traceback" not in alone.stderr and alone.stderr.strip(), alone


def test_the_log_cut_back_to_a_signature_is_noticed_by_the_head_beside_it_and_without_it_by_an_anchor_or_a_witness(state: Path) -> None:
    folder = state / "recordings"
    keys = read_keys([state / "signing.pub"])
    before = verify_folder(folder, keys)
    log, witness = folder / "gateway.jsonl", state / "witness.jsonl"
    witness.write_bytes((folder / "gateway.head").read_bytes())
    lines = log.read_bytes().splitlines(keepends=True)
    at = next(number for number, line in enumerate(lines) if b'"session":"s3"' in line)
    back = max(number for number in range(at) if b'"type":"signature"' in lines[number])
    log.write_bytes(b"".join(lines[: back + 1]))
    file_of(folder, "s3").unlink()
    assert not verify_folder(folder, keys).ok and stand_alone(state).returncode == 1
    (folder / "gateway.head").write_bytes(head_of(json.loads(lines[back])).line())  # an older copy of both
    cut_back = verify_folder(folder, keys)
    assert cut_back.ok and stand_alone(state).returncode == 0, "what the gateway had signed then: see the docs"
    assert not verify_folder(folder, keys, {before.seq: before.head}).ok
    assert not verify_folder(folder, keys, witnesses=[witness]).ok
    assert stand_alone(state, "--anchor", f"{before.seq}:{before.head}").returncode == 1
    assert stand_alone(state, "--witness", str(witness)).returncode == 1
    command = ["sessions", "verify", "--all", str(folder), "--key", str(state / "signing.pub")]
    assert cli.main(command) == 0 and cli.main([*command, "--witness", str(witness)]) == 1


def test_keys_are_changed_and_both_are_accepted(tmp_path: Path) -> None:
    state = tmp_path / "state"
    folder = archive(state)
    old = tmp_path / "old.pub"
    old.write_bytes((state / "signing.pub").read_bytes())
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    place = Place(state, signer=Signer(pem))
    place.session("s4")
    place.stop()
    assert len(read_keys([state / "signing.pub"])) == 2
    assert problems(state) == [] and stand_alone(state).returncode == 0
    assert any("not among the accepted" in problem for problem in verify_folder(folder, read_keys([old])).problems)


def test_a_crash_is_closed_signed_and_said_in_the_log(tmp_path: Path) -> None:
    state = tmp_path / "state"
    place = Place(state)
    place.session("s1", close=False)
    path = place.last.recording.chain.path
    place.recorder.index.close()
    with path.open("ab") as file:
        file.write(b'{"torn')
    again = Place(state)
    again.stop()
    assert problems(state) == []
    assert verify_file(path, read_keys([state / "signing.pub"])).ok
    assert stand_alone(state).returncode == 0


def test_a_close_that_the_log_missed_is_made_up_for(tmp_path: Path) -> None:
    state = tmp_path / "state"
    place = Place(state)
    place.session("s1", close=False)
    place.last.recording.close("killed right behind this")
    place.recorder.index.close()
    Place(state).stop()
    assert problems(state) == [] and stand_alone(state).returncode == 0


def test_the_generated_key_is_private_and_stays(tmp_path: Path) -> None:
    first = own_signer(tmp_path)
    assert (tmp_path / "signing.key").stat().st_mode & 0o777 == 0o600
    assert own_signer(tmp_path).id == first.id


def test_another_kind_of_key_is_refused_without_being_quoted(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="signing_key") as refused:
        Signer(b"very secret")
    assert "very secret" not in str(refused.value)
    (tmp_path / "x.pub").write_text("nothing")
    with pytest.raises(ConfigError, match="x"):
        read_keys([tmp_path / "x.pub"])
