"""What a session may ask of the rest of the gateway: one actor's way to one target. The driver provides it (net/door.py).

The session stays without I/O of its own: it holds a Door the way a function holds its arguments.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from jupyter_govern.model import Decision, Facts
    from jupyter_govern_gateway.adapters.postgresql.entries import Plan
    from jupyter_govern_gateway.adapters.postgresql.naming import Belief
    from jupyter_govern_gateway.detect.scanner import Scanner
    from jupyter_govern_gateway.gate import Answer
    from jupyter_govern_gateway.sql.compiler import Compiled
    from jupyter_govern_gateway.sql.naming import Naming


class Door(Protocol):
    """One actor's way to one target."""

    def stamp(self) -> object:
        """Another object whenever policy or catalog changed."""

    def has_masks(self) -> bool:
        """Some column of the target is hidden from this actor."""

    def is_judged(self) -> bool:
        """Some mask, block or approve rule could apply to this actor."""

    def naming(self, belief: Belief, prepared: tuple[tuple[str, Facts], ...]) -> Naming:
        """The belief as the compiler wants it."""

    def scanner(self) -> Scanner | None:
        """What to look for in text that is returned; None: for nothing."""

    def speaks_masked(self, pid: int) -> bool:
        """Whether what this backend says in a NOTIFY was computed from what this actor may see."""

    def look_up(self, text: str, naming: Naming) -> Compiled | None:
        """The compiled statement, if it is known already."""

    def decide(self, facts: Facts) -> Decision:
        """What policy says."""

    def ask(self, plan: Plan, parameters: tuple[bytes | None, ...], formats: tuple[int, ...], cell: Any) -> Answer:
        """Record the operation and its decision; raises Blocked, RecordingFailed."""

    def note(self, kind: str, detail: dict[str, Any]) -> None:
        """Put something into the session's record that is no operation; raises RecordingFailed."""
