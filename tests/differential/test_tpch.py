"""The 22 queries of TPC-H give the same through the gateway as without it."""

from __future__ import annotations

from .tpch import run


def test_the_22_queries() -> None:
    found = run()
    assert len(found) == 22
    assert [f"Q{n}: {what}: {one} / {other}" for n, (what, one, other) in enumerate(found, 1) if what or one.state] == []
    assert sum(bool(one.rows) for _, one, _ in found) >= 20
