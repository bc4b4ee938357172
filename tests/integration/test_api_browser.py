"""The pages in a real Chromium: signing in and answering work without a script, and a click that was meant for something else
does not count."""

from __future__ import annotations

import asyncio
import importlib.util
import shutil
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import pytest_asyncio

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or ""
playwright = pytest.importorskip("playwright.async_api", reason="Playwright is not installed")
pytestmark = pytest.mark.skipif(not CHROMIUM, reason="there is no Chromium here")


def _world() -> ModuleType:
    path = Path(__file__).parents[1] / "unit" / "api" / "world.py"
    spec = importlib.util.spec_from_file_location("api_world_for_browsers", path)
    assert spec is not None and spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[Any]:
    async with _world().running(tmp_path) as started:
        yield started


@pytest_asyncio.fixture
async def window() -> AsyncIterator[Any]:
    async with playwright.async_playwright() as driver:
        chromium = await driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        context = await chromium.new_context(viewport={"width": 1000, "height": 1400})
        yield await context.new_page()
        await chromium.close()


async def sign_in(window: Any, address: str, name: str) -> None:
    await window.goto(address)
    await window.get_by_label("Name", exact=True).fill(name)
    await window.get_by_label("Password", exact=True).fill(f"{name}-password")
    await window.get_by_role("button", name="Sign in").click()
    await window.wait_for_url(address)


async def test_answering_and_signing_out(world: Any, window: Any) -> None:
    pending = world.pending("delete from orders\n-- \u202etidy")
    complaints: list[str] = []
    window.on("console", lambda message: complaints.append(message.text))
    await sign_in(window, pending.url, "ben")
    assert "U+202E" in await window.locator("pre").inner_text()
    await window.get_by_label("Reason").fill("checked <b>twice</b>")
    await window.get_by_role("button", name="Deny", exact=True).click()
    await window.locator(".state.denied").wait_for()
    assert window.url == pending.url, "the answer is shown by a page of its own, so that a reload answers nothing"
    assert "checked <b>twice</b>" in await window.locator("main").inner_text()
    assert (pending.approval.state, pending.approval.decided_by) == ("denied", "ben")
    await window.get_by_role("button", name="Sign out").click()
    await window.get_by_label("Password", exact=True).wait_for()
    assert complaints == []


async def test_half_of_a_double_click_is_no_answer(world: Any, window: Any) -> None:
    pending = world.pending()
    await sign_in(window, pending.url, "ben")
    box = await window.get_by_role("button", name="Approve", exact=True).bounding_box()
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    await window.reload(wait_until="commit")
    await window.mouse.click(*middle)
    await asyncio.sleep(1.0)
    assert pending.approval.state == "pending"
    await window.mouse.click(*middle)
    await window.locator(".state.approved").wait_for()


async def test_a_program_is_connected_by_its_code(world: Any, window: Any) -> None:
    device = (await world.ask("POST", "device", json={"client": "jupyter-server"})).json
    await sign_in(window, device["verification_uri_complete"], "ana")
    await window.get_by_role("button", name="Yes, connect it").click()
    await window.locator(".state.approved").wait_for()
    world.clock.ahead += 2
    got = await world.ask("POST", "device/token", json={"device_code": device["device_code"]})
    assert (got.json["kind"], got.json["subject"]) == ("server", "ana")


async def test_a_page_cannot_be_framed_nor_fetched_from_another_port(world: Any, window: Any) -> None:
    """Another port of the same host is the same site: the Lax cookie comes along, and still nothing is served."""
    pending = world.pending()
    await sign_in(window, pending.url, "ben")
    other = await window.context.new_page()
    lair = "http://127.0.0.1:8887/lair"
    await other.route(lair, lambda route: route.fulfill(body="<title>lair</title>", content_type="text/html"))
    await other.goto(lair)
    tried = await other.evaluate(
        """async address => {
          const frame = document.createElement('iframe');
          frame.src = address;
          document.body.append(frame);
          const fetched = await fetch(address, {credentials: 'include'}).then(r => 'read', e => e.name);
          await new Promise(done => setTimeout(done, 500));
          return {fetched, frames: frame.contentDocument === null ? 'opaque' : frame.contentDocument.body.innerText};
        }""",
        pending.url,
    )
    assert tried["fetched"] == "TypeError"
    assert "delete from orders" not in tried["frames"]
    assert pending.approval.state == "pending"
