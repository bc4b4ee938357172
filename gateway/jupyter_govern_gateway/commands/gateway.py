"""Run the gateway in the foreground.

SIGHUP reads policy, certificate and secrets anew. SIGTERM and Ctrl-C stop it: running statements may end first. SIGUSR2 restarts it
(new code, new configuration) without closing its ports: clients that come meanwhile wait.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from pathlib import Path

import uvloop

from jupyter_govern.config.load import examine
from jupyter_govern.errors import RecordingFailed
from jupyter_govern_gateway.app import GatewayApp, PortTaken, complain
from jupyter_govern_gateway.net.listening import Inherited, pass_on


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("config", type=Path, metavar="FILE", help="govern.toml")


def run(args: argparse.Namespace) -> int:
    """0 after a stop that was asked for, 3 where an address or the recordings cannot be had; ConfigError goes to the CLI (2)."""
    try:
        left = uvloop.run(_serve(args.config))
    except (PortTaken, RecordingFailed) as problem:
        complain(f"jupyter govern gateway: {problem}")
        return 3
    if left is not None:
        _become_anew(left)
    return 0


async def _serve(path: Path) -> dict[str, Inherited] | None:
    """Until it is stopped; the listening sockets where it is to be restarted."""
    app = GatewayApp(path, say=_say)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    left: dict[str, Inherited] | None = None

    def end() -> None:
        nonlocal left
        left = None  # also where it was restarting: whoever supervises it waits for its end
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end)
    await app.start()
    loop.add_signal_handler(signal.SIGHUP, app.upkeep.reload)

    def restart() -> None:
        nonlocal left
        _, problems = examine(path)
        if problems:  # a gateway that runs is worth more than one that cannot start
            complain(f"not restarted: {'; '.join(str(problem) for problem in problems)}")
        elif not stop.is_set():
            left = app.leave()
            stop.set()

    loop.add_signal_handler(signal.SIGUSR2, restart)
    _say("ready")
    try:
        await stop.wait()
        _say("stopping" if left is None else "restarting")
    finally:
        await app.stop()
    return left


def _become_anew(left: dict[str, Inherited]) -> None:
    """The same process with the same arguments: whoever supervises it sees no end. The recording has one writer at any time."""
    pass_on(left)
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - our own arguments


def _say(line: str) -> None:
    print(line, flush=True)
