"""What a person does in JupyterLab, as calls: open a notebook, run a cell, look at the panel. Knows selectors, asserts nothing
but that things come about in time."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import quote

from playwright.sync_api import Locator, Page, expect

SLOW_MS = 60_000
"""The first page of JupyterLab, and the first start of a kernel, on a busy machine."""


class Lab:
    """One window with JupyterLab in it."""

    def __init__(self, page: Page, url: str, token: str) -> None:
        self.page, self._url, self._token = page, url, token
        self.panel = page.locator("#jupyter-govern-panel")
        self.approvals = self.panel.locator('[data-section="approvals"]')
        self.targets = self.panel.locator('[data-section="targets"]')
        self.sessions = self.panel.locator('[data-section="sessions"]')
        self.timeline = self.panel.locator('[data-section="timeline"]')

    def open(self, notebook: str = "") -> None:
        """Load JupyterLab afresh, with a notebook and our panel open."""
        tree = f"/tree/{quote(notebook)}" if notebook else ""
        token = f"token={self._token}&" if self._token else ""  # under a Hub the browser is logged in already
        self.page.goto(f"{self._url}/lab{tree}?{token}reset")
        rail = self.page.locator('li[data-id="jupyter-govern-panel"]')
        rail.wait_for(timeout=SLOW_MS)
        if notebook:
            expect(self.page.locator(".jp-Notebook .jp-Cell").first).to_be_visible(timeout=SLOW_MS)
            expect(self.page.locator(".jp-Notebook-ExecutionIndicator")).to_have_attribute("data-status", "idle", timeout=SLOW_MS)
        self.dismiss_news()
        if not self.panel.is_visible():
            rail.click()
        self.panel.wait_for()

    def dismiss_news(self) -> None:
        """JupyterLab's own question about news covers what is tested, where it was not switched off."""
        news = self.page.locator(".jp-toast-button", has_text=re.compile("^No$"))
        if news.count():
            news.first.click()

    def toast(self, text: str) -> Locator:
        """A notification with this text."""
        return self.page.locator(".Toastify__toast", has_text=text)

    def close_toasts(self) -> None:
        """Close what still hovers."""
        for _ in range(self.page.locator(".jp-toast-button, .Toastify__close-button").count()):
            close = self.page.locator(".Toastify__close-button")
            if close.count() == 0:
                break
            close.first.click()
        expect(self.page.locator(".Toastify__toast")).to_have_count(0)

    def cell(self, text: str) -> Locator:
        """The first code cell whose source holds this text; scrolled into view, because JupyterLab draws only those."""
        cells = self.page.locator(".jp-Notebook .jp-CodeCell")
        found = cells.filter(has=self.page.locator(".cm-content", has_text=text)).first
        if not found.count():
            self.page.locator(".jp-Notebook .jp-WindowedPanel-outer").first.evaluate("e => e.scrollTo(0, 0)")
        for _ in range(40):
            if found.count():
                break
            self.page.locator(".jp-Notebook .jp-WindowedPanel-outer").first.evaluate("e => e.scrollBy(0, 400)")
            self.page.wait_for_timeout(50)
        found.scroll_into_view_if_needed()
        return found

    def run(self, text: str) -> Locator:
        """Run the cell with this text; it may still be running when this returns."""
        cell = self.cell(text)
        cell.locator(".cm-content").first.click()
        self.page.keyboard.press("Control+Enter")
        return cell

    def run_to_end(self, text: str) -> Locator:
        """Run the cell with this text and wait until it has an execution count."""
        cell = self.run(text)
        self.wait_done(cell)
        return cell

    def wait_done(self, cell: Locator) -> None:
        """Wait until the cell has an execution count again."""
        expect(cell.locator(".jp-InputPrompt").first).to_have_text(re.compile(r"\[\d+\]:"), timeout=SLOW_MS)

    def card(self, approval: int | None = None) -> Locator:
        """The card of an approval, or the first one."""
        return self.approvals.locator("[data-approval]" if approval is None else f'[data-approval="{approval}"]').first

    def show_only(self, *sections: str) -> None:
        """Fold the sections but these."""
        for name in ("approvals", "targets", "timeline", "sessions"):
            header = self.panel.locator(f'[data-section="{name}"] h3 button')
            if header.count() and (header.get_attribute("aria-expanded") == "true") != (name in sections):
                header.click()

    def choose_theme(self, name: str) -> None:
        """Settings, Theme, …"""
        self.page.get_by_role("menuitem", name="Settings").click()
        self.page.locator(".lm-Menu-itemLabel", has_text=re.compile("^Theme$")).hover()
        self.page.locator(".lm-Menu-itemLabel", has_text=re.compile(f"^{name}$")).click()
        expect(self.page.locator("body")).to_have_attribute("data-jp-theme-name", name)

    def screenshot(self, path: Path) -> None:
        """The whole window, when nothing moves."""
        self.page.mouse.move(700, 5)
        self.page.wait_for_timeout(400)
        self.page.screenshot(path=path)
