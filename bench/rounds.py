"""Interleaved rounds: every road once a round, the order turned round each time, ratios taken within a round.

The machine's own speed drifts more than the roads differ; pairing within a round is what makes the ratio mean something.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One road in one measurement: the median value and the median and range of its ratio to the first road."""

    road: str
    value: float
    ratio: float
    low: float
    high: float
    values: tuple[float, ...] = ()


def compare(roads: Sequence[str], measure: Callable[[str], float], rounds: int) -> list[Row]:
    """Measure each road `rounds` times; the first road is what the others are compared with."""
    seen: dict[str, list[float]] = {road: [] for road in roads}
    for number in range(rounds):
        for road in roads if number % 2 == 0 else reversed(roads):
            seen[road].append(measure(road))
    base = seen[roads[0]]
    rows = []
    for road in roads:
        ratios = [value / reference for value, reference in zip(seen[road], base, strict=True)]
        rows.append(
            Row(road=road, value=median(seen[road]), ratio=median(ratios), low=min(ratios), high=max(ratios), values=tuple(seen[road]))
        )
    return rows


def between(rows: Sequence[Row], road: str, other: str) -> float:
    """The median, over the rounds, of one road's value by another's in the same round."""
    values = {row.road: row.values for row in rows}
    return median(a / b for a, b in zip(values[road], values[other], strict=True))


def verdict(what: str, ratio: float, target: float) -> str:
    return f"  {what}: {ratio:.2f}, target ≥ {target:.2f}: {'reached' if ratio >= target else 'MISSED'}"


def table(title: str, unit: str, rows: Sequence[Row]) -> str:
    lines = [f"\n{title}", f"  {'road':24}{unit:>16}{'÷ direct':>12}{'range':>16}"]
    lines += [f"  {row.road:24}{row.value:16,.0f}{row.ratio:12.2f}{f'{row.low:.2f}-{row.high:.2f}':>16}" for row in rows]
    return "\n".join(lines)
