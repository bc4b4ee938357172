"""Recordings in an object store that speaks like S3 (moto, in this process): moved there, read there, deleted there."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from pathlib import Path

import obstore
import pytest
from moto.server import ThreadedMotoServer
from obstore.store import S3Store

from jupyter_govern.archive import verify_folder
from jupyter_govern.config.recording import Recording
from jupyter_govern.errors import ConfigError
from jupyter_govern.recording import verdict_of
from jupyter_govern.signatures import read_keys
from jupyter_govern_gateway.recorder.objects import wanted_storage
from jupyter_govern_gateway.recorder.storage import Wanted

from .archive_rig import Place
from .test_archive import problems, stand_alone
from .test_stored import original, stored_place

BUCKET = "recordings"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"

    request = urllib.request.Request(
        f"{url}/{BUCKET}", method="PUT", headers={"Authorization": "AWS4-HMAC-SHA256 Credential=a/b/us-east-1/s3/aws4_request"}
    )
    urllib.request.urlopen(request, timeout=10).close()
    yield url
    server.stop()


@pytest.fixture
def wanted(endpoint: str, tmp_path: Path) -> Wanted:
    for name, text in (("id", "an-id"), ("secret", "a-secret"), ("k", "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=")):
        (tmp_path / name).write_text(text)
    store = {
        "url": f"s3://{BUCKET}/{tmp_path.name}", "endpoint": endpoint, "region": "us-east-1",
        "access_key_id": {"file": "id"}, "secret_access_key": {"file": "secret"},
    }  # fmt: skip
    return wanted_storage(Recording.model_validate({"store": store, "encryption": {"key": {"file": "k"}}}), tmp_path)


def bucket(endpoint: str) -> S3Store:
    how = {"endpoint": endpoint, "region": "us-east-1", "access_key_id": "x", "secret_access_key": "y"}
    return S3Store(BUCKET, config=how, client_options={"allow_http": True})  # type: ignore[arg-type]


def names(endpoint: str, prefix: str) -> list[str]:
    return sorted(each["path"].removeprefix(f"{prefix}/") for page in obstore.list(bucket(endpoint), prefix=prefix) for each in page)


def test_moved_read_and_deleted(endpoint: str, wanted: Wanted, tmp_path: Path) -> None:
    place = stored_place(tmp_path / "state", wanted)
    data = original(place, "s1").read_bytes()
    assert place.recorder.storage.turn() == 2 and place.recorder.storage.turn() == 0
    assert names(endpoint, tmp_path.name) == ["2027/01/15/s1.jsonl.zst.sealed", "2027/01/15/s2.jsonl.zst.sealed"]
    assert not list(place.recorder.directory.glob("*/*/*/*"))
    with place.recorder.storage.open(original(place, "s1")) as file:
        assert file.read() == data
    with place.recorder.storage.open(original(place, "s2")) as file:
        assert verdict_of("s2", file).ok
    assert place.recorder.keeping.delete("s2", by="ben", reason="x") == ""
    assert names(endpoint, tmp_path.name) == ["2027/01/15/s1.jsonl.zst.sealed"]
    with pytest.raises(FileNotFoundError):
        place.recorder.storage.open(original(place, "s2"))
    place.stop()

    assert [problem for problem in problems(place.state) if f"is in s3://{BUCKET}" in problem] == problems(place.state) != []
    copy = original(place, "s1").with_name("s1.jsonl.zst.sealed")
    copy.write_bytes(bytes(obstore.get(bucket(endpoint), f"{tmp_path.name}/2027/01/15/s1.jsonl.zst.sealed").bytes()))
    report = verify_folder(place.recorder.directory, read_keys([place.state / "signing.pub"]))
    assert report.ok and report.deleted == 1 and stand_alone(place.state).returncode == 0
    copy.write_bytes(copy.read_bytes()[:-1] + b"x")
    assert problems(place.state) and stand_alone(place.state).returncode == 1


def test_an_index_that_is_made_anew_reads_what_is_in_the_store(wanted: Wanted, tmp_path: Path) -> None:
    place = stored_place(tmp_path / "state", wanted)
    place.recorder.storage.turn()
    place.stop()
    for suffix in ("", "-wal", "-shm"):
        (place.state / f"index.sqlite{suffix}").unlink(missing_ok=True)
    again = Place(place.state, wanted=wanted)
    again.recorder.index_stored()
    assert [row["operations"] for row in again.recorder.index.sessions()] == [2, 2]
    again.stop()


def test_a_store_that_is_not_there_keeps_recordings_here_and_is_said(tmp_path: Path) -> None:
    for name in ("id", "secret"):
        (tmp_path / name).write_text("x")
    store = {
        "url": "s3://nowhere", "endpoint": "http://127.0.0.1:9", "access_key_id": {"file": "id"}, "secret_access_key": {"file": "secret"},
    }  # fmt: skip
    made = wanted_storage(Recording.model_validate({"store": store}), tmp_path)
    place = Place(tmp_path / "state", wanted=made)
    place.session("s1")
    place.recorder.index.catch_up()
    assert place.recorder.storage.turn() == 0
    assert original(place, "s1").with_name("s1.jsonl.zst").exists()
    assert b"recording not stored" in place.recorder.log.path.read_bytes()
    place.stop()
    assert problems(place.state) == []


def test_an_address_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"recording\.store"):
        wanted_storage(Recording.model_validate({"store": {"url": "nonsense"}}), tmp_path)
