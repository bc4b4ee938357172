"""Check a kernel's proof: the right key, a time close to ours, and never the same proof twice.

No I/O; time comes in as a callable. Only a proof with a right MAC takes room in the memory of used ones, so a stranger
cannot fill it.
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass

from jupyter_govern.proof import MAX_CLOCK_SECONDS, proof_mac

MAX_REMEMBERED = 10_000
MAX_FIELD = 128


class ProofRefused(Exception):
    """The proof is not accepted. A stranger learns no more than that; `reason` is for the server's log."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What a kernel sends to prove that it is one of ours."""

    kernel_id: str
    ts: str
    nonce: str
    mac: str


def read_proof(body: object) -> Proof:
    """The request's JSON as a Proof; raises ProofRefused."""
    if not isinstance(body, dict):
        raise ProofRefused("not a JSON object")
    fields = {name: body.get(name) for name in ("kernel_id", "ts", "nonce", "mac")}
    if isinstance(fields["ts"], int) and not isinstance(fields["ts"], bool):
        fields["ts"] = str(fields["ts"])
    for name, value in fields.items():
        if not isinstance(value, str) or not 0 < len(value) <= MAX_FIELD:
            raise ProofRefused(f"{name} is missing, or not a text of at most {MAX_FIELD} characters")
    return Proof(**{name: str(value) for name, value in fields.items()})


class ProofCheck:
    """Remembers the proofs of the last minute."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._used: dict[tuple[str, str], float] = {}

    def check(self, proof: Proof, key: bytes) -> None:
        """Accept `proof` once under the kernel's `key`; raises ProofRefused."""
        try:
            right = proof_mac(key, kernel_id=proof.kernel_id, ts=proof.ts, nonce=proof.nonce)
            sent_at = int(proof.ts)
        except ValueError as problem:
            raise ProofRefused(str(problem)) from None
        if not hmac.compare_digest(right.encode(), proof.mac.encode("utf-8", "replace")):
            raise ProofRefused("wrong MAC")
        now = self._clock()
        if abs(now - sent_at) > MAX_CLOCK_SECONDS:
            raise ProofRefused("its time is too far from this server's")
        self._remember(proof, now)

    def _remember(self, proof: Proof, now: float) -> None:
        name = (proof.kernel_id, proof.nonce)
        if name in self._used:
            raise ProofRefused("used before")
        if len(self._used) >= MAX_REMEMBERED:
            # a proof is good until its own time is past the window, however early it came
            self._used = {used: until for used, until in self._used.items() if until > now}
            if len(self._used) >= MAX_REMEMBERED:
                raise ProofRefused("too many proofs in a minute")  # forgetting one would let it be used twice
        self._used[name] = int(proof.ts) + MAX_CLOCK_SECONDS + 1
