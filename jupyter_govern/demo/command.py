"""Start the whole product on this machine: a shop in PostgreSQL, the gateway, JupyterLab.

Everything is below a scratch folder and on loopback; Ctrl-C stops it and leaves nothing behind.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import tempfile
import time
from pathlib import Path
from types import FrameType

from jupyter_govern.client import GatewayProblem
from jupyter_govern.demo import headless
from jupyter_govern.demo.person import PageProblem
from jupyter_govern.demo.postgres import PostgresFailed
from jupyter_govern.demo.processes import StartFailed
from jupyter_govern.demo.stack import Stack, quiet_stop


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--headless", action="store_true", help="run the quickstart notebook without a browser, report, and stop")


def run(args: argparse.Namespace) -> int:
    """0 when stopped by Ctrl-C or when the headless run went as promised, 1 when something did not."""
    signal.signal(signal.SIGTERM, as_interrupt)
    started = time.monotonic()
    stack = Stack(Path(tempfile.mkdtemp(prefix="govern-demo-")), lab=True)
    try:
        stack.start(say)
        if args.headless:
            asyncio.run(headless.run(stack, say))
            say(f"\nall as promised, in {time.monotonic() - started:.0f} seconds")
            return 0
        _introduce(stack)
        _wait(stack)
        return 1
    except KeyboardInterrupt:
        say("\nstopping")
        return 130 if args.headless else 0
    except (PostgresFailed, StartFailed, PageProblem, GatewayProblem, headless.NotAsPromised, TimeoutError, OSError) as problem:
        print(f"jupyter govern demo: {problem or type(problem).__name__}", file=sys.stderr, flush=True)
        return 1
    finally:
        quiet_stop(stack)


def as_interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def say(line: str) -> None:
    print(line, flush=True)


def _wait(stack: Stack) -> None:
    """Until Ctrl-C; raises StartFailed if a part ends by itself."""
    while True:
        time.sleep(1)
        for child in (stack.gateway, stack.lab):
            if child is not None and not child.is_running:
                raise StartFailed(f"{child.name} ended:\n{child.last_words()}")


def _introduce(stack: Stack) -> None:
    people = "\n".join(
        f"    {name:5} password {password:20} groups: {', '.join(groups)}" for name, (password, groups) in stack.people.items()
    )
    line = f'"host=127.0.0.1 port={stack.pg_port} dbname=shop user=ana sslmode=verify-full sslrootcert={stack.ca_file}"'
    say(
        f"""
JupyterLab   {stack.lab_url}
Gateway      {stack.api_url}
People (they log in on the gateway's page: open the shield panel in JupyterLab and follow it)
{people}
psql, as ana (the password is a gateway token, good for 12 hours):
    PGPASSWORD={stack.token("ana")} psql {line}
    try:  select name, email from customers limit 3;
          copy (select email from customers limit 3) to stdout;
          drop table orders;
          delete from order_drafts;   -- waits; approve it as ben at the link that it prints

Ctrl-C stops everything."""
    )
