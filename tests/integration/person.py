"""Somebody at a browser without scripts, and at a program that this browser lets in: what the logins at providers are tested with."""

from __future__ import annotations

import html
import re
from urllib.parse import urljoin

import httpx

NAVIGATION = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}


class Person:
    """Follows redirects, fills in forms, keeps cookies. No cookie goes with a sandboxed page's form."""

    def __init__(self, gateway: str) -> None:
        self.gateway, self.http = gateway, httpx.Client(headers=NAVIGATION, follow_redirects=True, trust_env=False, timeout=20)

    def submit(self, page: httpx.Response, action: str, **answers: str) -> httpx.Response:
        """A form of the gateway's."""
        within = page.text[page.text.index(f'action="{action}"') :]
        with httpx.Client(trust_env=False) as bare:
            sent = bare.post(f"{self.gateway}{action}", data={**hidden(within), **answers}, headers={**NAVIGATION, "Origin": "null"})
        return self.http.get(urljoin(self.gateway, sent.headers["location"])) if sent.is_redirect else sent

    def program_login(self, subject: str) -> str:
        """`jupyter govern login`, confirmed by this person: the token."""
        api = f"{self.gateway}/api/v1"
        with httpx.Client(trust_env=False) as http:
            device = http.post(f"{api}/device", json={"client": "cli"}).json()
            page = self.http.get(device["verification_uri_complete"])
            assert f"Let this program act as {subject}?" in page.text
            self.submit(page, "/device", answer="confirm")
            return str(http.post(f"{api}/device/token", json={"device_code": device["device_code"]}).json()["token"])


def hidden(text: str) -> dict[str, str]:
    """The hidden fields of the first form that ends in this text."""
    tags = re.findall(r'<input[^>]*type="hidden"[^>]*>', text.partition("</form>")[0])
    return {_said("name", tag): _said("value", tag) for tag in tags if " name=" in tag}


def _said(attribute: str, tag: str) -> str:
    found = re.search(rf' {attribute}="([^"]*)"', tag)
    return html.unescape(found[1]) if found else ""
