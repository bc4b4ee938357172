"""What a name stands for at the target, while messages that change names are still on their way.

A statement that was decided under one name must never run under another's permit. So a name's meaning is certain only where
every message that could still fail or be skipped leaves it the same: `look_up` says UNCERTAIN otherwise, and the session
waits for the answers. Knows nothing of SQL or policy.
"""

from __future__ import annotations

from collections import deque
from typing import Final, Generic, TypeVar

T = TypeVar("T")


class Uncertain:
    """Several things, depending on answers that are not here yet."""

    __slots__ = ()


UNCERTAIN: Final = Uncertain()


class Change(Generic[T]):
    """One message's effect on one name: `value` None removes it."""

    __slots__ = ("batch", "name", "value")

    def __init__(self, name: bytes, value: T | None, batch: int) -> None:
        self.name, self.value, self.batch = name, value, batch


class NameTable(Generic[T]):
    """Names the target has answered for, and changes it has not."""

    __slots__ = ("_known", "_under_way")

    def __init__(self) -> None:
        self._known: dict[bytes, T] = {}
        self._under_way: dict[bytes, deque[Change[T]]] = {}

    def __len__(self) -> int:
        return len(self._known) + len(self._under_way)

    def look_up(self, name: bytes, batch: int) -> T | Uncertain | None:
        """What the name stands for when the message that asks (in `batch`) reaches the target."""
        changes = self._under_way.get(name)
        known = self._known.get(name)
        if not changes:
            return known
        last = changes[-1]
        if last.batch == batch:
            # were the change to fail, the target would skip the asking message too
            return last.value
        possible = [known, *(change.value for change in changes)]
        first = next((value for value in possible if value is not None), None)
        if any(value is not first for value in possible if value is not None):
            return UNCERTAIN
        return first

    def begin(self, name: bytes, value: T | None, batch: int) -> Change[T]:
        """A message that changes the name is sent."""
        change = Change(name, value, batch)
        self._under_way.setdefault(name, deque()).append(change)
        return change

    def settle(self, change: Change[T], happened: bool) -> None:
        """The target answered it, or skipped it."""
        changes = self._under_way[change.name]
        changes.remove(change)
        if not changes:
            del self._under_way[change.name]
        if happened:
            self.put(change.name, change.value)

    def put(self, name: bytes, value: T | None) -> None:
        """The name now stands for this, for certain."""
        if value is None:
            self._known.pop(name, None)
        else:
            self._known[name] = value

    def known(self, name: bytes) -> T | None:
        """What the target has answered for."""
        return self._known.get(name)

    def clear(self) -> None:
        """All names that the target has answered for are gone."""
        self._known.clear()

    def values(self) -> list[T]:
        """What the target has answered for."""
        return list(self._known.values())
