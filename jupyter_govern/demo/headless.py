"""The demo without a browser: runs the quickstart notebook through the whole stack, answers its approval as a second person, reports.

ana logs in by the device flow on the gateway's own pages; the notebook runs in a kernel of the Jupyter server; ben decides through
the public API with a login of his own. Every expectation that is not met is an error.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from aiohttp import ClientSession

from jupyter_govern.client import GatewayClient
from jupyter_govern.demo.person import Person
from jupyter_govern.demo.remote_kernel import CellRun, RemoteKernel
from jupyter_govern.demo.shop import rows
from jupyter_govern.demo.stack import Stack

LOGIN_SECONDS = 30.0
APPROVAL_SECONDS = 60.0


class NotAsPromised(Exception):
    """The demo ran, but something did not happen that should have."""


async def run(stack: Stack, say: Callable[[str], None]) -> None:
    """Raises NotAsPromised with what was wrong."""
    await _log_in(stack)
    say("ana logged in on the gateway's own page (device flow); the notebook server never saw the password")
    async with RemoteKernel(stack.server_url, stack.lab_token, "quickstart.ipynb") as kernel:
        for number, cell in enumerate(_cells(stack), 1):
            source = "".join(cell["source"])
            tags = cell["metadata"].get("tags", [])
            if "needs-approval" in tags:
                done = await _with_approval(stack, kernel, source, cell["id"], say)
            else:
                done = await kernel.run(source, cell["id"])
            _check(number, source, tags, done, say)
    _report(stack, await asyncio.to_thread(stack.login, "ana"), say)


def _cells(stack: Stack) -> list[dict[str, Any]]:
    notebook = json.loads((stack.notebooks / "quickstart.ipynb").read_text())
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


async def _log_in(stack: Stack) -> None:
    base = f"{stack.server_url}/jupyter-govern"
    async with ClientSession(headers={"Authorization": f"token {stack.lab_token}"}) as http:
        async with http.post(f"{base}/login") as answer:
            answer.raise_for_status()
            code = (await answer.json())["login_pending"]["user_code"]
        async with Person(stack.api_url) as ana:
            await ana.sign_in("ana", stack.people["ana"][0])
            await ana.confirm_device(code)
        async with asyncio.timeout(LOGIN_SECONDS):
            while True:
                async with http.get(f"{base}/status") as answer:
                    if (await answer.json())["login"]:
                        return
                await asyncio.sleep(0.2)


async def _with_approval(stack: Stack, kernel: RemoteKernel, source: str, cell: str, say: Callable[[str], None]) -> CellRun:
    running = asyncio.get_running_loop().create_task(kernel.run(source, cell))
    try:
        ben = await asyncio.to_thread(stack.login, "ben")
        async with asyncio.timeout(APPROVAL_SECONDS):
            while not (waiting := await asyncio.to_thread(ben.approvals)):
                if running.done():
                    raise NotAsPromised(f"nothing waited for approval: {running.result().text} {running.result().error}")
                await asyncio.sleep(0.1)
        asked = waiting[0]
        say(f"waiting   #{asked['number']} {asked['statement']!r} by {asked['actor']['subject']} ({asked['cell']['notebook']})")
        await asyncio.to_thread(lambda: ben.decide(asked["number"], "approve", digest=asked["digest"], reason="drafts are rubbish anyway"))
        say(f"approved  #{asked['number']} by ben, through the public API with his own login")
        return await running
    finally:
        running.cancel()


def _check(number: int, source: str, tags: list[str], done: CellRun, say: Callable[[str], None]) -> None:
    words = " ".join(source.split())[:70]
    if "raises-exception" in tags:
        if not done.error:
            raise NotAsPromised(f"cell {number} should have been refused: {words}")
        reason = next((line for line in done.error.splitlines()[1:] if line.strip()), "")
        say(f"refused   [{number}] {words}  —  {reason.strip()}")
    elif done.error:
        raise NotAsPromised(f"cell {number} failed: {words}\n{done.error}")
    else:
        say(f"ran       [{number}] {words}")
    _no_secret(number, done)


def _no_secret(number: int, done: CellRun) -> None:
    """Nothing that ana must not see is anywhere in what the cell gave."""
    for customer in rows()["customers"]:
        for secret in (customer[2], customer[3], customer[4]):
            if secret and (secret in done.text or secret in done.error):
                raise NotAsPromised(f"cell {number} shows {secret!r} in clear")


def _report(stack: Stack, ana: GatewayClient, say: Callable[[str], None]) -> None:
    sessions = [session for session in ana.sessions(limit=50) if session["notebook"]]
    if not sessions:
        raise NotAsPromised("no session of the notebook is on record")
    counts = {"allow": 0, "block": 0, "approve": 0}
    entries, rows_delivered, cells = 0, 0, set()
    for session in sessions:
        found = ana.verify(session["id"])
        if not found["ok"]:
            raise NotAsPromised(f"the recording of session {session['id']} does not verify: {found['problem']}")
        entries += found["entries"]
        for operation in ana.session(session["id"])["operations"]:
            counts[operation["decision"]["effect"]] += 1
            rows_delivered += operation["rows"] or 0
            if operation["cell"]:
                cells.add(operation["cell"]["cell_id"])
    if min(counts.values()) == 0:
        raise NotAsPromised(f"expected allowed, blocked and approved statements on record, found {counts}")
    masks = next(target for target in ana.targets() if target["name"] == "shop")["masks"]
    say("")
    say(f"allowed   {counts['allow']} statements, {rows_delivered:,} rows delivered")
    say(f"masked    {', '.join(mask['column'] for mask in masks)}")
    say(f"blocked   {counts['block']} statements, each with its rule's reason")
    say(f"approved  {counts['approve']} statement, by a second person")
    say(f"recorded  {entries} entries in {len(sessions)} sessions, from {len(cells)} notebook cells; every hash chain verified")
