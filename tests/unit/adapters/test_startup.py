"""The dialogue with a client, as a transcript of steps."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

import pytest

from adapters.wire_fakes import TOKEN
from jupyter_govern.errors import AuthenticationFailed
from jupyter_govern_gateway.adapters.postgresql.startup import Guest, Turned, client_dialogue
from jupyter_govern_gateway.adapters.steps import (
    CheckPassword,
    CountFailure,
    LookUpVerifiers,
    ReadFirstPacket,
    ReadMessage,
    SeesTLS,
    StartTLS,
    TakeToken,
    Write,
)
from jupyter_govern_gateway.codecs.postgresql.frames import Malformed
from jupyter_govern_gateway.codecs.postgresql.scram import ClientExchange
from jupyter_govern_gateway.codecs.postgresql.startup import (
    PROTOCOL_3_0,
    CancelRequest,
    cancel_request,
    ssl_request,
    startup_message,
)
from jupyter_govern_gateway.identity.scram import ScramVerifiers

SALT = b"s" * 16


class Client:
    """Plays the client of one dialogue."""

    def __init__(
        self, *packets: bytes, token: str = "token", tls: bool = True, cleartext: bool = False, channel: bytes = b"", direct: bool = False
    ) -> None:
        self.packets = list(packets)
        self.scram = ClientExchange(password=token, nonce=b"client")
        self.token = token
        self.heard = b""
        self.steps: list[Any] = []
        self.channel, self.is_direct = channel, direct
        self.dialogue = client_dialogue(has_tls=tls, takes_cleartext=cleartext, nonce=lambda: b"server", channel=channel)

    def run(self) -> Any:
        answer: Any = None
        problem: Exception | None = None
        while True:
            try:
                step = self.dialogue.throw(problem) if problem else self.dialogue.send(answer)
            except StopIteration as over:
                return over.value
            self.steps.append(step)
            problem = None
            try:
                answer = self.answer(step)
            except AuthenticationFailed as raised:
                problem = raised

    def answer(self, step: Any) -> Any:
        match step:
            case ReadFirstPacket():
                return self.packets.pop(0)[4:]
            case SeesTLS():
                return self.is_direct
            case Write(data=data):
                self.heard += data
            case LookUpVerifiers():
                salted = hashlib.pbkdf2_hmac("sha256", b"token", SALT, 4096)
                stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
                server = hmac.digest(salted, b"Server Key", "sha256")
                return ScramVerifiers(salt=SALT, iterations=4096, candidates=(("t1", stored, server),))
            case ReadMessage():
                return ord("p"), self.password_message()
            case TakeToken(token_id="t1"):
                return TOKEN
            case CheckPassword(password=password):
                if password != "token":
                    raise AuthenticationFailed("no")
                return TOKEN
        return None

    def password_message(self) -> bytes:
        if self.heard.endswith(b"R\0\0\0\x08\0\0\0\x03"):
            return self.token.encode() + b"\0"
        if self.heard.endswith(b"SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0") and self.scram.channel:
            first = self.scram.first()
            return b"SCRAM-SHA-256-PLUS\0" + len(first).to_bytes(4, "big") + first
        if self.heard.endswith(b"SCRAM-SHA-256\0\0"):
            first = self.scram.first()
            return b"SCRAM-SHA-256\0" + len(first).to_bytes(4, "big") + first
        return self.scram.final(self.heard[self.heard.rindex(b"r=client") :])


HELLO = startup_message({"user": "ana", "database": "shop"})


def test_scram_inside_tls() -> None:
    client = Client(ssl_request(), HELLO)
    guest = client.run()
    assert guest == Guest(token=TOKEN, version=PROTOCOL_3_0, parameters={"user": "ana", "database": "shop"}, is_encrypted=True)
    assert client.heard.startswith(b"S")
    assert StartTLS() in client.steps
    assert client.scram.verify(client.heard[client.heard.rindex(b"v=") :])


def test_gss_is_refused_and_tls_where_there_is_none() -> None:
    client = Client(b"\0\0\0\x08\x04\xd2\x16\x30", ssl_request(), HELLO, tls=False)
    assert not client.run().is_encrypted
    assert client.heard.startswith(b"NN")


def test_a_cancel_request_ends_the_dialogue() -> None:
    assert Client(ssl_request(), cancel_request(1, b"keys")).run() == CancelRequest(pid=1, key=b"keys")


@pytest.mark.parametrize("cleartext", [False, True])
def test_a_wrong_token_is_told_no_more_than_that(cleartext: bool) -> None:
    client = Client(ssl_request(), HELLO, token="wrong", cleartext=cleartext)
    with pytest.raises(Turned) as caught:
        client.run()
    assert caught.value.code == "28P01"
    assert str(caught.value) == 'password authentication failed for user "ana"'
    assert CountFailure(user="ana") in client.steps


def test_clear_passwords_only_inside_tls() -> None:
    inside = Client(ssl_request(), HELLO, cleartext=True)
    assert inside.run().is_encrypted
    assert CheckPassword(user="ana", password="token") in inside.steps
    outside = Client(HELLO, cleartext=True)
    outside.run()
    assert LookUpVerifiers(user="ana") in outside.steps


def test_newer_versions_and_options_are_negotiated() -> None:
    newer = startup_message({"user": "ana", "_pq_.x": "1"}, version=3 << 16 | 9)
    client = Client(newer)
    guest = client.run()
    assert client.heard.startswith(b"v\0\0\0\x13\0\3\0\2\0\0\0\1_pq_.x\0")
    assert (guest.version, guest.parameters) == (3 << 16 | 2, {"user": "ana"})


@pytest.mark.parametrize(
    ("packet", "code"),
    [
        (startup_message({}, version=2 << 16), "0A000"),
        (startup_message({"database": "shop"}), "28000"),
    ],
)
def test_who_is_turned_away(packet: bytes, code: str) -> None:
    with pytest.raises(Turned) as caught:
        Client(packet).run()
    assert caught.value.code == code


def test_a_client_that_only_asks_for_encryption_is_turned_away() -> None:
    with pytest.raises(Malformed):
        Client(*[ssl_request()] * 9).run()


def test_something_else_where_a_password_was_due() -> None:
    client = Client(HELLO)
    client.password_message = lambda: b"SCRAM-SHA-1\0\0\0\0\0"  # type: ignore[method-assign]
    with pytest.raises(Turned):
        client.run()
    client = Client(HELLO)
    client.password_message = lambda: b"SCRAM-SHA-256\0\0\0\0\x09x"  # type: ignore[method-assign]
    with pytest.raises(Malformed):
        client.run()


def test_direct_tls_needs_no_request() -> None:
    client = Client(HELLO, direct=True)
    assert client.run().is_encrypted
    assert client.steps[:2] == [SeesTLS(), StartTLS(is_direct=True)]
    assert not client.heard.startswith(b"S")


def test_a_log_in_is_bound_to_its_channel() -> None:
    client = Client(ssl_request(), HELLO, channel=b"certificate")
    client.scram = ClientExchange(password="token", nonce=b"client", channel=b"certificate")
    assert client.run().is_encrypted
    assert client.scram.verify(client.heard[client.heard.rindex(b"v=") :])


def test_another_certificate_than_ours_ends_the_log_in() -> None:
    client = Client(ssl_request(), HELLO, channel=b"certificate")
    client.scram = ClientExchange(password="token", nonce=b"client", channel=b"the attacker's")
    with pytest.raises(Malformed):
        client.run()


def test_an_offer_taken_out_on_the_way_is_seen() -> None:
    client = Client(ssl_request(), HELLO, channel=b"certificate")
    client.scram = ClientExchange(password="token", nonce=b"client", could_bind=True)
    with pytest.raises(Malformed, match="not offered it"):
        client.run()


def test_without_tls_no_binding_is_offered() -> None:
    client = Client(HELLO, channel=b"certificate")
    client.run()
    assert b"PLUS" not in client.heard
