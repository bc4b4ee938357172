"""What the recorder counts for /metrics: whole numbers that only grow. No clock and no I/O."""

from __future__ import annotations


class Tally:
    """operations counts what was asked of sessions; it follows at each flush, not at each operation."""

    __slots__ = ("bytes_synced", "operations", "sync_seconds", "syncs", "write_errors")

    def __init__(self) -> None:
        self.operations = self.write_errors = self.syncs = self.bytes_synced = 0
        self.sync_seconds = 0.0
