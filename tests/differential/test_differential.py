"""A small budget of the random queries; `python -m tests.differential --count 3000` is the large one."""

from __future__ import annotations

import random

from .__main__ import run
from .world import Differential

COUNT = 150


def test_the_gateway_answers_like_a_masked_copy() -> None:
    seed = random.SystemRandom().randrange(1 << 31)
    print(f"python -m tests.differential --count {COUNT} --seed {seed}")
    with Differential() as world:
        report = run(world, COUNT, seed)
    assert not report.failures, "\n".join(map(str, report.failures))
    assert report.refused <= COUNT / 100, report.refusals
    assert report.counts["with rows"] > COUNT / 4, report.counts
