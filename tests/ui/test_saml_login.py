"""Signing in at a SAML provider in a real browser: its page that posts by itself, from another site, without our cookie."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import expect

from jupyter_govern.demo.postgres import free_port
from jupyter_govern.demo.processes import Child, says_ok
from tests.integration.simplesaml import PEOPLE, SimpleSaml, missing
from tests.ui.conftest import NewWindow

CONFIG = """
[gateway]
state_dir = "state"
[gateway.postgresql]
listen = "127.0.0.1:0"
[gateway.api]
listen = "127.0.0.1:{port}"
[[identity.saml]]
name = "corp"
label = "the SAML directory"
idp_metadata = "idp.xml"
username_attribute = "uid"
"""


@pytest.fixture(scope="module")
def idp() -> Iterator[SimpleSaml]:
    if reason := missing():
        pytest.skip(f"SAML is not tested against a real provider: {reason}")
    with SimpleSaml() as running:
        yield running


@pytest.fixture(scope="module")
def gateway(idp: SimpleSaml, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A gateway before it, a process of its own; its folder, with its address in `url`."""
    folder, port = tmp_path_factory.mktemp("saml-login"), free_port()
    url = f"http://127.0.0.1:{port}"
    (folder / "idp.xml").write_text(idp.metadata())
    (folder / "govern.toml").write_text(CONFIG.format(port=port))
    (folder / "url").write_text(url)
    environment = {**os.environ, "JUPYTER_RUNTIME_DIR": str(folder / "runtime")}
    command = [sys.executable, "-m", "jupyter_govern.cli", "gateway", "govern.toml"]
    running = Child("gateway", command, log=folder / "gateway.log", environment=environment, directory=folder)
    try:
        running.wait_until(lambda: says_ok(f"{url}/healthz"), 60)
        idp.trust("corp", httpx.get(f"{url}/login/saml/corp/metadata", trust_env=False).raise_for_status().text)
        yield folder
    finally:
        running.stop()


def test_signing_in_and_out(gateway: Path, new_window: NewWindow) -> None:
    url, page = (gateway / "url").read_text(), new_window().new_page()
    page.goto(f"{url}/device")
    page.get_by_role("link", name="Sign in with the SAML directory").click()
    page.get_by_label("Username").fill("ida")
    page.get_by_label("Password").fill("not hers")
    page.get_by_role("button", name="Login").click()
    expect(page.get_by_text("Incorrect username or password").first).to_be_visible()
    page.get_by_label("Password").fill(PEOPLE["ida"][0])
    page.get_by_role("button", name="Login").click()
    expect(page.locator(".who")).to_contain_text("signed in as ida")
    assert page.url == f"{url}/device"
    cookies = {cookie["name"]: cookie for cookie in page.context.cookies(url)}
    assert cookies["govern"]["httpOnly"] and cookies["govern"]["sameSite"] == "Lax" and "govern-login" not in cookies
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("link", name="Sign in with the SAML directory")).to_be_visible()
    entries = [json.loads(line) for line in (gateway / "state" / "recordings" / "gateway.jsonl").read_text().splitlines()]
    assert [(each["event"], each.get("subject")) for each in entries if each["type"] == "login"][:1] == [("succeeded", "ida")]
