"""What a client sends, read: Query, Parse, Bind, Describe, Execute, Close; and the few messages we write in its place.

Each reader takes the buffer and the bounds of the body, so that nothing is copied that is not needed.
A body must be used up exactly: the server would say the same of bytes left over, and what we did not read we cannot judge.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from jupyter_govern_gateway.codecs.postgresql import frames
from jupyter_govern_gateway.codecs.postgresql.frames import Malformed, cstring, frame, int16, int32

STATEMENT: Final = ord("S")
PORTAL: Final = ord("P")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parse:
    """A statement to prepare. `types` are the bytes of the parameter types, count included."""

    name: bytes
    text: bytes
    types: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Bind:
    """A portal from a prepared statement, with its parameters."""

    portal: bytes
    statement: bytes
    formats: tuple[int, ...]
    parameters: tuple[bytes | None, ...]
    result_formats: tuple[int, ...]


def read_query(data: bytes, at: int, end: int) -> bytes:
    """The statement of a Query; exactly one NUL, at its end (a second text behind it would pass unseen)."""
    text, stop = cstring(data, at, end)
    if stop != end:
        raise Malformed("a Query with something behind its text")
    return text


def read_parse(data: bytes, at: int, end: int) -> Parse:
    """A Parse message."""
    name, at = cstring(data, at, end)
    text, at = cstring(data, at, end)
    if at + 2 + 4 * int16(data, at, end) != end:
        raise Malformed("a Parse of the wrong size")
    return Parse(name=name, text=text, types=data[at:end])


def read_bind(data: bytes, at: int, end: int) -> Bind:
    """A Bind message."""
    portal, at = cstring(data, at, end)
    statement, at = cstring(data, at, end)
    formats, at = _codes(data, at, end)
    count = int16(data, at, end)
    at += 2
    if len(formats) > 1 and len(formats) != count:
        raise Malformed("a Bind whose formats do not fit its parameters")
    values: list[bytes | None] = []
    for _ in range(count):
        size = int32(data, at, end)
        at += 4
        if size == -1:
            values.append(None)
            continue
        if size < 0 or at + size > end:
            raise Malformed("a Bind whose parameter does not fit")
        values.append(data[at : at + size])
        at += size
    result_formats, at = _codes(data, at, end)
    if at != end:
        raise Malformed("a Bind with something behind its fields")
    return Bind(portal=portal, statement=statement, formats=formats, parameters=tuple(values), result_formats=result_formats)


def _codes(data: bytes, at: int, end: int) -> tuple[tuple[int, ...], int]:
    count = int16(data, at, end)
    at += 2
    if at + 2 * count > end:
        raise Malformed("a Bind shorter than its fields")
    codes = tuple(data[i] << 8 | data[i + 1] for i in range(at, at + 2 * count, 2))
    if any(code > 1 for code in codes):
        raise Malformed("a Bind with a format that is neither text nor binary")
    return codes, at + 2 * count


def read_bind_names(data: bytes, at: int, end: int) -> tuple[bytes, bytes, int]:
    """Portal and statement of a Bind of which perhaps only the start is here, and the offset behind them."""
    portal, at = cstring(data, at, end)
    statement, at = cstring(data, at, end)
    return portal, statement, at


def read_target(data: bytes, at: int, end: int) -> tuple[int, bytes]:
    """What a Describe or Close names: STATEMENT or PORTAL, and the name."""
    if at >= end or data[at] not in (STATEMENT, PORTAL):
        raise Malformed("neither a statement nor a portal")
    name, stop = cstring(data, at + 1, end)
    if stop != end:
        raise Malformed("something behind a name")
    return data[at], name


def read_execute(data: bytes, at: int, end: int) -> tuple[bytes, int]:
    """The portal and the row limit of an Execute (0 and less mean all rows)."""
    portal, at = cstring(data, at, end)
    if at + 4 != end:
        raise Malformed("an Execute of the wrong size")
    return portal, int32(data, at, end)


def query(text: bytes) -> bytes:
    return frame(frames.QUERY, text + b"\0")


def parse(name: bytes, text: bytes, types: bytes = b"\0\0") -> bytes:
    return frame(frames.PARSE, name + b"\0" + text + b"\0" + types)


def copy_fail(reason: bytes) -> bytes:
    """A CopyFail."""
    return frame(frames.COPY_FAIL, reason + b"\0")


def describe_statement(name: bytes) -> bytes:
    return frame(frames.DESCRIBE, b"S" + name + b"\0")


def password(answer: bytes) -> bytes:
    """PasswordMessage, SASLInitialResponse and SASLResponse share one type byte."""
    return frame(frames.PASSWORD, answer)


def sasl_initial(mechanism: bytes, answer: bytes) -> bytes:
    return password(mechanism + b"\0" + len(answer).to_bytes(4, "big") + answer)


FLUSH_MESSAGE: Final = frame(frames.FLUSH)
SYNC_MESSAGE: Final = frame(frames.SYNC)
TERMINATE_MESSAGE: Final = frame(frames.TERMINATE)
