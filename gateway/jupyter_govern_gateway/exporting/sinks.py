"""Ways to send lines of JSON: a file, syslog (RFC 5424), HTTP, OTLP logs over HTTP. Blocking; what fails raises OSError and is sent again.

Over UDP nobody says whether syslog arrived.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import urllib.request
from collections.abc import Sequence
from datetime import datetime
from http.client import HTTPException
from pathlib import Path
from typing import Any, Final, Protocol

from jupyter_govern.config.export import Export

SECONDS: Final = 10.0
MAX_DATAGRAM: Final = 60_000
"""Bytes of a syslog message over UDP; a longer one is cut."""
_AUDIT_NOTICE: Final = 13 * 8 + 5


class Sink(Protocol):
    def send(self, events: Sequence[dict[str, Any]], at: Sequence[str]) -> None:
        """events: as the format has them; at: when each operation was asked. Raises OSError."""


class FileSink:
    def __init__(self, path: Path | None) -> None:
        self._path = path

    def send(self, events: Sequence[dict[str, Any]], at: Sequence[str]) -> None:
        data = lines(events)
        if self._path is None:
            sys.stdout.write(data.decode())
            sys.stdout.flush()
            return
        descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            if os.write(descriptor, data) != len(data):
                raise OSError("the file could be written only in part")
        finally:
            os.close(descriptor)


class SyslogSink:
    """TCP frames are counted (RFC 6587)."""

    def __init__(self, address: str) -> None:
        scheme, _, rest = address.partition("://")
        host, _, port = rest.rpartition(":")
        self._is_tcp, self._address = scheme == "tcp", (host.strip("[]"), int(port))
        self._host = socket.gethostname()

    def send(self, events: Sequence[dict[str, Any]], at: Sequence[str]) -> None:
        messages = [self._message(event, when) for event, when in zip(events, at, strict=True)]
        if self._is_tcp:
            with socket.create_connection(self._address, SECONDS) as stream:
                stream.sendall(b"".join(b"%d %s" % (len(message), message) for message in messages))
            return
        family = socket.getaddrinfo(*self._address, type=socket.SOCK_DGRAM)[0][0]
        with socket.socket(family, socket.SOCK_DGRAM) as datagrams:
            for message in messages:
                datagrams.sendto(message[:MAX_DATAGRAM], self._address)

    def _message(self, event: dict[str, Any], at: str) -> bytes:
        head = f"<{_AUDIT_NOTICE}>1 {at} {self._host} jupyter-govern {os.getpid()} operation - "
        return head.encode() + json.dumps(event, ensure_ascii=True).encode()


class HttpSink:
    def __init__(self, url: str, token: str, *, content_type: str = "application/x-ndjson") -> None:
        self._url, self._token, self._type = url, token, content_type

    def send(self, events: Sequence[dict[str, Any]], at: Sequence[str]) -> None:
        self.post(lines(events))

    def post(self, body: bytes) -> None:
        headers = {"Content-Type": self._type, "User-Agent": "jupyter-govern"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        request = urllib.request.Request(self._url, body, headers, method="POST")  # noqa: S310 (config checks the scheme)
        try:
            with _opener.open(request, timeout=SECONDS):
                pass
        except HTTPException as problem:  # no OSError: what answers does not speak HTTP
            raise OSError(f"the answer is not HTTP ({type(problem).__name__})") from problem


class OtlpSink(HttpSink):
    """One log record an operation, in OTLP's JSON encoding; the event is its body."""

    def __init__(self, url: str, token: str) -> None:
        super().__init__(url, token, content_type="application/json")

    def send(self, events: Sequence[dict[str, Any]], at: Sequence[str]) -> None:
        records = [
            {
                "timeUnixNano": str(round(datetime.fromisoformat(when).timestamp() * 1e6) * 1000),
                "severityNumber": 9,
                "severityText": "INFO",
                "body": {"stringValue": json.dumps(event, ensure_ascii=True)},
                "attributes": [{"key": "event.name", "value": {"stringValue": "jupyter_govern.operation"}}],
            }
            for event, when in zip(events, at, strict=True)
        ]
        resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "jupyter-govern"}}]}
        scope = {"scope": {"name": "jupyter_govern"}, "logRecords": records}
        self.post(json.dumps({"resourceLogs": [{"resource": resource, "scopeLogs": [scope]}]}).encode())


def sink_of(settings: Export, directory: Path) -> Sink:
    """Raises ConfigError where a token cannot be read."""
    token = settings.token.read(directory, f"gateway.export.{settings.name}.token") if settings.token else ""
    match settings.kind:
        case "file":
            return FileSink(None if settings.file == "-" else directory / settings.file)
        case "syslog":
            return SyslogSink(settings.address)
        case "http":
            return HttpSink(settings.url, token)
        case "otlp":
            return OtlpSink(settings.url, token)


def lines(events: Sequence[dict[str, Any]]) -> bytes:
    """One a line."""
    return b"".join(json.dumps(event, ensure_ascii=True).encode() + b"\n" for event in events)


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """The token is for the configured place only."""

    def redirect_request(self, *_: object) -> None:
        return None


_opener: Final = urllib.request.build_opener(_NoRedirects())
