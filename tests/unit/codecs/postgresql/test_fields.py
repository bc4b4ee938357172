from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_govern_gateway.codecs.postgresql import fields
from jupyter_govern_gateway.codecs.postgresql.frames import ERROR_RESPONSE, HEADER, Malformed

letters = st.sampled_from("SVCMDHPpqWstcdnFLR")
texts = st.binary(min_size=1, max_size=40).filter(lambda raw: b"\0" not in raw)


@given(st.dictionaries(letters, texts, max_size=8))
def test_fields_come_back(found: dict[str, bytes]) -> None:
    message = fields.write_fields(ERROR_RESPONSE, found)
    assert fields.read_fields(message, HEADER, len(message)) == found


def test_a_nul_in_a_value_cannot_add_a_field() -> None:
    message = fields.write_fields(ERROR_RESPONSE, {"M": b"a\0Dsecret"})
    assert fields.read_fields(message, HEADER, len(message)) == {"M": b"a Dsecret"}


@pytest.mark.parametrize("body", [b"", b"Mx"])
def test_an_error_without_its_end_is_refused(body: bytes) -> None:
    with pytest.raises(Malformed):
        fields.read_fields(body, 0, len(body))


def test_our_own_errors_are_in_the_clients_encoding() -> None:
    message = fields.error("42501", "für Zoë", detail="d", hint="", position=3, encoding="iso8859-1")
    found = fields.read_fields(message, HEADER, len(message))
    assert found == {"S": b"ERROR", "V": b"ERROR", "C": b"42501", "M": "für Zoë".encode("latin-1"), "D": b"d", "P": b"3"}
    assert b"NOTICE" in fields.notice("01000", "hm")
