"""Each operation that has ended is told to each kind of sink, in order; a sink that fails is said once and catches up."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from jupyter_govern.config.export import Export
from jupyter_govern.recording import read_entries
from jupyter_govern_gateway.exporting.exporter import Exporter
from jupyter_govern_gateway.exporting.sinks import Sink, sink_of
from jupyter_govern_gateway.gate import Blocked
from tests.unit.recording.archive_rig import ALLOW, BLOCK, DROPS, Place


class Server:
    def __init__(self) -> None:
        self.got: list[tuple[str, str, bytes]] = []
        self.status = 200
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body, status = self.rfile.read(int(self.headers["Content-Length"])), server.status
                if status == 200:
                    server.got.append((self.headers["Content-Type"], self.headers.get("Authorization", ""), body))
                self.send_response(status)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/v1/logs"


@pytest.fixture
def http() -> Iterator[Server]:
    made = Server()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path / "state")
    yield made
    made.stop()


def filled(place: Place, name: str = "s1") -> None:
    place.session(name, close=False)
    with pytest.raises(Blocked):
        place.gate.ask_now(place.operation("drop table orders", DROPS), BLOCK, place.last)
    place.gate.close_session(place.last, "done")
    assert place.recorder.index.catch_up()


def exporter(place: Place, sink: Sink, form: str = "ocsf", name: str = "siem") -> Exporter:
    state = place.state / "exports" / f"{name}.json"
    return Exporter(name, sink, form, index=place.recorder.index, log=place.recorder.log, state=state, seconds=1)


def configured(tmp_path: Path, **settings: Any) -> Sink:
    return sink_of(Export.model_validate({"name": "siem", **settings}), tmp_path)


@pytest.mark.parametrize(("form", "key"), [("ocsf", "class_uid"), ("ecs", "@timestamp"), ("jsonl", "operation")])
def test_a_file_has_each_operation_once_over_restarts(place: Place, tmp_path: Path, form: str, key: str) -> None:
    out = tmp_path / "out.jsonl"
    filled(place)
    first = exporter(place, configured(tmp_path, kind="file", file="out.jsonl"), form)
    assert first.turn() and first.turn()
    filled(place, "s2")
    assert exporter(place, configured(tmp_path, kind="file", file="out.jsonl"), form).turn()
    events = [json.loads(line) for line in out.read_text().splitlines()]
    assert len(events) == 6 and all(key in event for event in events)
    assert out.stat().st_mode & 0o777 == 0o600
    if form == "ecs":
        assert [event["event"]["outcome"] for event in events] == ["success", "success", "failure"] * 2
        assert events[2]["event"]["type"] == ["denied", "deletion"] and events[2]["rule"]["name"] == "no drops"
        assert events[0]["service"]["name"] == "shop" and events[0]["user"]["name"] == "ana"


def test_what_runs_still_is_told_when_it_ends(place: Place, tmp_path: Path) -> None:
    filled(place)
    place.session("s2", close=False, statements=0)
    permit = place.gate.ask_now(place.operation("select pg_sleep(9)"), ALLOW, place.last)
    telling = exporter(place, configured(tmp_path, kind="file", file="out"), "jsonl")
    place.recorder.index.catch_up()
    assert telling.turn() and len((tmp_path / "out").read_text().splitlines()) == 3
    permit.finish(tag="SELECT 1", rows=1, bytes_=1, error=None)  # type: ignore[union-attr]
    place.gate.close_session(place.last, "done")
    place.recorder.index.catch_up()
    assert telling.turn()
    assert json.loads((tmp_path / "out").read_text().splitlines()[-1])["tag"] == "SELECT 1"


def test_http_and_otlp(place: Place, tmp_path: Path, http: Server) -> None:
    (tmp_path / "token").write_text("t0")
    filled(place)
    assert exporter(place, configured(tmp_path, kind="http", url=http.url, token={"file": "token"}), "ecs", "a").turn()
    assert exporter(place, configured(tmp_path, kind="otlp", url=http.url), "ocsf", "b").turn()
    (kind, bearer, body), (otlp_kind, nobody, logs) = http.got
    assert (kind, bearer, len(body.splitlines())) == ("application/x-ndjson", "Bearer t0", 3)
    assert (otlp_kind, nobody) == ("application/json", "")
    records = json.loads(logs)["resourceLogs"][0]["scopeLogs"][0]["logRecords"]
    assert len(records) == 3 and json.loads(records[0]["body"]["stringValue"])["class_uid"] == 6005
    assert records[0]["timeUnixNano"].isdigit() and len(records[0]["timeUnixNano"]) == 19


def test_a_sink_that_fails_is_said_once_and_catches_up(place: Place, tmp_path: Path, http: Server) -> None:
    filled(place)
    telling = exporter(place, configured(tmp_path, kind="http", url=http.url))
    http.status = 503
    assert not telling.turn() and not telling.turn()
    notes = [entry for entry in read_entries(place.recorder.log.path) if entry.get("about") == "export failed"]
    assert [note["export"] for note in notes] == ["siem"]
    http.status = 200
    assert telling.turn() and len(http.got) == 1


@pytest.mark.parametrize("scheme", ["udp", "tcp"])
def test_syslog(place: Place, tmp_path: Path, scheme: str) -> None:
    kind = socket.SOCK_DGRAM if scheme == "udp" else socket.SOCK_STREAM
    with socket.socket(socket.AF_INET, kind) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.settimeout(10)
        got: list[bytes] = []

        def take() -> None:
            if scheme == "udp":
                got.extend(listening.recv(65536) for _ in range(3))
                return
            listening.listen()
            stream, _ = listening.accept()
            with stream:
                data = b"".join(iter(lambda: stream.recv(65536), b""))
            while data:
                size, _, data = data.partition(b" ")
                got.append(data[: int(size)])
                data = data[int(size) :]

        taking = threading.Thread(target=take, daemon=True)
        taking.start()
        filled(place)
        sink = configured(tmp_path, kind="syslog", address=f"{scheme}://127.0.0.1:{listening.getsockname()[1]}")
        telling = exporter(place, sink)
        while not telling.turn():  # TCP: until it listens
            pass
        taking.join(10)
    assert len(got) == 3
    head, _, event = got[0].partition(b" operation - ")
    assert head.startswith(b"<109>1 20") and json.loads(event)["class_uid"] == 6005


def test_a_new_index_tells_only_what_ended_since(tmp_path: Path) -> None:
    place = Place(tmp_path / "state")
    filled(place)
    exporter(place, configured(tmp_path, kind="file", file="out"), "jsonl").turn()
    place.stop()
    for suffix in ("", "-wal", "-shm"):
        (place.state / f"index.sqlite{suffix}").unlink(missing_ok=True)
    again = Place(place.state, start=place.now + 100)
    filled(again, "s2")
    telling = exporter(again, configured(tmp_path, kind="file", file="out"), "jsonl")
    assert telling.turn() and telling.turn()
    told = [json.loads(line)["session"] for line in (tmp_path / "out").read_text().splitlines()]
    assert told.count("s2") == 3 and 3 <= told.count("s1") <= 4
    again.stop()


@pytest.mark.parametrize("settings", [{"kind": "file"}, {"kind": "syslog", "address": "x"}, {"kind": "http", "url": "http://example.org"}])
def test_settings_that_are_none(settings: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        Export.model_validate({"name": "x", **settings})


@pytest.mark.parametrize("said", [b"not HTTP at all\r\n\r\n", b"HTTP/1.1 200 OK\r\n" + b"x" * 70_000 + b"\r\n\r\n", b"HTTP/1.1 2\r\n\r\n"])
def test_an_answer_that_is_none_is_a_failure_that_is_tried_again(said: bytes, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            with server.accept()[0] as stream:
                stream.recv(65536)
                stream.sendall(said)

        thread = threading.Thread(target=answer)
        thread.start()
        settings = Export(name="x", kind="http", url=f"http://127.0.0.1:{server.getsockname()[1]}/", format="jsonl")
        with pytest.raises(OSError):
            sink_of(settings, tmp_path).send([{"a": 1}], ["2026-01-01T00:00:00Z"])
        thread.join()
