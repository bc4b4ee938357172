"""What must hold whatever is said: only the two protocol errors come out, nothing goes to a target without a permit and a record,
and what is held stays within its bound. Raises AssertionError, or whatever else a defect raises.
"""

from __future__ import annotations

import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from adapters.play import Play

from jupyter_govern.errors import AuthenticationFailed, ClientProtocolError, RecordingFailed, TargetProtocolError
from jupyter_govern_gateway.adapters.postgresql.asking import REFUSED_TEXT
from jupyter_govern_gateway.adapters.postgresql.parameters import read_wishes
from jupyter_govern_gateway.adapters.postgresql.startup import client_dialogue
from jupyter_govern_gateway.adapters.steps import NeedPlan, ReadChannel, ReadFirstPacket, ReadMessage, SeesTLS
from jupyter_govern_gateway.codecs.postgresql import backend, fields, frontend
from jupyter_govern_gateway.codecs.postgresql.frames import HEADER, Malformed
from jupyter_govern_gateway.codecs.postgresql.scram import ClientExchange, ServerExchange
from jupyter_govern_gateway.codecs.postgresql.startup import StartupMessage, read_first_packet
from jupyter_govern_gateway.gate import Permit
from jupyter_govern_gateway.net.bounds import MAX_HELD, MAX_WHOLE

READERS: Final = (
    frontend.read_query, frontend.read_parse, frontend.read_bind, frontend.read_bind_names, frontend.read_target, frontend.read_execute,
    backend.read_row_description, backend.read_data_row, backend.read_parameter_status, backend.read_backend_key_data,
    backend.read_sasl_mechanisms, backend.read_negotiate_protocol_version, fields.read_fields,
)  # fmt: skip
SALT: Final = b"salt" * 4


def session(turns: list[tuple[str, bytes, list[int]]]) -> None:
    """A dialogue of a session that is open: turns of ("client" or "target", bytes, where they are cut)."""
    from tests.fuzz.dialogues import pieces

    with tempfile.TemporaryDirectory() as directory:
        play = Play(Path(directory))
        try:
            with suppress(Malformed, ClientProtocolError, TargetProtocolError):
                for who, data, cuts in turns:
                    feed = play.client_side.feed if who == "client" else play.target_side.feed
                    for piece in pieces(data, cuts):
                        feed(piece)
                        _plan(play)
                    _look(play)
            _look(play)
        finally:
            with suppress(RecordingFailed):
                play.x.end_everything("fuzz")
            play.house.recorder.close()


def _plan(play: Play) -> None:
    """Compile what is asked for at once, as the driver would."""
    while any(isinstance(step, NeedPlan) for step in play.x.steps):
        play.x.steps[:] = [step for step in play.x.steps if isinstance(step, NeedPlan)][:1]
        play.compile()
    play.x.steps.clear()


def _look(play: Play) -> None:
    asked = {operation.statement for operation in play.door.asked} | {operation.rewritten for operation in play.door.asked}
    for permitted in play.x.to_target:
        assert permitted.permits
        assert all(type(permit) is Permit for permit in permitted.permits)
        data = permitted.data
        while len(data) >= HEADER and data[0] == ord("Q"):
            size = 1 + int.from_bytes(data[1:5], "big")
            assert data[5 : size - 1].decode() in asked | {"", REFUSED_TEXT.decode()}
            data = data[size:]
    recorded = {entry["statement"] for entry in play.entries() if entry["type"] == "operation"}
    assert {operation.statement for operation in play.door.asked} <= recorded
    assert len(play.client_side._held) <= MAX_HELD + MAX_WHOLE
    assert len(play.target_side._held) <= MAX_HELD + MAX_WHOLE
    play.x.to_target.clear()
    play.x.to_client.clear()


def readers(data: bytes) -> None:
    """Every reader of a message: it reads, or says Malformed."""
    for read in READERS:
        with suppress(Malformed):
            read(data, 0, len(data))
    with suppress(Malformed):
        packet = read_first_packet(data)
        if isinstance(packet, StartupMessage) and packet.parameters.get("user"):
            with suppress(ClientProtocolError):
                read_wishes(packet.parameters)


def scram(data: bytes, more: bytes, *, is_bound: bool) -> None:
    """Both sides of SCRAM: nobody is let in by noise."""
    with suppress(Malformed):
        server = ServerExchange(salt=SALT, iterations=1, nonce=b"n", channel=b"c" if is_bound else b"", is_bound=is_bound)
        server.answer(data)
        assert server.check(more, (("t", b"k" * 32, b"s" * 32),)) is None
    client = ClientExchange(password="x", nonce=b"n")
    with suppress(Malformed):
        if b",i=" not in data or data.rsplit(b",i=", 1)[1] == b"1":  # not for the hash rounds
            client.final(data)
    assert not client.verify(more)


def arrival(packets: list[bytes], passwords: list[bytes], *, sees_tls: bool) -> None:
    """The dialogue before anybody is known: it ends in a protocol error or a refusal, or wants more; never with a guest."""
    dialogue = client_dialogue(has_tls=True, takes_cleartext=False, nonce=lambda: b"n")
    answer: Any = None
    with suppress(Malformed, ClientProtocolError, StopIteration):
        while True:
            step = dialogue.send(answer)
            match step:
                case SeesTLS():
                    answer = sees_tls
                case ReadFirstPacket() if packets:
                    answer = packets.pop(0)[4:]
                case ReadMessage() if passwords:
                    answer = ord("p"), passwords.pop(0)
                case ReadChannel():
                    answer = b"c"
                case ReadFirstPacket() | ReadMessage():
                    return
                case _:
                    answer = _verifiers(step)


def _verifiers(step: Any) -> Any:
    from jupyter_govern_gateway.adapters.steps import LookUpVerifiers, TakeToken
    from jupyter_govern_gateway.identity.scram import ScramVerifiers

    if isinstance(step, LookUpVerifiers):
        return ScramVerifiers(salt=SALT, iterations=4096, candidates=(("t", b"k" * 32, b"s" * 32),))
    if isinstance(step, TakeToken):
        raise AssertionError("noise was taken for a proof")
    if isinstance(step, AuthenticationFailed):
        raise step
    return None
