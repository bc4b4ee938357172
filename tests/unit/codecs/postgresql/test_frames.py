from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_govern_gateway.codecs.postgresql.frames import Malformed, cstring, frame, int16, int32, uint32


@given(st.integers(0, 255), st.binary(max_size=100))
def test_a_frame_counts_itself_without_its_type(kind: int, body: bytes) -> None:
    made = frame(kind, body)
    assert made[0] == kind
    assert int.from_bytes(made[1:5], "big") == len(made) - 1
    assert made[5:] == body


def test_numbers() -> None:
    assert int32(b"\xff\xff\xff\xff", 0, 4) == -1
    assert uint32(b"\xff\xff\xff\xff", 0, 4) == 0xFFFFFFFF
    assert int16(b"\xff\xff", 0, 2) == 0xFFFF


@pytest.mark.parametrize("read", [int16, int32, uint32, cstring])
def test_nothing_is_read_beyond_the_message(read: object) -> None:
    with pytest.raises(Malformed):
        read(b"\1\1\1\1\0\0\0\0", 3, 4)  # type: ignore[operator]
