"""A dialogue test reads like a transcript: what arrives, what leaves, in order. Also the small messages of both sides."""

from __future__ import annotations

import itertools
import struct
from pathlib import Path

from adapters.wire_fakes import ANA, TOKEN, FakeDoor, compile_text, make_house
from jupyter_govern.errors import Blocked, SyntaxProblem
from jupyter_govern.model import Decision
from jupyter_govern_gateway.adapters.postgresql.client_side import ClientSide
from jupyter_govern_gateway.adapters.postgresql.exchange import Exchange
from jupyter_govern_gateway.adapters.postgresql.naming import SessionNaming
from jupyter_govern_gateway.adapters.postgresql.sampling import read_rows
from jupyter_govern_gateway.adapters.postgresql.target_side import TargetSide
from jupyter_govern_gateway.adapters.steps import NeedPlan, Step
from jupyter_govern_gateway.codecs.postgresql import backend, fields
from jupyter_govern_gateway.codecs.postgresql.frames import frame

_NUMBERS = itertools.count()
ALLOW = Decision(effect="allow", rules=(), reason="")


class Play:
    """A session between what the test says the client sends and what the test says the target answers."""

    def __init__(self, directory: Path, *, is_kernel: bool = False, **door: object) -> None:
        self.house = make_house(directory)
        record = self.house.gate.open_session(
            identifier=f"s{next(_NUMBERS)}", actor=ANA, target="shop", protocol="postgresql", client="test", token=TOKEN,
            read_rows=read_rows,
        )  # fmt: skip
        self.record = record
        self.door = FakeDoor(house=self.house, record=record, **door)  # type: ignore[arg-type]
        self.x = Exchange(
            door=self.door,
            permit=self.house.gate.permit_connection(record, ALLOW),
            naming=SessionNaming(),
            codec="utf-8",
            is_kernel=is_kernel,
        )
        self.client_side = ClientSide(self.x)
        self.target_side = TargetSide(self.x, self.client_side)

    def client(self, *messages: bytes) -> bytes:
        """The client sends; what the target gets."""
        self.client_side.feed(b"".join(messages))
        return self.sent()

    def target(self, *messages: bytes) -> bytes:
        """The target answers; what the client gets."""
        self.target_side.feed(b"".join(messages))
        return self.said()

    def sent(self) -> bytes:
        """What has gone to the target since the last look."""
        data = b"".join(permitted.data for permitted in self.x.to_target)
        self.x.to_target.clear()
        return data

    def said(self) -> bytes:
        """What the client has got since the last look."""
        data = b"".join(self.x.to_client)
        self.x.to_client.clear()
        return data

    def steps(self) -> list[Step]:
        """What the driver was asked to do since the last look."""
        steps = self.x.steps[:]
        self.x.steps.clear()
        return steps

    def compile(self) -> None:
        """Do the compilation that was asked for."""
        (step,) = self.steps()
        assert isinstance(step, NeedPlan)
        found: object
        try:
            found = compile_text(step.text)
        except (Blocked, SyntaxProblem) as problem:
            found = problem
        self.client_side.planned(step.ticket, step.text, found)  # type: ignore[arg-type]

    def entries(self) -> list[dict[str, object]]:
        """The session's recording so far."""
        import json

        return [json.loads(line) for line in self.record.recording.chain.path.read_text().splitlines()]


# -- what clients send ----------------------------------------------------------------------------


def query(text: str) -> bytes:
    return frame(ord("Q"), text.encode() + b"\0")


def parse(text: str, name: str = "") -> bytes:
    return frame(ord("P"), name.encode() + b"\0" + text.encode() + b"\0\0\0")


def bind(statement: str = "", portal: str = "", *values: bytes | None) -> bytes:
    body = portal.encode() + b"\0" + statement.encode() + b"\0\0\0" + struct.pack("!h", len(values))
    for value in values:
        body += struct.pack("!i", -1) if value is None else struct.pack("!i", len(value)) + value
    return frame(ord("B"), body + b"\0\0")


def describe(kind: str, name: str = "") -> bytes:
    return frame(ord("D"), kind.encode() + name.encode() + b"\0")


def execute(portal: str = "", most: int = 0) -> bytes:
    return frame(ord("E"), portal.encode() + b"\0" + struct.pack("!i", most))


def close(kind: str, name: str = "") -> bytes:
    return frame(ord("C"), kind.encode() + name.encode() + b"\0")


SYNC = frame(ord("S"))
FLUSH = frame(ord("H"))
BYE = frame(ord("X"))
COPY_DONE = frame(ord("c"))


def copy_data(data: bytes) -> bytes:
    return frame(ord("d"), data)


# -- what targets send ----------------------------------------------------------------------------

PARSED = frame(ord("1"))
BOUND = frame(ord("2"))
CLOSED = frame(ord("3"))
NO_DATA = frame(ord("n"))
EMPTY = frame(ord("I"))
SUSPENDED = frame(ord("s"))
NO_PARAMETERS = frame(ord("t"), b"\0\0")
COPY_IN = frame(ord("G"), b"\0\0\0")
COPY_OUT = frame(ord("H"), b"\0\0\0")


def columns(*names: str, origin: tuple[int, int] = (0, 0)) -> bytes:
    body = struct.pack("!h", len(names))
    for name in names:
        body += name.encode() + b"\0" + struct.pack("!ihihih", *origin, 25, -1, -1, 0)
    return frame(ord("T"), body)


def row(*values: bytes | None) -> bytes:
    body = struct.pack("!h", len(values))
    for value in values:
        body += struct.pack("!i", -1) if value is None else struct.pack("!i", len(value)) + value
    return frame(ord("D"), body)


def complete(tag: str) -> bytes:
    return backend.command_complete(tag.encode())


def ready(status: str = "I") -> bytes:
    return backend.ready_for_query(ord(status))


def failed(code: str = "42601", message: str = 'syntax error at or near "refused"', **more: str) -> bytes:
    found = {"S": "ERROR", "V": "ERROR", "C": code, "M": message, **more}
    return fields.write_fields(ord("E"), {letter: value.encode() for letter, value in found.items()})


# -- reading what came out --------------------------------------------------------------------------


def kinds(data: bytes) -> str:
    """The types of the messages, in order."""
    found = ""
    while data:
        found += chr(data[0])
        data = data[1 + int.from_bytes(data[1:5], "big") :]
    return found


def error_in(data: bytes) -> dict[str, str]:
    """The fields of the first error or notice."""
    while data:
        size = 1 + int.from_bytes(data[1:5], "big")
        if data[0] in b"EN":
            return {k: v.decode() for k, v in fields.read_fields(data, 5, size).items()}
        data = data[size:]
    raise AssertionError("no error in there")
