"""The index's writer in a process of its own: reading recordings costs Python's one lock, which the event loop needs for statements.

One end of a socket pair each; a packet is one JSON array. The process ends when the gateway's end is closed, however that comes.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from jupyter_govern_gateway.recorder.index_writer import Answer, IndexWriter, Item

MAX_PACKET: Final = 128 * 1024
NICENESS: Final = 5
"""Statements come first, but a list must not wait for ever on a busy machine."""
_KEPT: Final = ("PATH", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "TMPDIR")
"""What it is given of the gateway's environment, where secrets may be."""


def can_be_apart() -> bool:
    """Whether this system has what it takes."""
    return sys.platform == "linux" and hasattr(socket, "SOCK_SEQPACKET")


class IndexProcess:
    """The gateway's end. answered: called in a thread. gone: called once, in that thread, if the process ends by itself."""

    def __init__(self, path: Path, since: str, answered: Callable[[Answer], None], gone: Callable[[], None]) -> None:
        self._ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            command = [sys.executable, "-P", "-m", __name__, str(theirs.fileno()), str(path), since]
            environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
            self._process = subprocess.Popen(command, pass_fds=(theirs.fileno(),), stdin=subprocess.DEVNULL, env=environment)
        self._answered, self._gone = answered, gone
        self._closing = False
        self._thread = threading.Thread(target=self._listen, name="session-index", daemon=True)
        self._thread.start()

    def put(self, item: tuple[str, dict[str, Any]], *, waits: bool = False) -> bool:
        """Whether it was taken; without `waits` it never blocks."""
        try:
            self._ours.send(json.dumps(item).encode(), 0 if waits else socket.MSG_DONTWAIT)
        except OSError:
            return False
        return True

    def close(self, seconds: float) -> None:
        """What was put is written, then the process ends."""
        self._closing = True
        with suppress(OSError):
            self._ours.shutdown(socket.SHUT_WR)
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._thread.join(seconds)
        self._ours.close()

    def _listen(self) -> None:
        with suppress(OSError):
            while packet := self._ours.recv(MAX_PACKET):
                tickets, rows, size, dropped = json.loads(packet)
                self._answered(Answer(tickets=tuple(tickets), rows=rows, bytes=size, dropped=dropped))
        if not self._closing:
            self._process.wait()
            self._ours.close()
            self._gone()


def main(arguments: list[str]) -> int:
    """The process itself: descriptor of its end, path of the index, since."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # meant for the gateway, at whose end this ends
    with suppress(OSError):
        os.nice(NICENESS)
    theirs = socket.socket(fileno=int(arguments[0]))
    inbox: queue.Queue[Item] = queue.Queue()

    def listen() -> None:
        with suppress(OSError):
            while packet := theirs.recv(MAX_PACKET):
                kind, row = json.loads(packet)
                inbox.put((kind, row))
        inbox.put(None)

    def answer(said: Answer) -> None:
        with suppress(OSError):  # nobody is there any more
            theirs.send(json.dumps([said.tickets, said.rows, said.bytes, said.dropped]).encode())

    threading.Thread(target=listen, daemon=True).start()
    IndexWriter(Path(arguments[1]), arguments[2], inbox, answer).run()
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
