"""Growing waits after wrong passwords, per name and per address, in bounded tables."""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

FREE_TRIES: Final = 5
FIRST_WAIT: Final = 1.0
LONGEST_WAIT: Final = 300.0
FORGET_SECONDS: Final = 3600.0
"""After so long without a failure the count begins anew."""
MAX_ENTRIES: Final = 10_000
NETWORK: Final = 64
"""Bits of an IPv6 address that count: whoever has one has all the others of its network too."""


class Backoff:
    """After FREE_TRIES failures each further one doubles the wait, up to LONGEST_WAIT seconds; a success forgets them."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._failures: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def wait(self, *keys: str) -> float:
        """Seconds until all of these may try again; 0 if now."""
        now = self._clock()
        return max([0.0, *(self._until(key) - now for key in keys)])

    def failed(self, *keys: str) -> None:
        now = self._clock()
        for key in keys:
            count, at = self._failures.pop(key, (0, now))
            self._failures[key] = (1 if now - at > FORGET_SECONDS else count + 1, now)
            if len(self._failures) > MAX_ENTRIES:
                self._failures.popitem(last=False)

    def succeeded(self, *keys: str) -> None:
        for key in keys:
            self._failures.pop(key, None)

    def __len__(self) -> int:
        return len(self._failures)

    def _until(self, key: str) -> float:
        count, at = self._failures.get(key, (0, 0.0))
        if count < FREE_TRIES:
            return 0.0
        return at + min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(count - FREE_TRIES, 20))


def address_key(address: str) -> str:
    """What of an address is counted."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return f"address:{address}"
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is None:
            return f"address:{ipaddress.ip_network((found, NETWORK), strict=False)}"
        found = found.ipv4_mapped
    return f"address:{found}"
