from __future__ import annotations

import base64
import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_govern_gateway.codecs.postgresql.frames import Malformed
from jupyter_govern_gateway.codecs.postgresql.scram import ClientExchange, ServerExchange, read_client_first, saslprep

SALT, ROUNDS = b"salt" * 4, 4096


def keys(password: str) -> tuple[bytes, bytes]:
    salted = hashlib.pbkdf2_hmac("sha256", saslprep(password), SALT, ROUNDS)
    client = hmac.digest(salted, b"Client Key", "sha256")
    return hashlib.sha256(client).digest(), hmac.digest(salted, b"Server Key", "sha256")


VERIFIERS = (("one", *keys("token one")), ("two", *keys("token two")))


def test_rfc_7677_example() -> None:
    """The example of section 3, with its user name in place of PostgreSQL's empty one."""
    exchange = ClientExchange(password="pencil", nonce=b"rOprNGfwEbeRWgbNEkqO")
    exchange.first()
    exchange._bare = b"n=user,r=rOprNGfwEbeRWgbNEkqO"
    first = b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
    final = exchange.final(first)
    assert final.endswith(b",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")
    assert exchange.verify(b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")
    assert not exchange.verify(b"v=AAAATRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")


@pytest.mark.parametrize(("password", "expected"), [("token one", "one"), ("token two", "two"), ("neither", None)])
def test_the_proof_tells_which_of_a_persons_tokens_it_was(password: str, expected: str | None) -> None:
    server = ServerExchange(salt=SALT, iterations=ROUNDS, nonce=b"server")
    client = ClientExchange(password=password, nonce=b"client")
    proof = client.final(server.answer(client.first()))
    found = server.check(proof, VERIFIERS)
    if expected is None:
        assert found is None
    else:
        assert found is not None
        assert found[0] == expected
        assert client.verify(found[1])


def test_a_proof_of_another_exchange_is_refused() -> None:
    server, other = (ServerExchange(salt=SALT, iterations=ROUNDS, nonce=nonce) for nonce in (b"one", b"two"))
    client = ClientExchange(password="token one", nonce=b"client")
    proof = client.final(server.answer(client.first()))
    other.answer(client.first())
    with pytest.raises(Malformed):
        other.check(proof, VERIFIERS)


def test_a_proof_before_the_first_message_is_refused() -> None:
    with pytest.raises(Malformed):
        ServerExchange(salt=SALT, iterations=ROUNDS, nonce=b"n").check(b"c=biws,r=n,p=" + base64.b64encode(bytes(32)), VERIFIERS)


@pytest.mark.parametrize("first", [b"", b"p=tls-unique,,n=,r=x", b"n,a=eve,n=,r=x", b"n,,r=x", b"n,,n=,r=", b"n,,n=,r=a b"])
def test_other_first_messages_are_refused(first: bytes) -> None:
    with pytest.raises(Malformed):
        read_client_first(first)


@pytest.mark.parametrize(
    "challenge",
    [
        b"",
        b"r=client,s=AAAA,i=4096",
        b"r=other1,s=AAAA,i=4096",
        b"r=client1,s=!,i=4096",
        b"r=client1,s=AAAA,i=0",
        b"r=client1,s=AAAA,i=99999999999",
    ],
)
def test_a_target_that_is_not_ours_is_refused(challenge: bytes) -> None:
    exchange = ClientExchange(password="x", nonce=b"client")
    exchange.first()
    with pytest.raises(Malformed):
        exchange.final(challenge)


def test_nothing_is_verified_before_there_was_a_proof() -> None:
    assert not ClientExchange(password="x", nonce=b"n").verify(b"")


@given(st.binary(max_size=120))
def test_garbage_is_refused(data: bytes) -> None:
    server = ServerExchange(salt=SALT, iterations=ROUNDS, nonce=b"server")
    server.answer(b"n,,n=,r=client")
    with pytest.raises(Malformed):
        server.check(data, VERIFIERS)


def test_saslprep() -> None:
    assert saslprep("plain") == b"plain"
    assert saslprep("\u2168\u00a0\u00ad") == b"IX "


@pytest.mark.parametrize(("theirs", "ours", "fits"), [(b"one", b"one", True), (b"one", b"two", False)])
def test_a_proof_is_bound_to_the_channel(theirs: bytes, ours: bytes, fits: bool) -> None:
    server = ServerExchange(salt=SALT, iterations=ROUNDS, nonce=b"server", channel=ours, is_bound=True)
    client = ClientExchange(password="token one", nonce=b"client", channel=theirs)
    proof = client.final(server.answer(client.first()))
    if fits:
        assert server.check(proof, VERIFIERS) is not None
        return
    with pytest.raises(Malformed):
        server.check(proof, VERIFIERS)


def test_the_binding_is_that_of_the_mechanism() -> None:
    bound, unbound = ClientExchange(password="x", nonce=b"c", channel=b"one").first(), ClientExchange(password="x", nonce=b"c").first()
    with pytest.raises(Malformed):
        ServerExchange(salt=SALT, iterations=ROUNDS, nonce=b"s", channel=b"one").answer(bound)
    with pytest.raises(Malformed):
        ServerExchange(salt=SALT, iterations=ROUNDS, nonce=b"s", channel=b"one", is_bound=True).answer(unbound)
    ServerExchange(salt=SALT, iterations=ROUNDS, nonce=b"s", channel=b"one").answer(unbound)
