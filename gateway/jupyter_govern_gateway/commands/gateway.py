"""Run the gateway in the foreground.

SIGHUP reads policy, certificate and secrets anew, SIGTERM and Ctrl-C stop it: running statements get some seconds to end.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
from pathlib import Path

import uvloop

from jupyter_govern.errors import RecordingFailed
from jupyter_govern_gateway.app import GatewayApp, PortTaken, complain


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("config", type=Path, metavar="FILE", help="govern.toml")


def run(args: argparse.Namespace) -> int:
    """0 after a stop that was asked for, 3 where an address or the recordings cannot be had; ConfigError goes to the CLI (2)."""
    try:
        uvloop.run(_serve(args.config))
    except (PortTaken, RecordingFailed) as problem:
        complain(f"jupyter govern gateway: {problem}")
        return 3
    return 0


async def _serve(path: Path) -> None:
    app = GatewayApp(path, say=_say)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await app.start()
    loop.add_signal_handler(signal.SIGHUP, app.upkeep.reload)
    _say("ready")
    try:
        await stop.wait()
        _say("stopping")
    finally:
        await app.stop()


def _say(line: str) -> None:
    print(line, flush=True)
