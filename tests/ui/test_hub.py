"""Under JupyterHub in a browser: one login at the identity provider, a server, a governed cell that nobody logged in for, and a second
person who approves on the gateway's own page with a login of their own. The picture of the documentation is taken on the way."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from jupyter_govern.demo.hub import NOTEBOOK, HubStack
from tests.ui.conftest import NewWindow
from tests.ui.gateway import decide
from tests.ui.lab import Lab

SPAWN_MS = 180_000


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[HubStack]:
    running = HubStack(tmp_path / "demo")
    running.start(print)
    yield running
    running.stop()


def log_in_at_provider(page: Page, hub: HubStack, person: str) -> None:
    """Name, then password, on the provider's own pages."""
    expect(page).to_have_url(re.compile(re.escape(hub.issuer)), timeout=60_000)
    for field, value in (("login", person), ("password", hub.people[person][0])):
        page.locator(f'input[name="{field}"]').fill(value)
        page.locator(f'input[name="{field}"]').press("Enter")


@pytest.mark.timeout(420)
def test_from_the_providers_login_to_an_approved_cell(hub: HubStack, new_window: NewWindow, screenshots: Path) -> None:
    # one login, at the provider; the Hub starts a server
    page = new_window().new_page()
    page.goto(hub.hub_url)
    log_in_at_provider(page, hub, "ana")
    expect(page).to_have_url(re.compile(r"/user/ana/lab"), timeout=SPAWN_MS)

    # nobody logs in to the gateway: who asks is known already
    # a busy machine lists its kernels late, and JupyterLab asks then which to take
    select = page.locator(".jp-Dialog", has_text="Select Kernel").get_by_role("button", name="Select Kernel")
    page.add_locator_handler(select, lambda button: button.click())
    lab = Lab(page, f"{hub.hub_url}/user/ana", "")
    lab.open(NOTEBOOK)
    expect(lab.panel.locator('[data-govern="subject"]')).to_have_text("ana", timeout=30_000)
    lab.run_to_end("%load_ext jupyter_govern")
    masked = lab.run_to_end("select name, city, email")
    expect(masked.locator("th.jp-govern-masked").first).to_have_attribute("title", re.compile("masked"), timeout=30_000)
    expect(masked.locator(".jp-OutputArea")).not_to_contain_text("@")
    expect(lab.run_to_end("drop table").locator(".jp-OutputArea")).to_contain_text("no one drops tables")

    # it waits for somebody else
    lab.show_only("approvals")
    waiting = lab.run("delete from order_drafts")
    card = lab.card()
    expect(card).to_contain_text("delete from order_drafts", timeout=30_000)
    number = int(card.get_attribute("data-approval") or "0")

    # the one who asked may look, and the Hub's login does not decide: the gateway's page wants its own
    own = page.context.new_page()
    own.goto(f"{hub.pages_url}/approvals/{number}")
    expect(own.get_by_role("link", name=re.compile("Sign in with"))).to_be_visible()
    own.close()

    # ben, in a browser of his own, through the gateway's own login
    decision = new_window().new_page()
    decision.goto(f"{hub.pages_url}/approvals/{number}")
    decision.get_by_role("link", name="Sign in with Company login").click()
    log_in_at_provider(decision, hub, "ben")
    expect(decision.locator("pre").first).to_contain_text("delete from order_drafts", timeout=30_000)
    expect(decision.locator("main")).to_contain_text(NOTEBOOK)
    decide(decision, "Approve", "agreed on the phone")

    lab.wait_done(waiting)
    expect(waiting.locator(".jp-OutputArea")).to_contain_text("DELETE")
    expect(lab.card(number)).to_contain_text("by ben")
    lab.close_toasts()
    lab.cell("select name, city, email").scroll_into_view_if_needed()
    lab.screenshot(screenshots / "hub.png")
