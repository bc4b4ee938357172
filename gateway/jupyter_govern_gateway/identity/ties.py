"""What hangs on tokens: sessions and event streams. Cut with the token, with the person, or when their time is over.

Knows no protocol: whoever opens something ties it here and says how it ends. A kernel's token is renewed every few minutes, so
what a kernel opened hangs on the token that the kernel's hangs on, and the kernel token's own end does not count.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from jupyter_govern.errors import AuthenticationFailed, GovernError
from jupyter_govern_gateway.identity.tokens import Token

SWEEP_SECONDS: Final = 0.25
"""How often ends are looked for that nobody asked for: time that is over, people who are gone."""
EXPIRY_GRACE_SECONDS: Final = 30.0
"""What runs when the token ends may run on for so long. Revocation knows no grace."""


@dataclass(eq=False, slots=True, kw_only=True)
class Tie:
    """One session or stream. `end(reason)` is called once; `is_busy` says whether something is under way in it."""

    what: Literal["session", "stream"]
    name: str
    subject: str
    tokens: frozenset[str]
    ends_at: float
    login: str
    """The token whose end is `ends_at`."""
    end: Callable[[str], None]
    is_busy: Callable[[], bool]


class Ties:
    """`groups`: raises AuthenticationFailed for who is gone. It is asked once a second for each person with something open."""

    def __init__(self, *, clock: Callable[[], float], groups: Callable[[str], object]) -> None:
        self._clock, self._groups = clock, groups
        self._ties: set[Tie] = set()
        self._looked_at = 0.0

    def tie(
        self,
        lineage: Sequence[Token],
        *,
        what: Literal["session", "stream"],
        name: str,
        end: Callable[[str], None],
        is_busy: Callable[[], bool] = lambda: False,
    ) -> Callable[[], None]:
        """Hang something on a token (the first of its lineage); returns how to take it off."""
        tie = Tie(
            what=what,
            name=name,
            subject=lineage[0].subject,
            tokens=frozenset(token.id for token in lineage) | frozenset(token.parent for token in lineage if token.parent),
            ends_at=ends_at(lineage),
            login=login_of(lineage).id,
            end=end,
            is_busy=is_busy,
        )
        self._ties.add(tie)
        return lambda: self._ties.discard(tie)

    def cut(self, reason: str, *, tokens: frozenset[str] = frozenset(), subject: str = "") -> list[Tie]:
        """End what hangs on these tokens, or is this person's; what that was."""
        found = [tie for tie in self._ties if tie.tokens & tokens or (subject and tie.subject == subject)]
        for tie in found:
            self._end(tie, reason)
        return found

    def prolong(self, token_id: str, expires_at: float) -> None:
        """A login (and not what hangs on it) lives longer now: what ended with it ends with it still, later."""
        for tie in self._ties:
            if tie.login == token_id:
                tie.ends_at = max(tie.ends_at, expires_at)

    def end_session(self, name: str, reason: str) -> bool:
        """End one session; whether there was one."""
        found = [tie for tie in self._ties if tie.what == "session" and tie.name == name]
        for tie in found:
            self._end(tie, reason)
        return bool(found)

    def sweep(self) -> None:
        """End what has no time left or nobody it belongs to."""
        now = self._clock()
        for tie in tuple(self._ties):
            if now >= tie.ends_at + (EXPIRY_GRACE_SECONDS if tie.is_busy() else 0.0):
                self._end(tie, "the login or credential that it was opened with has expired")
        if abs(now - self._looked_at) < 1.0:
            return
        self._looked_at = now
        for subject in {tie.subject for tie in self._ties}:
            try:
                self._groups(subject)
            except AuthenticationFailed as gone:
                self.cut(str(gone), subject=subject)
            except GovernError:
                continue  # who is there cannot be told just now: that is said where somebody logs in

    async def watch(self) -> None:
        """Sweep until cancelled."""
        while True:
            self.sweep()
            await asyncio.sleep(SWEEP_SECONDS)

    def _end(self, tie: Tie, reason: str) -> None:
        if tie not in self._ties:
            return
        self._ties.discard(tie)
        try:
            tie.end(reason)
        except Exception as problem:  # one that cannot be closed properly must not save the others
            said = {"message": f"{tie.what} {tie.name} could not be ended", "exception": problem}
            asyncio.get_running_loop().call_exception_handler(said)


def ends_at(lineage: Sequence[Token]) -> float:
    """When what was opened with a token ends by itself."""
    return login_of(lineage).expires_at


def login_of(lineage: Sequence[Token]) -> Token:
    """The token whose end counts: a kernel's is renewed, those that it hangs on are not."""
    return min((token for token in lineage if token.kind != "kernel"), key=lambda token: token.expires_at, default=lineage[0])
