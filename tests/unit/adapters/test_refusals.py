from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_govern.errors import Blocked, Declined, SyntaxProblem, Withdrawn
from jupyter_govern.model import RuleRef
from jupyter_govern_gateway.adapters.postgresql.refusals import WITHHELD, filtered, mapped_position, refusal_of

RULE = RuleRef(name="r", because="b")


def test_codes() -> None:
    assert refusal_of(Blocked("no", rules=(RULE,), hint="ask")).code == "42501"
    assert refusal_of(Blocked("no", rules=(RULE,))).detail == 'rule "r": b'
    assert refusal_of(Withdrawn("gone")).code == "57014"
    assert refusal_of(SyntaxProblem("what", 7)).position == 7
    assert "approver" in refusal_of(Declined("no")).hint


def test_nothing_masked_nothing_changed() -> None:
    fields = {"C": b"22P02", "M": b'bad "x"', "D": b"x"}
    assert not filtered(fields, touches_masked=False, may_quote_raw=False)
    assert fields["D"] == b"x"


def test_reading_masked_data_loses_details_only() -> None:
    fields = {"C": b"22P02", "M": b'bad "***"', "D": b"x", "W": b"x", "q": b"x", "p": b"1"}
    assert filtered(fields, touches_masked=True, may_quote_raw=False)
    assert fields == {"C": b"22P02", "M": b'bad "***"'}


@pytest.mark.parametrize(
    ("code", "message", "left"),
    [
        (b"22P02", b'invalid input syntax for type integer: "ra"w"', b'invalid input syntax for type integer: "..."'),
        (b"23505", b'violates unique constraint "mail_key"', b'violates unique constraint "mail_key"'),
        (b"23505", b'somebody raised "raw"', b'somebody raised "..."'),
        (b"P0001", b"raw", WITHHELD),
        (b"00000", b"raw", WITHHELD),
        (b"42P01", b'relation "t" does not exist', b'relation "t" does not exist'),
    ],
)  # fmt: skip
def test_messages_of_writes_to_masked_relations(code: bytes, message: bytes, left: bytes) -> None:
    fields = {"C": code, "M": message, "n": b"mail_key", "H": b"raw"}
    assert filtered(fields, touches_masked=False, may_quote_raw=True)
    assert fields["M"] == left
    assert "H" not in fields


def test_whatever_a_function_raised_is_withheld() -> None:
    fields = {"C": b"42601", "M": b"raw", "R": b"exec_stmt_raise"}
    filtered(fields, touches_masked=True, may_quote_raw=True)
    assert fields["M"] == WITHHELD


@given(st.binary(min_size=1, max_size=30).filter(lambda raw: b"\0" not in raw))
def test_no_quoted_value_survives(raw: bytes) -> None:
    fields = {"C": b"22P02", "M": b'invalid input syntax for type integer: "' + raw + b'"'}
    filtered(fields, touches_masked=True, may_quote_raw=True)
    assert fields["M"] == b'invalid input syntax for type integer: "..."'


def test_positions_are_mapped_or_dropped() -> None:
    fields = {"P": b"15"}
    assert mapped_position(fields, lambda p: p - 5, shift=4)
    assert fields["P"] == b"6"
    for raw, shift in ((b"3", 4), (b"x", 0), (b"15", -1)):
        fields = {"P": raw}
        assert mapped_position(fields, lambda p: p, shift=shift)
        assert "P" not in fields
