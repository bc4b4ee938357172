"""The fields of ErrorResponse and NoticeResponse: one letter each, in the order in which they came.

Knows the layout and what the letters are called; which fields a client may see is decided elsewhere.
"""

from __future__ import annotations

from typing import Final

from jupyter_govern_gateway.codecs.postgresql.frames import ERROR_RESPONSE, NOTICE_RESPONSE, Malformed, frame

SEVERITY: Final = "S"
SEVERITY_NONLOCALIZED: Final = "V"
CODE: Final = "C"
MESSAGE: Final = "M"
DETAIL: Final = "D"
HINT: Final = "H"
POSITION: Final = "P"
INTERNAL_POSITION: Final = "p"
INTERNAL_QUERY: Final = "q"
WHERE: Final = "W"
SCHEMA: Final = "s"
TABLE: Final = "t"
COLUMN: Final = "c"
DATA_TYPE: Final = "d"
CONSTRAINT: Final = "n"
FILE: Final = "F"
LINE: Final = "L"
ROUTINE: Final = "R"

Fields = dict[str, bytes]


def read_fields(data: bytes, at: int, end: int) -> Fields:
    """The fields of a body. Values stay bytes: their encoding is the session's."""
    if at >= end or data[end - 1] != 0:
        raise Malformed("an error without its end")
    found: Fields = {}
    for part in data[at : end - 1].split(b"\0"):
        if part:
            found[chr(part[0])] = part[1:]
    return found


def write_fields(kind: int, fields: Fields) -> bytes:
    """The message again. A NUL in a value would end it early, so it becomes a blank."""
    body = b"".join(letter.encode() + value.replace(b"\0", b" ") + b"\0" for letter, value in fields.items())
    return frame(kind, body + b"\0")


def error(
    code: str,
    message: str,
    *,
    severity: str = "ERROR",
    detail: str = "",
    hint: str = "",
    position: int = 0,
    encoding: str = "utf-8",
) -> bytes:
    """An ErrorResponse of our own, in the client's encoding."""
    fields = {SEVERITY: severity, SEVERITY_NONLOCALIZED: severity, CODE: code, MESSAGE: message, DETAIL: detail, HINT: hint}
    if position > 0:
        fields[POSITION] = str(position)
    return write_fields(ERROR_RESPONSE, _encoded(fields, encoding))


def notice(code: str, message: str, *, severity: str = "NOTICE", detail: str = "", hint: str = "", encoding: str = "utf-8") -> bytes:
    """A NoticeResponse of our own, in the client's encoding."""
    fields = {SEVERITY: severity, SEVERITY_NONLOCALIZED: severity, CODE: code, MESSAGE: message, DETAIL: detail, HINT: hint}
    return write_fields(NOTICE_RESPONSE, _encoded(fields, encoding))


def _encoded(fields: dict[str, str], encoding: str) -> Fields:
    return {letter: value.encode(encoding, "replace") for letter, value in fields.items() if value}
