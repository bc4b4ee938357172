"""Tells each operation that has ended to one sink, in the order in which they ended, at least once.

How far it has come is in state_dir/exports/NAME.json. The index may be made anew, with other positions: then it goes on from the time of
the last operation that it told, and some are told twice. A sink that fails is said in the log once, and tried again.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from jupyter_govern import private_files
from jupyter_govern.ecs import ecs
from jupyter_govern.errors import RecordingFailed
from jupyter_govern.export import ocsf
from jupyter_govern_gateway.exporting.sinks import Sink
from jupyter_govern_gateway.recorder.index import SessionIndex
from jupyter_govern_gateway.recorder.log import GatewayLog
from jupyter_govern_gateway.recorder.operations import as_object, ended_after

BATCH: Final = 500
LONGEST_REST: Final = 300.0
"""Seconds between attempts at a sink that keeps failing, at most."""
FORMATS: Final[dict[str, Callable[[Any], dict[str, Any]]]] = {"ocsf": ocsf, "ecs": ecs, "jsonl": dict}


class Exporter:
    """state: its file; made when it first tells something."""

    def __init__(self, name: str, sink: Sink, form: str, *, index: SessionIndex, log: GatewayLog, state: Path, seconds: float) -> None:
        self._name, self._sink, self._form = name, sink, FORMATS[form]
        self._index, self._log, self._state, self._seconds = index, log, state, seconds
        self._failing = False
        self._made = str(index.select("select id from made", ())[0][0])
        said = _read(state)
        is_same = said.get("index") == self._made
        self._position = int(said["position"]) if is_same else 0
        self._latest = str(said.get("at", ""))
        self._since = str(said.get("since", "")) if is_same else self._latest

    async def watch(self) -> None:
        """Until cancelled."""
        rest = self._seconds
        while True:
            await asyncio.sleep(rest)
            try:
                done = await asyncio.to_thread(self.turn)
            except (OSError, sqlite3.Error, RecordingFailed):  # a full disk: nothing is lost, it is told when there is room again
                done = False
            rest = self._seconds if done else min(rest * 2, LONGEST_REST)

    def turn(self) -> bool:
        """Tell what has ended; whether the sink took it. Blocks. Raises RecordingFailed."""
        while rows := self._index.select(*ended_after(self._position, self._since, BATCH)):
            operations = [as_object(row[2:]) for row in rows]
            try:
                self._sink.send([self._form(each) for each in operations], [each["at"] for each in operations])
            except (OSError, ValueError) as problem:
                if not self._failing:
                    self._log.write("note", about="export failed", export=self._name, problem=str(problem)[:500])
                self._failing = True
                return False
            self._failing = False
            self._position, self._latest = int(rows[-1][0]), max(self._latest, *(str(row[1]) for row in rows))
            self._keep()
        return True

    def _keep(self) -> None:
        """since: what ended before was told out of an index that is gone."""
        self._state.parent.mkdir(exist_ok=True, mode=0o700)
        said = {"index": self._made, "position": self._position, "at": self._latest, "since": self._since}
        private_files.replace(self._state, json.dumps(said), durably=True)


def _read(state: Path) -> dict[str, Any]:
    try:
        said = json.loads(state.read_bytes())
    except (OSError, ValueError):
        return {}
    return said if isinstance(said, dict) else {}
