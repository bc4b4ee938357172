"""The dialogue with a target, as a transcript of steps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from adapters.play import Play, failed
from jupyter_govern.errors import TargetProtocolError
from jupyter_govern_gateway.adapters.postgresql.upstream import Login, TargetRefused, Welcome, target_dialogue
from jupyter_govern_gateway.adapters.steps import AnswerChallenge, ReadBytes, ReadChannel, ReadMessage, StartTLS, WriteToTarget
from jupyter_govern_gateway.codecs.postgresql import backend
from jupyter_govern_gateway.codecs.postgresql.startup import ssl_request
from jupyter_govern_gateway.gate import Permit

SECRET = "the target's own password"


@pytest.fixture
def permit(tmp_path: Path) -> Permit:
    return Play(tmp_path).x.permit


def login(**changes: Any) -> Login:
    given: dict[str, Any] = {"target": "shop", "user": "gateway", "database": "db", "uses_tls": False, "password": SECRET, "settings": {}}
    return Login(**(given | changes))


def run(dialogue: Any, *answers: Any) -> tuple[Any, list[Any]]:
    """Feed the answers to every step that wants one; the result and all steps."""
    left, answer = list(answers), None
    steps: list[Any] = []
    while True:
        try:
            step = dialogue.send(answer)
        except StopIteration as over:
            return over.value, steps
        steps.append(step)
        answer = left.pop(0) if isinstance(step, ReadMessage | ReadBytes | AnswerChallenge | ReadChannel) else None


def message(raw: bytes) -> tuple[int, bytes]:
    return raw[0], raw[5:]


OK = message(backend.AUTHENTICATION_OK)
STATUS = message(backend.parameter_status(b"server_version", b"18.6"))
KEY = message(backend.backend_key_data(7, b"keys"))
READY = message(backend.ready_for_query(backend.IDLE))
CLEAR = message(backend.AUTHENTICATION_CLEARTEXT)
MD5 = (ord("R"), b"\0\0\0\x05salt")


def test_trust(permit: Permit) -> None:
    welcome, steps = run(target_dialogue(login(), permit, b"n"), OK, STATUS, KEY, READY)
    assert welcome == Welcome(parameters={b"server_version": b"18.6"}, pid=7, key=b"keys", is_encrypted=False)
    written = [step for step in steps if isinstance(step, WriteToTarget)]
    assert all(step.permitted.permits == (permit,) for step in written)
    assert SECRET.encode() not in b"".join(step.permitted.data for step in written)


def test_tls_comes_first_and_there_is_no_way_around_it(permit: Permit) -> None:
    _, steps = run(target_dialogue(login(uses_tls=True), permit, b"n"), b"S", OK, KEY, READY)
    assert steps[0].permitted.data == ssl_request()
    assert steps[2] == StartTLS()
    with pytest.raises(TargetRefused, match="does not offer TLS"):
        run(target_dialogue(login(uses_tls=True), permit, b"n"), b"N")


def test_a_password_in_clear_goes_through_tls_only(permit: Permit) -> None:
    _, steps = run(target_dialogue(login(uses_tls=True), permit, b"n"), b"S", CLEAR, OK, KEY, READY)
    assert any(SECRET.encode() in s.permitted.data for s in steps if isinstance(s, WriteToTarget))
    with pytest.raises(TargetRefused, match="authentication"):
        run(target_dialogue(login(), permit, b"n"), CLEAR)


def test_md5(permit: Permit) -> None:
    _, steps = run(target_dialogue(login(), permit, b"n"), MD5, OK, KEY, READY)
    assert any(s.permitted.data.startswith(b"p\0\0\0\x28md5") for s in steps if isinstance(s, WriteToTarget))


def test_a_target_that_does_not_prove_itself_is_not_ours(permit: Permit) -> None:
    sasl = message(backend.authentication_sasl((b"SCRAM-SHA-256",)))
    more = message(backend.authentication_sasl_continue(b"r=n1,s=AAAA,i=1"))
    final = message(backend.authentication_sasl_final(b"v=AAAA"))
    with pytest.raises(TargetRefused):
        run(target_dialogue(login(), permit, b"n"), sasl, b"", more, b"proof", OK)
    with pytest.raises(TargetRefused):
        run(target_dialogue(login(), permit, b"n"), sasl, b"", more, b"proof", final, OK)


def first_answer(permit: Permit, mechanisms: tuple[bytes, ...], channel: bytes) -> bytes:
    """What the gateway answers to this offer."""
    steps: list[Any] = []
    dialogue = target_dialogue(login(), permit, b"n")
    answer: Any = None
    for given in (message(backend.authentication_sasl(mechanisms)), channel):
        while not isinstance(dialogue.send(answer), ReadMessage | ReadChannel):
            answer = None
        answer = given
    steps.append(dialogue.send(answer))
    return bytes(steps[0].permitted.data)


def test_the_log_in_at_a_target_is_bound_to_its_channel_where_both_can(permit: Permit) -> None:
    both = (b"SCRAM-SHA-256-PLUS", b"SCRAM-SHA-256")
    assert b"SCRAM-SHA-256-PLUS\0" in (bound := first_answer(permit, both, b"certificate"))
    assert b"p=tls-server-end-point,," in bound
    assert b"SCRAM-SHA-256\0\0\0\0\x09n,,n=,r=n" in first_answer(permit, both, b"")
    assert b"SCRAM-SHA-256\0\0\0\0\x09y,,n=,r=n" in first_answer(permit, (b"SCRAM-SHA-256",), b"certificate")


def test_an_older_protocol_is_taken_and_a_stranger_one_is_not(permit: Permit) -> None:
    def negotiated(version: int) -> tuple[int, bytes]:
        return ord("v"), version.to_bytes(4, "big") + bytes(4)

    for version in (3 << 16, 3 << 16 | 2, 2):
        welcome, _ = run(target_dialogue(login(), permit, b"n"), negotiated(version), OK, KEY, READY)
        assert welcome.pid == 7
    for version in (2 << 16, 3 << 16 | 3, 4 << 16):
        with pytest.raises(TargetProtocolError):
            run(target_dialogue(login(), permit, b"n"), negotiated(version), OK, KEY, READY)
    with pytest.raises(TargetRefused, match=r"does not take protocol 3\.2"):
        run(target_dialogue(login(), permit, b"n"), message(failed("08P01", "unsupported protocol version")))


@pytest.mark.parametrize(
    ("code", "said", "told"),
    [
        ("28P01", 'password authentication failed for user "gateway"', "28000"),
        ("28000", "no pg_hba.conf entry", "28000"),
        ("3D000", 'database "db" does not exist', "3D000"),
        ("53300", "sorry, too many clients already", "53300"),
        ("22023", 'invalid value for parameter "TimeZone"', "22023"),
        ("XX000", "internal", "08006"),
    ],
)
def test_what_the_client_is_told_of_a_refusal(permit: Permit, code: str, said: str, told: str) -> None:
    with pytest.raises(TargetRefused) as caught:
        run(target_dialogue(login(), permit, b"n"), message(failed(code, said)))
    assert caught.value.code == told
    assert SECRET not in str(caught.value)
    assert 'gateway"' not in str(caught.value)


def test_something_else_is_no_target(permit: Permit) -> None:
    with pytest.raises(TargetProtocolError):
        run(target_dialogue(login(), permit, b"n"), (ord("D"), b""))
    with pytest.raises(TargetProtocolError):
        run(target_dialogue(login(), permit, b"n"), OK, (ord("D"), b""))


def test_the_credential_is_in_no_representation() -> None:
    assert SECRET not in repr(login())
    assert "hash" not in repr(login(settings={"govern.hash_key": "hash"}))
