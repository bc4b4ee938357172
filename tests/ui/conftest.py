"""The demo's whole stack with JupyterLab, once for all browser tests; a browser; windows that close with their test.

A test that fails leaves a picture of each window in test-results/ at the root of the repository.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, sync_playwright

from jupyter_govern.demo.stack import Stack
from tests.ui.lab import Lab

ROOT = Path(__file__).resolve().parents[2]
ARGS = [
    "--no-sandbox",  # in a container there is none to be had
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WINDOW = {"width": 1440, "height": 960}


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """PostgreSQL with the shop, the gateway, JupyterLab."""
    running = Stack(tmp_path_factory.mktemp("stack"), lab=True)
    running.start(print)
    yield running
    running.stop()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Headless Chromium of the machine."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.fail("no Chromium is installed; `make browser` installs it")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, headless=True, args=ARGS)
        yield chromium
        chromium.close()


NewWindow = Callable[[], BrowserContext]


@pytest.fixture
def new_window(browser: Browser, request: pytest.FixtureRequest) -> Iterator[NewWindow]:
    """A factory of browser windows that share no cookies: one for each person."""
    opened: list[BrowserContext] = []

    def new() -> BrowserContext:
        context = browser.new_context(viewport=WINDOW, color_scheme="light")  # type: ignore[arg-type]
        context.set_default_timeout(30_000)
        opened.append(context)
        return context

    yield new
    failed = getattr(request.node, "failed_call", False)
    for number, context in enumerate(opened):
        for page in context.pages if failed else ():
            name = re.sub(r"\W+", "-", f"{request.node.name}-{number}-{page.url}")[:120]
            page.screenshot(path=ROOT / "test-results" / f"{name}.png")
        context.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Let new_window know whether its test failed."""
    report = yield
    if report.when == "call":  # type: ignore[attr-defined]
        item.failed_call = report.failed  # type: ignore[attr-defined]
    return report  # type: ignore[return-value]


@pytest.fixture
def lab(stack: Stack, new_window: NewWindow) -> Lab:
    """A window with JupyterLab's address in hand; nothing is loaded yet."""
    return Lab(new_window().new_page(), stack.server_url, stack.lab_token)


@pytest.fixture(scope="session")
def screenshots() -> Path:
    """Where the pictures of the documentation go."""
    folder = ROOT / "docs" / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
