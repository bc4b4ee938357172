from __future__ import annotations

from jupyter_govern_gateway.net.cancel import CancelKeys


def test_only_the_right_key_stops_a_session() -> None:
    keys, stopped = CancelKeys(), []
    pid, key = keys.issue(lambda: stopped.append("one"), is_long=False)
    other, long = keys.issue(lambda: stopped.append("two"), is_long=True)
    assert (len(key), len(long)) == (4, 32)
    assert not keys.cancel(pid, long)
    assert not keys.cancel(other, key)
    assert not keys.cancel(0, b"")
    assert stopped == []
    assert keys.cancel(other, long)
    assert stopped == ["two"]


def test_a_session_that_is_over_cannot_be_stopped() -> None:
    keys = CancelKeys()
    pid, key = keys.issue(lambda: None, is_long=True)
    keys.withdraw(pid)
    assert not keys.cancel(pid, key)


def test_a_session_has_the_targets_own_number_where_that_is_free() -> None:
    keys = CancelKeys()
    assert keys.issue(lambda: None, is_long=False, wanted=77)[0] == 77
    again, _ = keys.issue(lambda: None, is_long=False, wanted=77)
    assert again not in (0, 77)
    keys.withdraw(77)
    assert keys.issue(lambda: None, is_long=False, wanted=77)[0] == 77
    assert keys.issue(lambda: None, is_long=False, wanted=-1)[0] > 0
