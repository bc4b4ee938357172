"""Signing in with an identity provider in a real browser: its cookies, its Sec-Fetch headers, its rules for redirects and sandboxes."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from jupyter_govern.demo.postgres import free_port
from jupyter_govern.demo.processes import Child, says_ok
from tests.ui.conftest import ROOT, NewWindow

CONFIG = """
[gateway]
state_dir = "state"
[gateway.postgresql]
listen = "127.0.0.1:0"
[gateway.api]
listen = "127.0.0.1:{gateway}"
[identity.local]
accounts = "accounts.json"
[[identity.oidc]]
name = "staff"
label = "the staff directory"
issuer = "http://localhost:{provider}"
client_id = "govern"
client_secret = {{ file = "client" }}
scopes = ["openid", "profile", "email", "groups"]
"""


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A gateway with a provider behind it, each a process of its own; the gateway's address."""
    folder = tmp_path_factory.mktemp("provider-login")
    ports = {"gateway": free_port(), "provider": free_port()}
    url = f"http://127.0.0.1:{ports['gateway']}"
    client = {
        "secret": "the-clients-secret",
        "redirect_uris": [f"{url}/login/callback/staff"],
        "post_logout_redirect_uris": [f"{url}/login"],
    }
    people = {"ida": ["idas-password-at-work", ["analysts"]]}
    settings = {"port": ports["provider"], "people": people, "clients": {"govern": client}}
    (folder / "settings.json").write_text(json.dumps(settings))
    (folder / "client").write_text("the-clients-secret")
    (folder / "accounts.json").write_text('{"users": {}}')
    (folder / "govern.toml").write_text(CONFIG.format(**ports))
    provider = started("provider", [sys.executable, "-m", "jupyter_govern.demo.provider", "settings.json"], folder)
    running = started("gateway", [sys.executable, "-m", "jupyter_govern.cli", "gateway", "govern.toml"], folder)
    try:
        provider.wait_until(lambda: says_ok(f"http://localhost:{ports['provider']}/.well-known/openid-configuration"), 60)
        running.wait_until(lambda: says_ok(f"{url}/healthz"), 60)
        yield url
    finally:
        running.stop()
        provider.stop()


def started(name: str, command: list[str], folder: Path) -> Child:
    environment = {**os.environ, "JUPYTER_RUNTIME_DIR": str(folder / "runtime")}
    return Child(name, command, log=folder / f"{name}.log", environment=environment, directory=folder)


def test_signing_in_and_out_with_a_provider(gateway: str, new_window: NewWindow) -> None:
    page = new_window().new_page()
    page.goto(f"{gateway}/")
    expect(page.get_by_label("Password", exact=True)).to_have_count(1)
    page.screenshot(path=ROOT / "docs" / "screenshots" / "login.png")
    page.get_by_role("link", name="Sign in with the staff directory").click()
    page.locator("input[name=login], input[name=user_name]").first.fill("ida")
    page.keyboard.press("Enter")
    page.locator("input[type=password]").fill("idas-password-at-work")
    page.keyboard.press("Enter")
    expect(page.locator(".who")).to_contain_text("signed in as ida")
    assert page.url == f"{gateway}/"
    cookies = {cookie["name"]: cookie for cookie in page.context.cookies(gateway)}
    assert cookies["govern"]["httpOnly"] and cookies["govern"]["sameSite"] == "Lax" and "govern-login" not in cookies
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("link", name="Sign out there too").click()
    expect(page.get_by_role("link", name="Sign in with the staff directory")).to_be_visible()
    assert page.url == f"{gateway}/login" and "govern" not in {cookie["name"] for cookie in page.context.cookies(gateway)}


def test_a_callback_of_nobodys_login_signs_nobody_in(gateway: str, new_window: NewWindow) -> None:
    page = new_window().new_page()
    page.goto(f"{gateway}/login/callback/staff?state=forged&code=forged")
    expect(page.get_by_role("heading")).to_have_text("This did not work")
    page.goto(f"{gateway}/")
    assert page.url.startswith(f"{gateway}/login")
