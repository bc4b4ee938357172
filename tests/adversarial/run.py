"""Each attack directly, where it must succeed, then through the gateway, where it must not, and which must still answer afterwards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import psycopg

from .attacker import Attacker
from .case import Case
from .cases import KINDS
from .judge import recovered, text
from .secrets import make
from .world import Vault

VERDICTS = ("held", "leaked", "invalid", "broken", "skipped")
"""Stopped; succeeded through the gateway; did not succeed directly, so proves nothing; left a gateway that no longer answers;
for want of what it attacks (the server was built without it)."""


@dataclass(frozen=True, slots=True)
class Verdict:
    kind: str
    case: str
    what: str
    because: str

    @property
    def failed(self) -> bool:
        return self.what not in ("held", "skipped")

    def __str__(self) -> str:
        return f"{self.what:8}{self.kind}/{self.case}: {self.because[:300]}"


class Run:
    def __init__(self, direct: str, gateway: str, seed: int) -> None:
        self._direct, self._gateway = direct, gateway
        self._secrets = make(seed)
        self._vault = Vault(direct, self._secrets)

    def close(self) -> None:
        self._vault.close()

    def kind(self, kind: str) -> Iterator[Verdict]:
        for case in KINDS[kind]:
            what, because = self._judge(case)
            yield Verdict(kind, case.name, what, because)

    def _judge(self, case: Case) -> tuple[str, str]:
        if case.needs and not self._vault.happened(case.needs):
            return "skipped", f"needs {case.needs}"
        succeeded, because = self._attempt(case, self._direct)
        if not succeeded:
            return "invalid", because
        succeeded, because = self._attempt(case, self._gateway)
        if succeeded:
            return "leaked", because
        silent = self._silent()
        return ("broken", silent) if silent else ("held", because)

    def _attempt(self, case: Case, road: str) -> tuple[bool, str]:
        self._vault.put_back()
        found: object = None
        with Attacker(road) as attacker:
            try:
                found = case.attack(attacker)
            except psycopg.Error as error:
                attacker.fail(error)
            except (ValueError, IndexError, TypeError, AttributeError, KeyError) as error:  # a decoder that can make nothing of masks
                found = f"decoder: {error!r}"
        because = text([found, *attacker.heard]).strip().replace("\n", " | ")
        if case.effect:
            return self._vault.happened(case.effect), because
        return recovered([found, *attacker.heard], self._secrets, case.field), because

    def _silent(self) -> str:
        """Why a plain question about what is not masked gets no answer, or "". A gateway that refuses all of them holds nothing."""
        self._vault.put_back()
        with Attacker(self._gateway) as somebody:
            try:
                said = somebody.value("select name from only people where id = {id}")
            except psycopg.Error as error:
                return str(error)
        return "" if said == somebody.name else f"it says {said!r}"


def table(verdicts: list[Verdict]) -> str:
    counts = Counter((verdict.kind, verdict.what) for verdict in verdicts)
    lines = [f"{'kind':14}{'cases':>8}" + "".join(f"{what:>9}" for what in VERDICTS)]
    for kind in dict.fromkeys(verdict.kind for verdict in verdicts):
        numbers = [counts[kind, what] for what in VERDICTS]
        lines.append(f"{kind:14}{sum(numbers):8}" + "".join(f"{number:9}" for number in numbers))
    return "\n".join(lines)
