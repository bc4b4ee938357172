"""When a login is over."""

from __future__ import annotations

import time

import pytest

from jupyter_govern_server.login import LoggedIn, seconds


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("1970-01-01T00:01:00+00:00", 60.0),
        ("1970-01-01T00:01:00Z", 60.0),
        (1_800_120_100, 1_800_120_100.0),
        (12.5, 12.5),
        ("soon", 0.0),
        ("", 0.0),
    ],
)
def test_moments(moment: str | float, expected: float) -> None:
    assert seconds(moment) == expected


def test_what_cannot_be_read_has_expired() -> None:
    login = LoggedIn(token="t", subject="ana", groups=(), expires_at="never")
    assert login.has_expired(time.time())
