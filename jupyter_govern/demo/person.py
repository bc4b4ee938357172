"""A person in front of the gateway's own pages, without a browser: signs in and confirms a device code, as the pages want it.

Sends what a browser sends (Sec-Fetch headers; a sandboxed page's POST carries no cookie). For the headless demo and for tests.
"""

from __future__ import annotations

import html
import re
from urllib.parse import urljoin

from aiohttp import ClientSession, CookieJar

NAVIGATION = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Sec-Fetch-Site": "none", "Sec-Fetch-User": "?1"}
SUBMIT = {**NAVIGATION, "Sec-Fetch-Site": "cross-site", "Origin": "null"}


class PageProblem(Exception):
    """A page did not say what it should."""


class Person:
    """Use as `async with Person(url) as ana:`."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._browser = ClientSession(cookie_jar=CookieJar(unsafe=True))

    async def __aenter__(self) -> Person:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._browser.close()

    async def sign_in(self, name: str, password: str) -> None:
        page = await self._get("/login?next=/")
        await self._submit("/login", {"form": _form(page, "/login"), "username": name, "password": password})

    async def confirm_device(self, user_code: str) -> None:
        """Say yes to a code that a notebook server or the CLI shows."""
        page = await self._get(f"/device?user_code={user_code}")
        done = await self._submit("/device", {"form": _form(page, "/device"), "answer": "confirm"})
        if "Connected" not in done:
            raise PageProblem("the gateway did not take the device code")

    async def _get(self, path: str) -> str:
        async with self._browser.get(urljoin(self._url, path), headers=NAVIGATION) as answer:
            if answer.status != 200:
                raise PageProblem(f"{path} answered {answer.status}")
            return await answer.text()

    async def _submit(self, path: str, fields: dict[str, str]) -> str:
        async with (
            ClientSession() as bare,
            bare.post(urljoin(self._url, path), data=fields, headers=SUBMIT, allow_redirects=False) as answer,
        ):
            if answer.status != 303:
                return await answer.text()
            location = answer.headers["Location"]
        return await self._get(location)


def _form(page: str, action: str) -> str:
    """The one-time token of the form with this action."""
    at = page.find(f'action="{action}"')
    found = re.search(r'name="form" value="([^"]*)"', page[at:]) if at >= 0 else None
    if found is None:
        raise PageProblem(f"no form for {action} on the page")
    return html.unescape(found[1])
