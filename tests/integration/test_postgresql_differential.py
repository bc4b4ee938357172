"""The gateway answers as PostgreSQL itself does: random message flows, sent to both, compared message by message.

What only the gateway changes (refusals, masks) is left out here, so that every difference is a defect of the wire.
"""

from __future__ import annotations

import random
import select
import socket
import struct
from collections.abc import Iterator
from contextlib import suppress

import psycopg
import pytest
from pgwire_rig import Rig


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    with Rig() as started:
        with psycopg.connect(started.postgres.conninfo(), autocommit=True) as direct:
            direct.execute("grant all on all tables in schema public to gateway")
        yield started


def message(kind: bytes, body: bytes = b"") -> bytes:
    return kind + struct.pack("!i", len(body) + 4) + body


TEXTS = [
    b"select 1", b"select n from generate_series(1, 5) n", b"select $1::int + 1", b"selec", b"select 1/0", b"select no_such",
    b"begin", b"commit", b"rollback", b"savepoint a", b"rollback to a", b"", b"set search_path to public", b"show datestyle",
    b"select id, total from orders limit 3", b"select 1; select 2", b"select 1; select 1/0; select 3", b"set local datestyle to sql",
    b"prepare sp as select 7", b"execute sp", b"deallocate sp", b"copy orders (id) to stdout", b"select id into temp tt from orders",
    b"copy (select 1) to stdout", b"declare c cursor for select 1", b"fetch c", b"close c", b"deallocate all", b"set nonsense to 1",
]  # fmt: skip
NAMES = [b"", b"", b"s", b"t"]
PORTALS = [b"", b"", b"p"]


def some_message(rng: random.Random, texts: list[bytes]) -> bytes:
    text, name, portal = rng.choice(texts), rng.choice(NAMES), rng.choice(PORTALS)
    match rng.choice("QQPPPBBBBEEEEDDCHSSSS"):
        case "Q":
            return message(b"Q", text + b"\0")
        case "P":
            return message(b"P", name + b"\0" + text + b"\0\0\0")
        case "B":
            values = [b"\0\0", b"\0\1\0\0\0\x015"]
            return message(b"B", portal + b"\0" + name + b"\0\0\0" + rng.choice(values) + b"\0\0")
        case "E":
            return message(b"E", portal + b"\0" + struct.pack("!i", rng.choice([0, 0, 2])))
        case "D":
            return message(b"D", rng.choice([b"S" + name, b"P" + portal]) + b"\0")
        case "C":
            return message(b"C", rng.choice([b"S" + name, b"P" + portal]) + b"\0")
        case "H":
            return message(b"H")
    return message(b"S")


def answers(conninfo: str, blocks: list[bytes]) -> list[str]:
    """What comes back for the blocks: types, and SQLSTATEs, tags and states where they have some."""
    with psycopg.connect(conninfo, autocommit=True) as connection, socket.socket(fileno=_dup(connection)) as sock:
        sock.setblocking(True)
        sock.settimeout(15)
        got = b""
        for block in blocks:
            sock.sendall(block)
            if len(blocks) > 1 and select.select([sock], [], [], 0.002)[0]:
                got += sock.recv(1 << 20)
        sock.sendall(message(b"S") + message(b"Q", b"rollback\0") + message(b"Q", b"select 'the end'\0"))
        while b"the end" not in got or not got.endswith(message(b"Z", got[-1:])):
            got += sock.recv(1 << 20)
        with suppress(OSError):
            sock.sendall(message(b"X"))
    return list(_read(got))


def _dup(connection: psycopg.Connection[object]) -> int:
    import os

    return os.dup(connection.fileno())


def _read(data: bytes) -> Iterator[str]:
    while data:
        kind, size = chr(data[0]), 1 + int.from_bytes(data[1:5], "big")
        body = data[5:size]
        data = data[size:]
        if kind == "E":
            fields = {part[:1]: part[1:] for part in body.split(b"\0") if part}
            yield f"E {fields[b'C'].decode()} {fields.get(b'P', b'').decode()}"
        elif kind in "CDZdt":
            yield f"{kind} {body!r}"
        elif kind not in "SN":
            yield kind


@pytest.mark.parametrize("who", ["ana", "ben"])
@pytest.mark.parametrize("seed", range(40))
def test_the_same_answers_in_the_same_order(rig: Rig, who: str, seed: int) -> None:
    rng = random.Random(seed)
    # EXECUTE of what was not prepared is refused before PostgreSQL can say so, where statements must be judged
    texts = [text for text in TEXTS if who == "ben" or not text.startswith(b"execute")]
    messages = [some_message(rng, texts) for _ in range(rng.randint(3, 30))]
    # all at once, so that nothing is answered before the next is decided; or bit by bit
    blocks = [b"".join(messages)] if seed % 2 else messages
    direct = f"host=127.0.0.1 port={rig.postgres.port} user=gateway password=target-password dbname=postgres sslmode=disable"
    expected = answers(direct, blocks)
    assert answers(rig.conninfo(who, sslmode="disable"), blocks) == expected
