"""Replacing stretches of a text: all at once, with the way back for error positions. Pure; offsets are bytes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Splice:
    start: int
    stop: int
    text: str


def spliced(source: str, splices: list[Splice]) -> str:
    """The text with all splices made; they must not overlap."""
    raw, out, at = source.encode(), [], 0
    for splice in sorted(splices):
        if splice.start < at:
            raise ValueError("splices overlap")
        out += [raw[at : splice.start], splice.text.encode()]
        at = splice.stop
    out.append(raw[at:])
    return b"".join(out).decode()


def original_position(source: str, result: str, splices: list[Splice], position: int) -> int:
    """A 1-based character position in the result, as one in the source; inside a splice it is where that began. 0 stays 0."""
    if position <= 0 or not splices:
        return position
    target = len(result[: position - 1].encode())
    shift = 0
    for splice in sorted(splices):
        begin = splice.start + shift
        size = len(splice.text.encode())
        if target < begin:
            break
        if target < begin + size:
            return len(source.encode()[: splice.start].decode()) + 1
        shift += size - (splice.stop - splice.start)
    return len(source.encode()[: target - shift].decode(errors="ignore")) + 1
