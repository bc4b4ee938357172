"""python -m tests.differential --count N --seed S: random statements, direct and through the gateway."""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from dataclasses import dataclass, field

from .expressions import LIMITS
from .queries import Queries, Query
from .world import PATHS, TIMEOUT, Answer, Differential, ask, difference, reason

REFUSED = "42501"


@dataclass(frozen=True, slots=True)
class Failure:
    seed: str
    what: str
    path: str
    sql: str
    direct: Answer
    gateway: Answer

    def __str__(self) -> str:
        lines = [f"--- {self.what} (seed {self.seed}, search_path {self.path})", self.sql]
        lines += [f"direct:  {self.direct}", f"gateway: {self.gateway}"]
        if self.what == "rows":
            one, other = set(map(str, self.direct.rows)), set(map(str, self.gateway.rows))
            lines += [f"only direct:  {sorted(one - other)[:2]}", f"only gateway: {sorted(other - one)[:2]}"]
        return "\n".join(lines)


@dataclass(slots=True)
class Report:
    counts: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    refusals: dict[str, list[str]] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    modifiers: list[str] = field(default_factory=list)
    """Statements whose columns differ in type modifiers alone (varchar's length)."""

    @property
    def refused(self) -> int:
        return sum(map(len, self.refusals.values()))


def generate(seed: str, *, avoid: frozenset[str] = LIMITS) -> tuple[Query, int, bool]:
    """A statement, the index of the search_path it is for, and whether the extended protocol carries it."""
    rng = random.Random(seed)
    path = 1 if rng.random() < 0.12 else 0
    return Queries(rng, PATHS[path].split(",")[0], avoid).statement(), path, rng.random() < 0.3


def run(world: Differential, count: int, seed: int, *, avoid: frozenset[str] = LIMITS) -> Report:
    report = Report()
    for number in range(count):
        name = f"{seed}:{number}"
        query, path, binary = generate(name, avoid=avoid)
        direct, gateway = (ask(connection, query.sql, binary=binary) for connection in world.pairs[path])
        report.counts["statements"] += 1
        if gateway.state == REFUSED != direct.state:
            report.refusals.setdefault(reason(gateway.said), []).append(query.sql)
            continue
        what = difference(direct, gateway, ordered=query.ordered)
        if what:
            report.failures.append(Failure(name, what, PATHS[path], query.sql, direct, gateway))
        elif TIMEOUT in (direct.state, gateway.state):
            report.counts["timed out"] += 1
        elif direct.state:
            report.counts["same error"] += 1
            report.errors[f"{direct.state} {direct.said[:90]}"] += 1
        else:
            report.counts["same result"] += 1
            report.counts["with rows"] += bool(direct.rows)
            if direct.modifiers != gateway.modifiers:
                report.modifiers.append(query.sql)
    return report


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.differential", description=__doc__)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 31))
    parser.add_argument("--errors", action="store_true", help="list the errors that both gave")
    parser.add_argument("--limits", action="store_true", help="also make what is known to differ")
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    with Differential() as world:
        began = time.monotonic()
        report = run(world, options.count, options.seed, avoid=frozenset() if options.limits else LIMITS)
        print(f"{dict(report.counts)} in {time.monotonic() - began:.0f} s")
    for failure in sorted(report.failures, key=lambda f: len(f.sql), reverse=True):
        print(failure)
    if options.errors:
        for error, times in report.errors.most_common(40):
            print(f"  error {times} × {error}")
    for why, statements in sorted(report.refusals.items(), key=lambda item: -len(item[1])):
        print(f"refused {len(statements)} ×: {why}\n    {min(statements, key=len)}")
    if report.modifiers:
        print(f"type modifiers alone differ {len(report.modifiers)} ×, for example\n    {min(report.modifiers, key=len)}")
    kinds = dict(Counter(failure.what for failure in report.failures))
    print(f"seed {options.seed}: {options.count} statements, {len(report.failures)} failures {kinds}, {report.refused} refused")
    return 1 if report.failures or report.refused > options.count / 100 else 0


if __name__ == "__main__":
    sys.exit(main())
