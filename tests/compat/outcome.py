"""What a run gave, test by test, and how two runs compare. The known exceptions, each with its reason, are in exceptions.toml."""

from __future__ import annotations

import fnmatch
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal
from xml.etree import ElementTree

Outcome = Literal["passed", "failed", "skipped"]
KNOWN: Final = Path(__file__).with_name("exceptions.toml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """passes: on each way. lost: what passes directly and not through the gateway, with what it said."""

    suite: str
    way: str
    direct: int
    through: int
    skipped: int
    explained: dict[str, str]
    lost: dict[str, str]
    gained: tuple[str, ...]


def read(report: Path) -> dict[str, tuple[Outcome, str]]:
    """Every test of a JUnit report, by its name."""
    found: dict[str, tuple[Outcome, str]] = {}
    for case in ElementTree.parse(report).iter("testcase"):  # noqa: S314 - pytest wrote it for us a moment ago
        name = f"{case.get('classname')}::{case.get('name')}"
        problem = next((child for child in case if child.tag in ("failure", "error")), None)
        if problem is not None:
            found[name] = "failed", (problem.get("message") or problem.text or "").strip()
        elif found.get(name, ("", ""))[0] != "failed":
            found[name] = ("skipped" if case.find("skipped") is not None else "passed"), ""
    return found


def exceptions(suite: str, way: str) -> list[tuple[str, str]]:
    """(pattern of a test's name, reason) for this suite; those of `masked` count on that way only."""
    known = tomllib.loads(KNOWN.read_text())
    return [
        (pattern, each["reason"])
        for each in known.get("exception", [])
        if suite.startswith(each["suite"]) and each.get("way", way) == way
        for pattern in each["tests"]
    ]


def compare(suite: str, way: str, direct: dict[str, tuple[Outcome, str]], through: dict[str, tuple[Outcome, str]]) -> Comparison:
    """Only what passes directly counts: what fails there says nothing of the gateway."""
    known = exceptions(suite, way)
    explained: dict[str, str] = {}
    lost: dict[str, str] = {}
    for name, (outcome, _) in direct.items():
        there, said = through.get(name, ("failed", "did not run"))
        if outcome != "passed" or there == "passed":
            continue
        reason = next((why for pattern, why in known if fnmatch.fnmatchcase(name, pattern)), None)
        if reason is None:
            lost[name] = f"{there}: {said}"
        else:
            explained[name] = reason
    passes = [name for name, (outcome, _) in direct.items() if outcome == "passed"]
    return Comparison(
        suite=suite,
        way=way,
        direct=len(passes),
        through=sum(1 for name in passes if through.get(name, ("", ""))[0] == "passed"),
        skipped=sum(1 for outcome, _ in direct.values() if outcome == "skipped"),
        explained=explained,
        lost=lost,
        gained=tuple(n for n, (o, _) in through.items() if o == "passed" and direct.get(n, ("", ""))[0] == "failed"),
    )
