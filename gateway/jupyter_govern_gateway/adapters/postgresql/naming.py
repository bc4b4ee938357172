"""What the session is believed to be: search_path, temporary relations, transaction state; from effects and what the target reports.

The compiler qualifies what it splices, so a belief that is wrong costs a refusal, not a leak. An unknown search_path is
believed to be empty: unqualified names then are not found, and what is not found is refused.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from jupyter_govern_gateway.codecs.postgresql.backend import IDLE

DEFAULT_SEARCH_PATH: Final = ("$user", "public")


def read_search_path(text: str) -> tuple[str, ...] | None:
    """The schemas of a search_path as SHOW prints it; None where it cannot be read."""
    names: list[str] = []
    rest = text.strip()
    while rest:
        if rest.startswith('"'):
            name, rest_or_none = _quoted(rest)
            if rest_or_none is None:
                return None
            rest = rest_or_none
        else:
            name, comma, tail = rest.partition(",")
            name, rest = name.strip().lower(), comma + tail
            if not name or '"' in name or " " in name:
                return None
        names.append(name)
        rest = rest.strip()
        if rest:
            if not rest.startswith(",") or not rest[1:].strip():
                return None
            rest = rest[1:].strip()
    return tuple(names)


def _quoted(text: str) -> tuple[str, str | None]:
    at, name = 1, ""
    while True:
        stop = text.find('"', at)
        if stop < 0:
            return name, None
        name += text[at:stop]
        if text[stop + 1 : stop + 2] != '"':
            return name, text[stop + 1 :]
        name, at = name + '"', stop + 2


@dataclass(frozen=True, slots=True)
class Belief:
    """created, is_sure: see sql/naming.py; both last until the transaction ends."""

    path: tuple[str, ...]
    temporary: frozenset[str] = frozenset()
    created: frozenset[tuple[str, str]] = frozenset()
    is_sure: bool = True


class SessionNaming:
    """The belief, with what a rollback takes back."""

    __slots__ = ("_before", "_lasting", "_reported", "_savepoints", "belief", "version")

    def __init__(self, path: tuple[str, ...] = DEFAULT_SEARCH_PATH) -> None:
        self.belief = Belief(path)
        self.version = 0
        self._lasting = path
        self._before: Belief | None = None
        self._reported: tuple[str, ...] | None = None
        self._savepoints: list[tuple[str, Belief, tuple[str, ...]]] = []

    @property
    def path(self) -> tuple[str, ...]:
        return self.belief.path

    @property
    def temporary(self) -> frozenset[str]:
        return self.belief.temporary

    def set_path(self, path: tuple[str, ...] | None, *, local: bool, status: int) -> None:
        """A SET search_path took effect (None: to something we could not read)."""
        self._remember(status)
        new = path if path is not None else ()
        if not local:
            self._lasting = new
        elif status == IDLE:
            return  # SET LOCAL outside a transaction has no effect
        self._become(replace(self.belief, path=new))

    def observed_path(self, text: str) -> None:
        """The target reported it (PostgreSQL 18 and later do): that is the truth."""
        self._reported = read_search_path(text) or ()
        self._become(replace(self.belief, path=self._reported))

    def settle(self) -> None:
        """ReadyForQuery: what the target reports, it has reported by now, so the last report counts for more than what we followed."""
        if self._reported is not None and self._reported != self.belief.path:
            self._lasting = self._reported
            self._become(replace(self.belief, path=self._reported))

    def set_temporary(self, names: frozenset[str], *, status: int) -> None:
        """Temporary relations were made or dropped."""
        self._remember(status)
        self._become(replace(self.belief, temporary=names))

    def defined(self, created: Iterable[tuple[str, str]], dropped: Iterable[tuple[str, str]], *, is_sure: bool, status: int) -> None:
        """Data definition succeeded; outside a transaction the catalog is read anew and nothing need be believed."""
        if status == IDLE:
            return
        self._remember(status)
        belief = self.belief
        names = (belief.created | frozenset(created)) - frozenset(dropped)
        self._become(replace(belief, created=names, is_sure=belief.is_sure and is_sure))

    def forget(self) -> None:
        """DISCARD ALL."""
        self._lasting, self._before = DEFAULT_SEARCH_PATH, None
        self._become(Belief(DEFAULT_SEARCH_PATH))

    def transaction_ended(self, *, committed: bool) -> None:
        """COMMIT keeps what was SET, not what was SET LOCAL; ROLLBACK takes back everything."""
        self._savepoints.clear()
        if self._before is None:
            return
        before, self._before = self._before, None
        if committed:
            self._become(Belief(self._lasting, self.temporary))
        else:
            self._lasting = before.path
            self._become(before)

    def savepoint(self, action: str, name: str) -> None:
        """SAVEPOINT keeps the belief, ROLLBACK TO brings it back, RELEASE forgets what was kept."""
        if action == "savepoint":
            self._savepoints.append((name, self.belief, self._lasting))
            return
        at = next((i for i in range(len(self._savepoints) - 1, -1, -1) if self._savepoints[i][0] == name), None)
        if at is None:  # made in a way that we have not seen
            self._become(replace(self.belief, path=(), is_sure=False))
            return
        _, belief, lasting = self._savepoints[at]
        if action == "release":
            del self._savepoints[at:]
            return
        del self._savepoints[at + 1 :]
        self._lasting = lasting
        self._become(belief)

    def _remember(self, status: int) -> None:
        if status != IDLE and self._before is None:
            self._before = self.belief

    def _become(self, belief: Belief) -> None:
        if belief != self.belief:
            self.belief = belief
            self.version += 1
