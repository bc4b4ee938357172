"""Signed heads go where the witness is, once each; a witness that cannot be reached is said in the log and asked again."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from pydantic import ValidationError

from jupyter_govern.archive import verify_folder
from jupyter_govern.config.recording import Witness as Settings
from jupyter_govern.recording import read_entries
from jupyter_govern.signatures import read_keys
from jupyter_govern_gateway.recorder import witness
from jupyter_govern_gateway.recorder.witness import Witness, witness_place

from .archive_rig import Place


class Hook:
    def __init__(self) -> None:
        self.got: list[tuple[str, bytes]] = []
        self.status = 200
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                hook.got.append((self.headers.get("Authorization", ""), body))
                self.send_response(hook.status)
                self.send_header("Location", "/elsewhere")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/heads"


@pytest.fixture
def hook() -> Iterator[Hook]:
    made = Hook()
    yield made
    made.server.shutdown()
    made.server.server_close()


def test_each_new_head_is_told_once_and_verifies(tmp_path: Path, hook: Hook) -> None:
    place = Place(tmp_path / "state")
    heads = tmp_path / "heads.jsonl"
    told = Witness(place.recorder.log, witness.Place(file=heads, webhook=hook.url, token="t0"))
    place.session("s1")
    told.publish()
    told.publish()
    place.session("s2")
    told.publish()
    place.stop()
    lines = heads.read_bytes().splitlines(keepends=True)
    assert len(lines) == 2 and hook.got == [("Bearer t0", line) for line in lines]
    keys = read_keys([tmp_path / "state" / "signing.pub"])
    assert verify_folder(tmp_path / "state" / "recordings", keys, witnesses=[heads]).ok
    heads.write_bytes(lines[0].replace(b'"seq":', b'"seq":1'))
    assert not verify_folder(tmp_path / "state" / "recordings", keys, witnesses=[heads]).ok


@pytest.mark.parametrize("status", [500, 302])
def test_a_witness_that_fails_is_said_and_asked_again(tmp_path: Path, hook: Hook, status: int) -> None:
    place = Place(tmp_path / "state")
    told = Witness(place.recorder.log, witness.Place(file=tmp_path / "no" / "such" / "folder", webhook=hook.url))
    hook.status = status
    place.session("s1")
    told.publish()
    notes = [entry for entry in read_entries(place.recorder.log.path) if entry.get("about") == "witness failed"]
    assert [note["witness"] for note in notes] == ["file", "webhook"] and len(hook.got) == 1
    (tmp_path / "no" / "such").mkdir(parents=True)
    hook.status = 200
    told.publish()
    assert json.loads((tmp_path / "no" / "such" / "folder").read_bytes())["seq"] and len(hook.got) == 2
    place.stop()


def test_settings(tmp_path: Path) -> None:
    assert witness_place(Settings(), tmp_path) is None
    made = witness_place(Settings(file="heads.jsonl"), tmp_path)
    assert made is not None and made.file == tmp_path / "heads.jsonl"
    with pytest.raises(ValidationError, match="https"):
        Settings(webhook="http://example.org/heads")
