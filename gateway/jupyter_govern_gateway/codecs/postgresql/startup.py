"""The first packet of a connection has no type byte: what it can be, read and written.

Knows the layout only; which parameters are acceptable is decided elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from jupyter_govern_gateway.codecs.postgresql.frames import NEGOTIATE_PROTOCOL_VERSION, Malformed, frame, int32, uint32

SSL_REQUEST_CODE: Final = 80877103
GSSENC_REQUEST_CODE: Final = 80877104
CANCEL_REQUEST_CODE: Final = 80877102
PROTOCOL_3_0: Final = 3 << 16
PROTOCOL_3_2: Final = 3 << 16 | 2

MAX_CANCEL_KEY: Final = 256
"""Protocol 3.2 allows cancel keys of up to 256 bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SSLRequest:
    """The client would like TLS."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GSSENCRequest:
    """The client would like GSSAPI encryption."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelRequest:
    """Somebody who holds the key wants another session's statement stopped."""

    pid: int
    key: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class StartupMessage:
    """The client wants a session. Parameter names keep the client's spelling."""

    version: int
    parameters: dict[str, str]

    @property
    def major(self) -> int:
        return self.version >> 16

    @property
    def minor(self) -> int:
        return self.version & 0xFFFF


FirstPacket = SSLRequest | GSSENCRequest | CancelRequest | StartupMessage


def read_first_packet(body: bytes) -> FirstPacket:
    """Read the packet behind its four length bytes."""
    code = int32(body, 0, len(body))
    if code == SSL_REQUEST_CODE and len(body) == 4:
        return SSLRequest()
    if code == GSSENC_REQUEST_CODE and len(body) == 4:
        return GSSENCRequest()
    if code == CANCEL_REQUEST_CODE:
        if not 12 <= len(body) <= 8 + MAX_CANCEL_KEY:
            raise Malformed("a CancelRequest of the wrong size")
        return CancelRequest(pid=uint32(body, 4, len(body)), key=body[8:])
    if code >> 16 < 1 or code >> 16 > 99:
        raise Malformed("this is not a PostgreSQL start-up packet")
    return StartupMessage(version=code, parameters=_parameters(body) if code >> 16 == 3 else {})


def _parameters(body: bytes) -> dict[str, str]:
    if not body.endswith(b"\0"):
        raise Malformed("a start-up packet without its end")
    if len(body) == 5:
        return {}
    if not body.endswith(b"\0\0"):
        raise Malformed("a start-up packet without its end")
    parts = body[4:-2].split(b"\0")
    if len(parts) % 2:
        raise Malformed("a start-up parameter without a value")
    found: dict[str, str] = {}
    for name, value in zip(parts[::2], parts[1::2], strict=True):
        try:
            key, text = name.decode("utf-8"), value.decode("utf-8")
        except UnicodeDecodeError:
            raise Malformed("a start-up parameter that is not UTF-8") from None
        if not key or key in found:
            raise Malformed("a start-up parameter without a name, or named twice")
        found[key] = text
    return found


def ssl_request() -> bytes:
    return b"\0\0\0\x08" + SSL_REQUEST_CODE.to_bytes(4, "big")


def cancel_request(pid: int, key: bytes) -> bytes:
    return (12 + len(key)).to_bytes(4, "big") + CANCEL_REQUEST_CODE.to_bytes(4, "big") + pid.to_bytes(4, "big") + key


def startup_message(parameters: dict[str, str], version: int = PROTOCOL_3_0) -> bytes:
    """A StartupMessage. NUL cannot be written, so a value that holds one is an error here."""
    body = bytearray(version.to_bytes(4, "big"))
    for name, value in parameters.items():
        pair = name.encode() + b"\0" + value.encode() + b"\0"
        if pair.count(b"\0") != 2:
            raise Malformed("a start-up parameter holds a NUL")
        body += pair
    body += b"\0"
    return (len(body) + 4).to_bytes(4, "big") + bytes(body)


def negotiate_protocol_version(newest: int, unknown: list[str]) -> bytes:
    """What we speak instead. PostgreSQL sends the whole version here, although its documentation says "minor"."""
    names = b"".join(name.encode() + b"\0" for name in unknown)
    return frame(NEGOTIATE_PROTOCOL_VERSION, newest.to_bytes(4, "big") + len(unknown).to_bytes(4, "big") + names)
