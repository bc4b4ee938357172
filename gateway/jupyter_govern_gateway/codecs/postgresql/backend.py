"""What a server sends, read: RowDescription, DataRow, CommandComplete, ParameterStatus, ReadyForQuery; and what we write
in its place. Knows the layout only.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from jupyter_govern_gateway.codecs.postgresql import frames
from jupyter_govern_gateway.codecs.postgresql.frames import Malformed, cstring, frame, int16, int32, uint32

IDLE: Final = ord("I")
IN_TRANSACTION: Final = ord("T")
IN_FAILED_TRANSACTION: Final = ord("E")

AUTHENTICATION_OK: Final = frame(frames.AUTHENTICATION, b"\0\0\0\0")
AUTHENTICATION_CLEARTEXT: Final = frame(frames.AUTHENTICATION, b"\0\0\0\x03")
SCRAM_SHA_256: Final = b"SCRAM-SHA-256"
SCRAM_SHA_256_PLUS: Final = b"SCRAM-SHA-256-PLUS"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A result column: `relation` and `attribute` are its origin (0 and 0 for what was computed)."""

    name: bytes
    relation: int
    attribute: int
    type_oid: int
    format: int


def read_row_description(data: bytes, at: int, end: int) -> tuple[Column, ...]:
    """The columns of a RowDescription. The same bytes give the same object: a client asks the same things again and again."""
    return _columns(data[at:end])


@lru_cache(maxsize=1024)
def _columns(data: bytes) -> tuple[Column, ...]:
    at, end = 0, len(data)
    count = int16(data, at, end)
    at += 2
    columns = []
    for _ in range(count):
        name, at = cstring(data, at, end)
        if at + 18 > end:
            raise Malformed("a RowDescription shorter than its fields")
        columns.append(
            Column(
                name=name,
                relation=uint32(data, at, end),
                attribute=int.from_bytes(data[at + 4 : at + 6], "big", signed=True),
                type_oid=uint32(data, at + 6, end),
                format=int16(data, at + 16, end),
            )
        )
        at += 18
    if at != end:
        raise Malformed("a RowDescription with something behind its fields")
    return tuple(columns)


def read_data_row(data: bytes, at: int, end: int) -> tuple[bytes | None, ...]:
    """The values of a DataRow."""
    count = int16(data, at, end)
    at += 2
    values: list[bytes | None] = []
    for _ in range(count):
        size = int32(data, at, end)
        at += 4
        if size < 0:
            values.append(None)
            continue
        if at + size > end:
            raise Malformed("a DataRow whose value does not fit")
        values.append(data[at : at + size])
        at += size
    return tuple(values)


def read_parameter_status(data: bytes, at: int, end: int) -> tuple[bytes, bytes]:
    name, at = cstring(data, at, end)
    value, _ = cstring(data, at, end)
    return name, value


def read_backend_key_data(data: bytes, at: int, end: int) -> tuple[int, bytes]:
    """The process number and the cancel key of a session at the target."""
    return uint32(data, at, end), data[at + 4 : end]


def read_negotiate_protocol_version(data: bytes, at: int, end: int) -> int:
    """The version that the server speaks instead of the one it was asked for."""
    return uint32(data, at, end)


def read_sasl_mechanisms(data: bytes, at: int, end: int) -> tuple[bytes, ...]:
    return tuple(name for name in data[at:end].split(b"\0") if name)


def parameter_status(name: bytes, value: bytes) -> bytes:
    return frame(frames.PARAMETER_STATUS, name + b"\0" + value + b"\0")


def backend_key_data(pid: int, key: bytes) -> bytes:
    return frame(frames.BACKEND_KEY_DATA, pid.to_bytes(4, "big") + key)


def ready_for_query(status: int) -> bytes:
    return frame(frames.READY_FOR_QUERY, bytes((status,)))


def command_complete(tag: bytes) -> bytes:
    return frame(frames.COMMAND_COMPLETE, tag + b"\0")


def notification(pid: bytes, channel: bytes, payload: bytes) -> bytes:
    return frame(frames.NOTIFICATION_RESPONSE, pid + channel + b"\0" + payload + b"\0")


def authentication_sasl(mechanisms: tuple[bytes, ...]) -> bytes:
    names = b"".join(name + b"\0" for name in mechanisms)
    return frame(frames.AUTHENTICATION, b"\0\0\0\x0a" + names + b"\0")


def authentication_sasl_continue(data: bytes) -> bytes:
    return frame(frames.AUTHENTICATION, b"\0\0\0\x0b" + data)


def authentication_sasl_final(data: bytes) -> bytes:
    return frame(frames.AUTHENTICATION, b"\0\0\0\x0c" + data)
