"""Token buckets: how many at once, how they fill again, and that the table is bounded."""

from __future__ import annotations

from jupyter_govern_gateway.api.rates import Rate

from .test_device import Hand


def test_so_many_a_minute_for_each_key() -> None:
    clock = Hand()
    rate = Rate(6, clock)
    assert [rate.allows("a") for _ in range(7)] == [True] * 6 + [False]
    assert rate.allows("b")
    clock.now += 10
    assert [rate.allows("a") for _ in range(2)] == [True, False]
    clock.now += 3600
    assert [rate.allows("a") for _ in range(7)] == [True] * 6 + [False]


def test_time_that_goes_back_gives_nothing() -> None:
    clock = Hand()
    rate = Rate(1, clock)
    assert rate.allows("a")
    clock.now -= 1000
    assert not rate.allows("a")


def test_the_table_is_bounded() -> None:
    rate = Rate(1, Hand(), keys=10)
    for number in range(50):
        rate.allows(str(number))
    assert len(rate) == 10
