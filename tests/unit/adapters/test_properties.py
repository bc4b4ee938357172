"""Properties of the session machine: chunking changes nothing, garbage does nothing, nothing goes to a target without a permit."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.play import (
    BOUND,
    NO_PARAMETERS,
    PARSED,
    SYNC,
    Play,
    bind,
    columns,
    complete,
    describe,
    execute,
    failed,
    parse,
    query,
    ready,
    row,
)
from jupyter_govern.errors import TargetProtocolError
from jupyter_govern_gateway.adapters.steps import Permitted
from jupyter_govern_gateway.codecs.postgresql.frames import Malformed
from jupyter_govern_gateway.gate import Permit

CLIENT = [
    query("select 1"),
    query("drop table t"),
    query("select email from customers"),
    parse("select $1", "s") + bind("s", "", b"v") + describe("P") + execute() + SYNC,
    query("SET govern.cell TO '{}'"),
]
TARGET = [
    columns("n") + row(b"1") * 3 + complete("SELECT 3") + ready(),
    failed() + ready(),
    columns("email") + row(b"***") + complete("SELECT 1") + ready(),
    PARSED + NO_PARAMETERS + columns("n") + BOUND + columns("n") + row(b"x" * 300) + complete("SELECT 1") + ready(),
    b"I\0\0\0\x04" + ready(),
]


@contextmanager
def fresh() -> Iterator[Play]:
    with tempfile.TemporaryDirectory() as directory:
        play = Play(Path(directory))
        yield play
        play.house.recorder.close()


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    points = sorted({cut % (len(data) + 1) for cut in cuts} | {0, len(data)})
    return [data[a:b] for a, b in pairwise(points)]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 10_000), max_size=40), st.lists(st.integers(0, 10_000), max_size=40))
def test_any_chunking_gives_the_same_bytes(client_cuts: list[int], target_cuts: list[int]) -> None:
    with fresh() as whole, fresh() as cut:
        sent = whole.client(*CLIENT)
        said = whole.target(*TARGET)
        assert b"".join(cut.client(piece) for piece in pieces(b"".join(CLIENT), client_cuts)) == sent
        assert b"".join(cut.target(piece) for piece in pieces(b"".join(TARGET), target_cuts)) == said


def test_byte_by_byte() -> None:
    with fresh() as whole, fresh() as cut:
        sent, said = whole.client(*CLIENT), whole.target(*TARGET)
        assert b"".join(cut.client(bytes((b,))) for b in b"".join(CLIENT)) == sent
        assert b"".join(cut.target(bytes((b,))) for b in b"".join(TARGET)) == said


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=400))
def test_garbage_from_a_client_is_refused_or_held_and_never_reaches_the_target(garbage: bytes) -> None:
    with fresh() as play:
        with suppress(Malformed):
            play.client_side.feed(garbage)
        sent = play.sent()
        # what got through is a message that some statement or control message stands for, whole
        assert len(sent) <= len(garbage) + 200 * (1 + garbage.count(b"Q") + garbage.count(b"P"))
        at = 0
        while at < len(sent):
            at += 1 + int.from_bytes(sent[at + 1 : at + 5], "big")
        assert at == len(sent)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(CLIENT), st.integers(0, 200), st.integers(0, 255))
def test_a_flipped_byte_never_runs_something_that_is_not_on_record(message: bytes, at: int, value: int) -> None:
    damaged = bytearray(message)
    damaged[at % len(damaged)] = value
    with fresh() as play:
        with suppress(Malformed):
            play.client_side.feed(bytes(damaged))
        sent = play.sent()
        asked = [operation.statement for operation in play.door.asked]
        recorded = [entry["statement"] for entry in play.entries() if entry["type"] == "operation"]
        assert asked == recorded
        # a Query carries its statement to the target: it must be one of those (or one of our own constants)
        while sent:
            size = 1 + int.from_bytes(sent[1:5], "big")
            if sent[0] == ord("Q"):
                text = sent[5 : size - 1].decode()
                ours = {"", "refused by jupyter-govern"} | {op.rewritten for op in play.door.asked}
                assert text in asked or text in ours
            sent = sent[size:]


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300))
def test_garbage_from_a_target_ends_the_session_and_gives_the_client_no_row(garbage: bytes) -> None:
    with fresh() as play:
        play.client(query("drop table t"))
        with suppress(TargetProtocolError):
            play.target_side.feed(garbage)
        assert b"D" not in {bytes((kind,)) for kind in first_bytes(play.said())}


def first_bytes(data: bytes) -> Iterator[int]:
    while len(data) >= 5:
        yield data[0]
        data = data[1 + int.from_bytes(data[1:5], "big") :]


class Pretender:
    """Looks like a permit."""

    operation = None
    limits = ()
    wants_rows = False


@pytest.mark.parametrize("permits", [(), (None,), (Pretender(),), (object(),)])
def test_bytes_for_a_target_need_a_permit(permits: tuple[object, ...]) -> None:
    with pytest.raises(PermissionError):
        Permitted(b"x", permits)  # type: ignore[arg-type]


def test_a_permit_cannot_be_made_nor_subclassed_into_one() -> None:
    class Forged(Permit):
        def __init__(self) -> None:
            """Without the gate's key."""

    with pytest.raises(PermissionError):
        Permitted(b"x", (Forged(),))
    with pytest.raises(PermissionError):
        Permit(object(), session=None, operation=None, limits=(), budget=0, clock=lambda: 0.0)  # type: ignore[arg-type]


def test_every_byte_to_the_target_carries_its_permits() -> None:
    with fresh() as play:
        play.client_side.feed(b"".join(CLIENT))
        for permitted in play.x.to_target:
            assert permitted.permits
            assert all(type(permit) is Permit for permit in permitted.permits)
        statements = {p.operation.statement for out in play.x.to_target for p in out.permits if p.operation is not None}
        assert statements == {"select 1", "select email from customers", "select $1"}
