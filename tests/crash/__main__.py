"""python -m tests.crash [--kills N] [--seed N] [--mode buffered|durable]: kill -9 of a gateway, again and again, under a mixed load.

Each turn: clients of eight kinds run statements with marks of their own; the gateway is killed after a random time; PostgreSQL's own
log is compared with the recordings (executed and not on record must be none); in half of the turns one recording is then cut at a
random byte of its last entries, or gets a torn line, as a power cut leaves it; the gateway starts again, and everything must verify
with the public key.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from jupyter_govern.archive import verify_folder
from jupyter_govern.demo.stack import Stack
from jupyter_govern.recording import read_entries
from jupyter_govern.signatures import read_keys

from .load import SETTINGS, backends, closing, executed, permitted, recordings, started

LOAD_SECONDS = (0.1, 2.0)
"""The gateway is killed after a random time between these."""
JOIN_SECONDS = 60.0


@dataclass
class Figures:
    kills: int = 0
    ran: int = 0
    recorded: int = 0
    missing: int = 0
    torn: int = 0
    problems: list[str] = field(default_factory=list)
    recovery: list[float] = field(default_factory=list)

    def told(self) -> str:
        times = sorted(self.recovery) or [0.0]
        return (
            f"{self.kills} kills; {self.ran} statements executed at the server, {self.recorded} on record, "
            f"{self.missing} executed and not on record; {self.torn} recordings cut or torn; {len(self.problems)} problems; "
            f"from start to ready: median {times[len(times) // 2]:.2f} s, longest {times[-1]:.2f} s"
        )


class Run:
    def __init__(self, stack: Stack, seed: int) -> None:
        self.stack, self.random = stack, random.Random(seed)
        self.figures = Figures()
        self.state = stack.directory / "state"
        self._known: set[Path] = set()

    def turn(self, number: int) -> None:
        """One kill and everything behind it."""
        stack, figures = self.stack, self.figures
        before = stack.postgres.log.stat().st_size
        threads = started(stack, f"turn{number}")
        time.sleep(self.random.uniform(*LOAD_SECONDS))
        assert stack.gateway is not None
        stack.gateway.kill()
        figures.kills += 1
        for thread in threads:
            thread.join(JOIN_SECONDS)
            assert not thread.is_alive(), "a client did not notice that the gateway is gone"
        self._wait_for_backends()
        new = [path for path in recordings(stack) if path not in self._known]
        ran, on_record = Counter(executed(stack, before)), Counter(permitted(new))
        lost = list((ran - on_record).elements())
        figures.ran += ran.total()
        figures.recorded += on_record.total()
        figures.missing += len(lost)
        figures.problems += [f"turn {number}: executed and not on record: {text[:200]}" for text in lost[:5]]
        left = [path for path in new if closing(path)[0] != "session-close"]
        if left and self.random.random() < 0.5:
            self._tear(self.random.choice(left))
        began = time.monotonic()
        stack.start_gateway()
        figures.recovery.append(time.monotonic() - began)
        self._look(number, left)
        self._known |= set(new)

    def _wait_for_backends(self) -> None:
        deadline = time.monotonic() + JOIN_SECONDS
        while backends(self.stack):
            assert time.monotonic() < deadline, "the server still works for a gateway that is gone"
            time.sleep(0.02)

    def _tear(self, path: Path) -> None:
        """As a power cut leaves it: cut at any byte of its end, or with the beginning of a line that was never finished."""
        data = path.read_bytes()
        if self.random.random() < 0.5:
            data = data[: self.random.randrange(max(0, len(data) - 3000), len(data) + 1)]
        else:
            data += b'{"at":"2026-11-2'[: self.random.randrange(1, 16)]
        path.write_bytes(data)
        self.figures.torn += 1

    def _look(self, number: int, left: list[Path]) -> None:
        """After a start: everything is closed, and the folder verifies."""
        for path in left:
            if closing(path) != ("session-close", "interrupted"):
                self.figures.problems.append(f"turn {number}: {path.stem} ends with {closing(path)}")
        report = verify_folder(self.state / "recordings", read_keys([self.state / "signing.pub"]))
        self.figures.problems += [f"turn {number}: {problem}" for problem in report.problems]
        noted = {entry.get("session") for entry in read_entries(self.state / "recordings" / "gateway.jsonl") if entry["type"] == "note"}
        self.figures.problems += [f"turn {number}: {path.stem} is not noted" for path in left if path.stem not in noted]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 31))
    parser.add_argument("--mode", choices=("buffered", "durable"), default="buffered")
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)

    def edit(text: str) -> str:
        return text + f'\n[gateway.recording]\nmode = "{options.mode}"\n'

    with (
        tempfile.TemporaryDirectory(prefix="govern-crash-") as folder,
        Stack(Path(folder) / "demo", lab=False, settings=SETTINGS, edit=edit) as stack,
    ):
        run = Run(stack, options.seed)
        for number in range(1, options.kills + 1):
            run.turn(number)
            if run.figures.problems or number % 10 == 0:
                print(run.figures.told(), *run.figures.problems, sep="\n", flush=True)
            if run.figures.problems:
                break
    print(run.figures.told())
    return 1 if run.figures.problems else 0


if __name__ == "__main__":
    sys.exit(main())
