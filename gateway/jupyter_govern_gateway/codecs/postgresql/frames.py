"""Message types and framing of protocol version 3: one type byte, four length bytes (which count themselves), a body.

Knows nothing of what a message means.
"""

from __future__ import annotations

from typing import Final

HEADER: Final = 5

# what a client sends
QUERY: Final = ord("Q")
PARSE: Final = ord("P")
BIND: Final = ord("B")
DESCRIBE: Final = ord("D")
EXECUTE: Final = ord("E")
CLOSE: Final = ord("C")
FLUSH: Final = ord("H")
SYNC: Final = ord("S")
FUNCTION_CALL: Final = ord("F")
COPY_DATA: Final = ord("d")
COPY_DONE: Final = ord("c")
COPY_FAIL: Final = ord("f")
PASSWORD: Final = ord("p")
TERMINATE: Final = ord("X")

# what a server sends
AUTHENTICATION: Final = ord("R")
BACKEND_KEY_DATA: Final = ord("K")
PARAMETER_STATUS: Final = ord("S")
READY_FOR_QUERY: Final = ord("Z")
ROW_DESCRIPTION: Final = ord("T")
DATA_ROW: Final = ord("D")
COMMAND_COMPLETE: Final = ord("C")
EMPTY_QUERY_RESPONSE: Final = ord("I")
ERROR_RESPONSE: Final = ord("E")
NOTICE_RESPONSE: Final = ord("N")
NOTIFICATION_RESPONSE: Final = ord("A")
PARSE_COMPLETE: Final = ord("1")
BIND_COMPLETE: Final = ord("2")
CLOSE_COMPLETE: Final = ord("3")
NO_DATA: Final = ord("n")
PARAMETER_DESCRIPTION: Final = ord("t")
PORTAL_SUSPENDED: Final = ord("s")
COPY_IN_RESPONSE: Final = ord("G")
COPY_OUT_RESPONSE: Final = ord("H")
COPY_BOTH_RESPONSE: Final = ord("W")
FUNCTION_CALL_RESPONSE: Final = ord("V")
NEGOTIATE_PROTOCOL_VERSION: Final = ord("v")


class Malformed(ValueError):
    """These bytes are not the protocol. Whoever knows which side sent them says so (Client- or TargetProtocolError)."""


def frame(kind: int, body: bytes = b"") -> bytes:
    """One message with its header."""
    return bytes((kind,)) + (len(body) + 4).to_bytes(4, "big") + body


def cstring(data: bytes, at: int, end: int) -> tuple[bytes, int]:
    """The NUL-terminated bytes at `at` and the offset behind the NUL; the NUL must lie before `end`."""
    stop = data.find(b"\0", at, end)
    if stop < 0:
        raise Malformed("a string without its end")
    return data[at:stop], stop + 1


def int16(data: bytes, at: int, end: int) -> int:
    """An unsigned 16-bit number that must lie before `end`."""
    if at + 2 > end:
        raise Malformed("a message shorter than its fields")
    return data[at] << 8 | data[at + 1]


def int32(data: bytes, at: int, end: int) -> int:
    """A signed 32-bit number that must lie before `end`."""
    if at + 4 > end:
        raise Malformed("a message shorter than its fields")
    return int.from_bytes(data[at : at + 4], "big", signed=True)


def uint32(data: bytes, at: int, end: int) -> int:
    """An unsigned 32-bit number (an oid) that must lie before `end`."""
    return int32(data, at, end) & 0xFFFFFFFF
