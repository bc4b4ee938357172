"""Growing waits after wrong passwords, per name and per address, in bounded tables."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Final

FREE_TRIES: Final = 5
FIRST_WAIT: Final = 1.0
LONGEST_WAIT: Final = 300.0
MAX_ENTRIES: Final = 10_000


class Backoff:
    """After FREE_TRIES failures each further one doubles the wait, up to LONGEST_WAIT seconds; a success forgets them."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._failures: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def wait(self, *keys: str) -> float:
        """Seconds until any of these may try again; 0 if now."""
        now = self._clock()
        return max((self._until(key) - now for key in keys), default=0.0, key=lambda left: max(left, 0.0)) if keys else 0.0

    def failed(self, *keys: str) -> None:
        for key in keys:
            count, _ = self._failures.pop(key, (0, 0.0))
            self._failures[key] = (count + 1, self._clock())
            if len(self._failures) > MAX_ENTRIES:
                self._failures.popitem(last=False)

    def succeeded(self, *keys: str) -> None:
        for key in keys:
            self._failures.pop(key, None)

    def _until(self, key: str) -> float:
        count, at = self._failures.get(key, (0, 0.0))
        if count < FREE_TRIES:
            return 0.0
        return at + min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(count - FREE_TRIES, 20))
