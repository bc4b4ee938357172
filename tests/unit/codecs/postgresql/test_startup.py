from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_govern_gateway.codecs.postgresql.frames import Malformed
from jupyter_govern_gateway.codecs.postgresql.startup import (
    PROTOCOL_3_0,
    CancelRequest,
    GSSENCRequest,
    SSLRequest,
    StartupMessage,
    cancel_request,
    negotiate_protocol_version,
    read_first_packet,
    ssl_request,
    startup_message,
)

words = st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=20)


@given(st.dictionaries(words.filter(bool), words, max_size=5))
def test_a_startup_message_comes_back(parameters: dict[str, str]) -> None:
    made = startup_message(parameters)
    assert int.from_bytes(made[:4], "big") == len(made)
    assert read_first_packet(made[4:]) == StartupMessage(version=PROTOCOL_3_0, parameters=parameters)


def test_requests_come_back() -> None:
    assert read_first_packet(ssl_request()[4:]) == SSLRequest()
    assert read_first_packet(b"\x04\xd2\x16\x30") == GSSENCRequest()
    assert read_first_packet(cancel_request(7, b"k" * 32)[4:]) == CancelRequest(pid=7, key=b"k" * 32)


def test_values_cannot_smuggle_another_parameter() -> None:
    with pytest.raises(Malformed):
        startup_message({"user": "ana\0role\0postgres"})


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\0\3\0\0",
        b"\0\3\0\0user\0ana\0",
        b"\0\3\0\0user\0\0",
        b"\0\3\0\0user\0ana\0user\0eve\0\0",
        b"\0\3\0\0\0ana\0\0",
        b"\0\3\0\0user\0\xff\0\0",
        b"\x04\xd2\x16\x2e\0\0\0\1",
        b"\x04\xd2\x16\x2e\0\0\0\1" + b"k" * 257,
        b"\x04\xd2\x16\x2fx",
        b"GET / HTTP/1.1\r\n",
        b"\x16\x03\x01\x02\x00",
    ],
)
def test_other_packets_are_refused(body: bytes) -> None:
    with pytest.raises(Malformed):
        read_first_packet(body)


@given(st.binary(max_size=300))
def test_garbage_is_read_or_refused(body: bytes) -> None:
    with suppress(Malformed):
        read_first_packet(body)


def test_negotiation_says_the_whole_version() -> None:
    assert negotiate_protocol_version(196610, ["_pq_.x"]) == b"v\0\0\0\x13\0\3\0\2\0\0\0\1_pq_.x\0"
