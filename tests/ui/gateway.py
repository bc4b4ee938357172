"""What a person does on the gateway's own pages, as calls. Knows their forms, asserts nothing but that they lead on."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect


def sign_in(page: Page, user: str, password: str) -> None:
    """Fill the sign-in form that is shown."""
    page.get_by_label("Name", exact=True).fill(user)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_label("Password", exact=True)).to_have_count(0)


def confirm_device(page: Page, user: str, password: str, code: str) -> None:
    """Sign in on the page that a device login opened, and confirm that it shows the same code."""
    sign_in(page, user, password)
    expect(page.locator(".usercode")).to_have_text(code)
    page.get_by_role("button", name="Yes, connect it").click()
    expect(page.locator(".state")).to_have_text(re.compile("connected", re.IGNORECASE))


def decide(page: Page, answer: str, reason: str = "") -> None:
    """Approve or Deny on the decision page that is shown."""
    if reason:
        page.get_by_label("Reason").fill(reason)
    page.get_by_role("button", name=answer, exact=True).click()
    expect(page.locator(".state")).not_to_have_text("pending")
