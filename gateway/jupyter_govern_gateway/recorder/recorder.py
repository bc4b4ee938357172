"""Opens recordings: one file a session below recordings/YYYY/MM/DD, the gateway's own log, the index over both."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from jupyter_govern.errors import RecordingFailed
from jupyter_govern_gateway.recorder.chain import Chain, Clock
from jupyter_govern_gateway.recorder.index import SessionIndex, rebuild_index
from jupyter_govern_gateway.recorder.log import GatewayLog
from jupyter_govern_gateway.recorder.recover import Recovered, close_interrupted, left_open, mend
from jupyter_govern_gateway.recorder.session import SessionRecording
from jupyter_govern_gateway.recorder.signer import Signer

DEFER_SECONDS: Final = 0.05
"""How long the end of an operation may wait to be written; its beginning never waits."""


class Recorder:
    """state_dir/recordings and state_dir/index.sqlite. On start it mends what a crash left and says so in the gateway log."""

    def __init__(self, state_dir: Path, clock: Clock, *, signer: Signer | None = None) -> None:
        self.directory = state_dir / "recordings"
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._clock, self._signer = clock, signer
        self._deferred: dict[Chain, SessionRecording] = {}
        log_path = self.directory / "gateway.jsonl"
        found = mend(log_path) if log_path.exists() else None
        self.log = GatewayLog(
            self.directory, clock, seq=found.seq if found else 0, head=found.head if found else None, signer=signer
        )
        mended = close_interrupted(self.directory, clock, signer)
        fresh = not (state_dir / "index.sqlite").exists()
        self.index = SessionIndex(state_dir / "index.sqlite")
        if fresh or mended:
            rebuild_index(self.directory, self.index)
        if found is not None and (found.torn_bytes or found.problem):
            self.log.write("note", about="gateway log mended", torn_bytes=found.torn_bytes, problem=found.problem)
        for each in mended:
            self.log.write("note", about="session interrupted", session=each.path.stem, torn_bytes=each.torn_bytes, problem=each.problem)
        self._settle({each.path.stem: each for each in mended})
        self.log.sign()

    def _settle(self, mended: dict[str, Recovered]) -> None:
        """Have the log say how each session ended that a crash ended, or that ended while the log could not be written."""
        unknown = left_open(self.log.path) - mended.keys()
        for path in self.directory.glob("[0-9]*/[0-9]*/[0-9]*/*.jsonl") if unknown else ():
            if path.stem in unknown:
                mended[path.stem] = mend(path)
        for session, each in sorted(mended.items()):
            if not each.problem:
                self.log.write("session", event="close", session=session, reason="interrupted", head=each.head)

    def open(self, session: str) -> SessionRecording:
        """A new recording. Raises RecordingFailed: then there is no session."""
        day = datetime.fromtimestamp(self._clock(), UTC).strftime("%Y/%m/%d")

        def later(chain: Chain) -> None:
            self._later(chain, recording)

        chain = Chain(self.directory / day / f"{session}.jsonl", self._clock, later=later if _has_loop() else None)
        recording = SessionRecording(session=session, chain=chain, index=self.index, signer=self._signer)
        return recording

    def _later(self, chain: Chain, recording: SessionRecording) -> None:
        if chain in self._deferred:
            return
        if not self._deferred:
            asyncio.get_running_loop().call_later(DEFER_SECONDS, self.flush)
        self._deferred[chain] = recording

    def flush(self) -> None:
        """Write what was deferred. A recording that cannot be written refuses its session's next operation."""
        waiting, self._deferred = self._deferred, {}
        for chain, recording in waiting.items():
            recording.progress()
            try:
                chain.flush()
            except RecordingFailed:
                continue

    def path_of(self, session: str) -> Path | None:
        """The file of a session, by the index. Blocks: call it in a thread."""
        row = self.index.session(session)
        return Path(row["path"]) if row else None

    def close(self) -> None:
        self.flush()
        self.index.close()
        self.log.close()


def _has_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
