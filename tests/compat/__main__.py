"""`make compat`: run the suites, print the table, exit 1 where a test that passes directly is lost for no known reason."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import Counter
from pathlib import Path

from tests.compat.fetching import PLACE, NotToBeHad, python
from tests.compat.outcome import Comparison, compare, read
from tests.compat.suites import SUITES, Suite
from tests.compat.world import Gateway, Server

WAYS = ("open", "masked")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.compat", description=__doc__)
    parser.add_argument("--only", default="", help="names of suites, with commas")
    parser.add_argument("--ways", default="open,masked", help="open: nothing is hidden from the actor; masked: another table's column is")
    parser.add_argument("more", nargs="*", help="more for pytest, behind --")
    args = parser.parse_args()
    wanted = [suite for suite in SUITES if not args.only or suite.name in args.only.split(",")]
    python()
    done: list[Comparison] = []
    missing: list[str] = []
    with Server() as server:
        print(f"PostgreSQL {server.version}", flush=True)
        for suite in wanted:
            try:
                done += _both(server, suite, args.ways.split(","), args.more)
            except NotToBeHad as problem:
                missing.append(f"{suite.name}: not run: {problem}")
    _print(done, missing)
    (PLACE / "last.json").write_text(json.dumps([_said(each) for each in done], indent=1))
    return 1 if any(each.lost for each in done) else 0


def _both(server: Server, suite: Suite, ways: list[str], more: list[str]) -> list[Comparison]:
    suite.folder()
    with tempfile.TemporaryDirectory(prefix="govern-compat-") as folder:
        report = Path(folder) / "report.xml"
        direct = _outcomes(server, suite, server.way, report, more)
        found = []
        for way in ways:
            report.unlink(missing_ok=True)
            server.renew()
            with Gateway(server, masked=way == "masked") as gateway:
                through = _outcomes(server, suite, gateway.way, report, more, is_new=False)
            found.append(compare(suite.name, way, direct, through))
            print(f"  {suite.name}, {way}: {found[-1].through} of {found[-1].direct}", flush=True)
    return found


def _outcomes(server: Server, suite: Suite, way: dict[str, str], report: Path, more: list[str], *, is_new: bool = True):  # type: ignore[no-untyped-def]
    if is_new:
        server.renew()
    said = suite.run(way, report, *more)
    if not report.exists():
        raise NotToBeHad(f"it ran no test: {said[-600:]}")
    found = read(report)
    if not any(outcome == "passed" for outcome, _ in found.values()):
        raise NotToBeHad(f"no test passed: {said[-1500:]}")
    return found


def _print(done: list[Comparison], missing: list[str]) -> None:
    print(f"\n{'suite':22}{'policy':10}{'direct':>8}{'through':>9}{'explained':>11}{'lost':>6}")
    for each in done:
        print(f"{each.suite:22}{each.way:10}{each.direct:8}{each.through:9}{len(each.explained):11}{len(each.lost):6}")
    for each in done:
        for reason, count in Counter(each.explained.values()).most_common():
            print(f"\n{each.suite}, {each.way}: {count}: {reason}")
        for name, said in each.lost.items():
            print(f"\nLOST {each.suite}, {each.way}: {name}\n  {said[:600]}")
    for line in missing:
        print(line)
    is_lost = any(each.lost for each in done)
    print("\nverdict:", "a test is lost for no known reason" if is_lost else "nothing is lost but what is explained")


def _said(each: Comparison) -> dict[str, object]:
    figures = {"suite": each.suite, "way": each.way, "direct": each.direct, "through": each.through}
    return {**figures, "explained": each.explained, "lost": each.lost}


if __name__ == "__main__":
    sys.exit(main())
