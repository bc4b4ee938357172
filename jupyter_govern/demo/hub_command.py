"""`make hub-demo`: the product under JupyterHub on this machine. Ctrl-C stops everything and leaves nothing behind.

    python -m jupyter_govern.demo.hub_command [--headless]

Headless, the notebook of the example runs through the same road (login at the provider, server, kernel, approval by a second person)
and is reported; what does not go as promised is an error. The identity provider in it is for this demo only.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from jupyter_govern.demo.attended import Say, attend
from jupyter_govern.demo.headless import APPROVAL_SECONDS, NotAsPromised
from jupyter_govern.demo.hub import NOTEBOOK, HubStack
from jupyter_govern.demo.hub_person import HubPerson, Sso
from jupyter_govern.demo.remote_kernel import CellRun, RemoteKernel


def main(arguments: list[str] | None = None) -> int:
    """0 when stopped by Ctrl-C or when the headless run went as promised, 1 when something did not."""
    parser = argparse.ArgumentParser(prog="hub-demo", description="jupyter-govern under JupyterHub, on this machine")
    parser.add_argument("--headless", action="store_true", help="run the example's notebook without a browser, report, and stop")
    args = parser.parse_args(arguments)
    stack = HubStack(Path(tempfile.mkdtemp(prefix="govern-hub-demo-")))
    return attend(stack, "hub-demo", introduction=lambda: _introduction(stack), headless=partial(run, stack) if args.headless else None)


async def run(stack: HubStack, say: Say) -> None:
    """Raises NotAsPromised with what was wrong."""
    async with HubPerson(stack.hub_url, "ana", stack.people["ana"][0]) as ana:
        say("ana logged in at the identity provider, once")
        url = await ana.start_server()
        say(f"the Hub started her server: {url}")
        async with RemoteKernel(url, ana.token, NOTEBOOK) as kernel:
            for number, cell in enumerate(_cells(stack), 1):
                source, tags = "".join(cell["source"]), cell["metadata"].get("tags", [])
                if "needs-approval" in tags:
                    done = await _approved(stack, ana, kernel, source, say)
                else:
                    done = await kernel.run(source, cell["id"])
                _check(number, source, "raises-exception" in tags, done, say)


def _cells(stack: HubStack) -> list[dict[str, Any]]:
    notebook = json.loads((stack.directory / "homes" / "ana" / NOTEBOOK).read_text())
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


async def _approved(stack: HubStack, ana: HubPerson, kernel: RemoteKernel, source: str, say: Say) -> CellRun:
    """Run a cell that waits; ben approves it on the gateway's own page."""
    running = asyncio.get_running_loop().create_task(kernel.run(source, "hub-approval"))
    try:
        async with asyncio.timeout(APPROVAL_SECONDS):
            while not (waiting := (await ana.ask("GET", "/user/ana/jupyter-govern/gateway/approvals?state=pending"))[1]):
                if running.done():
                    raise NotAsPromised(f"nothing waited for approval: {running.result()}")
                await asyncio.sleep(0.1)
        number = waiting[0]["number"]
        say(f"waiting   #{number} {waiting[0]['statement']!r} by {waiting[0]['actor']['subject']}")
        async with Sso("ben", stack.people["ben"][0]) as ben:
            await ben.approve(stack.pages_url, number, "drafts are rubbish anyway")
        say(f"approved  #{number} by ben, on the gateway's own page, after a login of its own at the provider")
        return await running
    finally:
        running.cancel()


def _check(number: int, source: str, should_fail: bool, done: CellRun, say: Say) -> None:
    words = " ".join(source.split())[:70]
    if bool(done.error) != should_fail:
        raise NotAsPromised(f"cell {number} {'should have been refused' if should_fail else 'failed'}: {words}\n{done.error}")
    if "@" in done.text:
        raise NotAsPromised(f"cell {number} shows an address in clear")
    say(f"{'refused' if should_fail else 'ran':9} [{number}] {words}")


def _introduction(stack: HubStack) -> str:
    people = "\n".join(f"    {name:5} password {word:20} groups: {', '.join(groups)}" for name, (word, groups) in stack.people.items())
    return f"""
JupyterHub   {stack.hub_url}
Gateway      {stack.pages_url}
People (of the demo's identity provider at {stack.issuer}; it is for this demo only, and nobody should trust it with more)
{people}
Open the Hub, log in as ana, run {NOTEBOOK}. Its last cell waits: approve it as ben, in a private window, at the link that it shows.

Ctrl-C stops everything."""


if __name__ == "__main__":
    sys.exit(main())
