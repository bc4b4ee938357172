"""How often somebody may try something: token buckets in a bounded table. Time comes in as a callable."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from jupyter_govern_gateway.api.bounds import RATE_KEYS


class Rate:
    """`per_minute` tries for each key, at once or spread; `allows` counts a try and says whether it may go on."""

    def __init__(self, per_minute: int, clock: Callable[[], float], *, keys: int = RATE_KEYS) -> None:
        self._most, self._clock, self._keys = float(per_minute), clock, keys
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def allows(self, key: str) -> bool:
        """Count one try of `key`."""
        now = self._clock()
        left, seen = self._buckets.pop(key, (self._most, now))
        left = min(self._most, left + max(0.0, now - seen) * self._most / 60.0)
        allowed = left >= 1.0
        self._buckets[key] = (left - 1.0 if allowed else left, now)
        while len(self._buckets) > self._keys:
            self._buckets.popitem(last=False)
        return allowed

    def __len__(self) -> int:
        return len(self._buckets)
