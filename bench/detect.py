"""`python -m bench.detect`: what content detection costs, in MB/s through may_hold and hide, on text like a shop's order notes.

Values come as they do from the wire: one big buffer is asked may_hold; only if it may are the values in it looked at one by one.
With google-re2 installed, the candidate patterns are also timed in both engines.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable
from importlib import import_module
from typing import Final

from jupyter_govern_gateway.detect.scanner import NAMES, Scanner
from jupyter_govern_gateway.detect.stream import Stream

SIZE: Final = 8 << 20
BUFFER: Final = 64 << 10
ROUNDS: Final = 3
WORDS: Final = (
    "please leave the parcel with our neighbour call before delivery gift wrap fragile replaced two of three items refund "
    "customer asks for an invoice second floor left size M blue returned damaged box late apology voucher"
).split()
HITS: Final = ("paid with 4111 1111 1111 1111", "mail ann.smith@example.com", "5500000000000004", "bob+shop@example.org")
SETS: Final = {
    "card+email": (["card", "email"], {}),
    **{name: ([name], {}) for name in sorted(NAMES)},
    "all": (sorted(NAMES), {}),
    "own": ([], {"order": "ORD-[0-9]{6}"}),
}
PATTERNS: Final = {
    "card": rb"[0-9](?:[ -]?[0-9]){12}",
    "card run": rb"[0-9][0-9 -]{12,}",
    "email": rb"@(?:[A-Za-z0-9\x80-\xff_-]{1,63}\.){1,6}?[A-Za-z]{2}",
    "iban": rb"[A-Z]{2}[0-9]{2}",
    "phone": rb"\+\(?[0-9](?:[ ./()-]{0,3}[0-9]){7,14}",
    "key": rb"eyJ[A-Za-z0-9_-]{6,180}\.eyJ|AKIA[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{36}|AIza[0-9A-Za-z_-]{35}",
}


def main() -> int:
    texts = {share: _notes(share) for share in (0.0, 0.01, 0.1)}
    print(f"{'may_hold + hide, MB/s':24}" + "".join(f"{share:>12.0%}" for share in texts))
    for title, (names, own) in SETS.items():
        scanner = Scanner(names, own)
        print(f"{title:24}" + "".join(f"{_rate(lambda s=scanner, v=values: _values(s, v)):12.0f}" for values in texts.values()))  # type: ignore[misc]
    scanner = Scanner(["card", "email"])
    wholes = {share: [b"\t".join(values)] for share, values in texts.items()}
    rates = (_rate(lambda v=values: scanner.hide(v[0])) for values in wholes.values())  # type: ignore[misc]
    print(f"{'one text, card+email':24}" + "".join(f"{rate:12.0f}" for rate in rates))
    rates = (_rate(lambda v=values: _stream(scanner, v[0])) for values in wholes.values())  # type: ignore[misc]
    print(f"{'Stream, card+email':24}" + "".join(f"{rate:12.0f}" for rate in rates))
    _engines(wholes[0.01][0])
    return 0


def _notes(share: float) -> list[bytes]:
    """share: of the notes that hold a hit."""
    chance = random.Random(7)
    notes, size = [], 0
    while size < SIZE:
        words = chance.choices(WORDS, k=chance.randint(6, 30))
        day = f"2024-0{chance.randint(1, 9)}-1{chance.randint(0, 9)}"
        words.insert(3, f"order {chance.randint(10000, 99999)} of {day}, {size % 90}.50 EUR,")
        if chance.random() < share:
            words.insert(5, chance.choice(HITS))
        notes.append(" ".join(words).encode())
        size += len(notes[-1])
    return notes


def _buffers(values: list[bytes]) -> list[list[bytes]]:
    each = max(1, BUFFER * len(values) // SIZE)
    return [values[at : at + each] for at in range(0, len(values), each)]


def _values(scanner: Scanner, values: list[bytes]) -> None:
    for part in _buffers(values):
        if scanner.may_hold(b"\0".join(part)):
            for value in part:
                scanner.hide(value)


def _stream(scanner: Scanner, data: bytes) -> None:
    stream = Stream(scanner)
    for at in range(0, len(data), BUFFER):
        stream.feed(data[at : at + BUFFER])
    stream.finish()


def _rate(work: Callable[[], object]) -> float:
    best = float("inf")
    for _ in range(ROUNDS):
        started = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - started)
    return SIZE / best / 1e6


def _engines(data: bytes) -> None:
    try:
        re2 = import_module("re2")
    except ImportError:
        print("google-re2 is not installed: engines are not compared")
        return
    print(f"{'finditer, MB/s':24}{'re':>12}{'re2':>12}")
    for name, source in PATTERNS.items():
        rates = (_rate(lambda p=pattern: list(p.finditer(data))) for pattern in (re.compile(source), re2.compile(source)))  # type: ignore[misc]
        print(f"{name:24}" + "".join(f"{rate:12.0f}" for rate in rates))


if __name__ == "__main__":
    raise SystemExit(main())
