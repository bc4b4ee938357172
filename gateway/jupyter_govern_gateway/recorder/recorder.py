"""Opens recordings: one file a session below recordings/YYYY/MM/DD, the gateway's own log, the index over both."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from jupyter_govern_gateway.recorder.chain import Chain, Clock
from jupyter_govern_gateway.recorder.index import SessionIndex, rebuild_index
from jupyter_govern_gateway.recorder.log import GatewayLog
from jupyter_govern_gateway.recorder.recover import close_interrupted, mend
from jupyter_govern_gateway.recorder.session import SessionRecording


class Recorder:
    """state_dir/recordings and state_dir/index.sqlite. On start it mends what a crash left and says so in the gateway log."""

    def __init__(self, state_dir: Path, clock: Clock) -> None:
        self.directory = state_dir / "recordings"
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._clock = clock
        log_path = self.directory / "gateway.jsonl"
        found = mend(log_path) if log_path.exists() else None
        self.log = GatewayLog(self.directory, clock, seq=found.seq if found else 0, head=found.head if found else None)
        mended = close_interrupted(self.directory, clock)
        fresh = not (state_dir / "index.sqlite").exists()
        self.index = SessionIndex(state_dir / "index.sqlite")
        if fresh or mended:
            rebuild_index(self.directory, self.index)
        if found is not None and (found.torn_bytes or found.problem):
            self.log.write("note", about="gateway log mended", torn_bytes=found.torn_bytes, problem=found.problem)
        for each in mended:
            self.log.write(
                "note", about="session interrupted", session=each.path.stem, torn_bytes=each.torn_bytes, problem=each.problem
            )

    def open(self, session: str) -> SessionRecording:
        """A new recording. Raises RecordingFailed: then there is no session."""
        day = datetime.fromtimestamp(self._clock(), UTC).strftime("%Y/%m/%d")
        return SessionRecording(
            session=session, chain=Chain(self.directory / day / f"{session}.jsonl", self._clock), index=self.index
        )

    def path_of(self, session: str) -> Path | None:
        """The file of a session, by the index. Blocks: call it in a thread."""
        row = self.index.session(session)
        return Path(row["path"]) if row else None

    def close(self) -> None:
        self.index.close()
        self.log.close()
