"""`make fuzz`: as many dialogues as the seconds allow; the first that fails is made small, kept in the corpus and told, exit 1."""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "unit"))

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.fuzz import checks, dialogues
from tests.fuzz.corpus import entries, keep

BATCH = 200
"""Examples between two looks at the clock."""


def main() -> int:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 120.0
    for name, turns in sorted(entries().items()):
        checks.session(turns)
        print(f"corpus {name}: holds")
    deadline, round_, counts = time.monotonic() + seconds, 0, dict.fromkeys(FUZZED, 0)
    while time.monotonic() < deadline:
        for name, (strategy, check) in FUZZED.items():
            if (failed := _batch(strategy, check, round_)) is not None:
                print(f"{name}: FAILED on {failed!r}")
                if name == "sessions":
                    print("kept as", keep(failed, "failed"))
                return 1
            counts[name] += BATCH
        round_ += 1
    print("; ".join(f"{count} {name}" for name, count in counts.items()), f"in {seconds:g} s: nothing broke")
    return 0


def _batch(strategy: st.SearchStrategy[Any], check: Callable[[Any], None], round_: int) -> Any:
    """The smallest example that fails, or None."""
    last: list[Any] = [None]

    @seed(round_ + int(time.time()))
    @settings(
        max_examples=BATCH, deadline=None, database=None, phases=[Phase.generate, Phase.shrink], suppress_health_check=list(HealthCheck)
    )
    @given(strategy)
    def run(example: Any) -> None:
        last[0] = example
        check(example)

    try:
        run()
    except BaseException:
        traceback.print_exc()
        return last[0]
    return None


FUZZED: dict[str, tuple[st.SearchStrategy[Any], Callable[[Any], None]]] = {
    "sessions": (dialogues.dialogue, checks.session),
    "readers": (st.binary(max_size=400), checks.readers),
    "proofs": (
        st.tuples(st.binary(max_size=80), st.binary(max_size=80), st.booleans()),
        lambda given_: checks.scram(given_[0], given_[1], is_bound=given_[2]),
    ),
    "arrivals": (
        st.tuples(st.lists(dialogues.first_packet, max_size=4), st.lists(st.binary(max_size=80), max_size=3), st.booleans()),
        lambda given_: checks.arrival(list(given_[0]), list(given_[1]), sees_tls=given_[2]),
    ),
}


if __name__ == "__main__":
    sys.exit(main())
