"""A person in front of the Hub and the identity provider, without a browser: fills in the provider's forms, starts a server.

For the headless demo and for tests. Knows the demo provider's two-step form.
"""

from __future__ import annotations

import asyncio
import html
import re
from typing import Any
from urllib.parse import urljoin

from aiohttp import ClientSession, ClientTimeout, CookieJar

from jupyter_govern.demo.person import PageProblem

SPAWN_SECONDS = 180.0
STEP = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}


class HubPerson:
    """Use as `async with HubPerson(hub_url, "ana", password) as ana:`; that logs her in."""

    def __init__(self, hub_url: str, name: str, password: str) -> None:
        self.hub_url, self.name, self._password = hub_url.rstrip("/"), name, password
        self._browser = ClientSession(cookie_jar=CookieJar(unsafe=True), timeout=ClientTimeout(total=60), headers=STEP)
        self.token = ""

    async def __aenter__(self) -> HubPerson:
        try:
            await self.sign_in()
        except BaseException:
            await self._browser.close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._browser.close()

    async def sign_in(self) -> None:
        """Log in at the provider, which the Hub leads to; and make a hub token of one's own for what follows."""
        url, page = await self._follow("GET", f"{self.hub_url}/hub/login?next=%2Fhub%2Fhome")
        for field, value in (("login", self.name), ("password", self._password)):
            if f'name="{field}"' not in page:
                raise PageProblem(f"the provider's page at {url} asks for no {field}")
            url, page = await self._follow("POST", url, data=_fields(page) | {field: value})
        if not url.startswith(self.hub_url):
            raise PageProblem(f"the login ended at {url}")
        xsrf = re.search(r'xsrf_token: "([^"]+)"', page)
        if xsrf is None:
            raise PageProblem(f"no token against forgery on the Hub's page {url}")
        async with self._browser.post(
            f"{self.hub_url}/hub/api/users/{self.name}/tokens",
            params={"_xsrf": html.unescape(xsrf[1])},
            json={"note": "demo", "expires_in": 3600},
            headers={"Referer": f"{self.hub_url}/hub/token"},
        ) as answer:
            if answer.status != 201:
                raise PageProblem(f"the Hub made no token: {answer.status} {(await answer.text())[:200]}")
            self.token = str((await answer.json())["token"])

    async def start_server(self, name: str = "") -> str:
        """Start a server of one's own, wait until it is up; its address."""
        which = f"servers/{name}" if name else "server"
        status, _ = await self.ask("POST", f"/hub/api/users/{self.name}/{which}")
        if status not in (201, 202, 400):  # 400: it runs
            raise PageProblem(f"the Hub did not start a server: {status}")
        async with asyncio.timeout(SPAWN_SECONDS):
            while True:
                _, said = await self.ask("GET", f"/hub/api/users/{self.name}")
                server = said.get("servers", {}).get(name)
                if server and server["ready"]:
                    return f"{self.hub_url}{server['url'].rstrip('/')}"
                if not server:
                    raise PageProblem("the server did not come up")
                await asyncio.sleep(0.3)

    async def stop_server(self, name: str = "") -> None:
        """Stop it."""
        await self.ask("DELETE", f"/hub/api/users/{self.name}/{f'servers/{name}' if name else 'server'}")

    async def ask(self, method: str, path: str, **options: Any) -> tuple[int, Any]:
        """The Hub or one's own server, with one's own hub token: status and JSON."""
        async with (
            ClientSession(headers={"Authorization": f"token {self.token}"}) as http,
            http.request(method, f"{self.hub_url}{path}", **options) as answer,
        ):
            return answer.status, await answer.json() if answer.content_type == "application/json" else None

    async def _follow(self, method: str, url: str, **options: Any) -> tuple[str, str]:
        async with self._browser.request(method, url, **options) as answer:
            page = await answer.text()
            if answer.status >= 400:
                raise PageProblem(f"{answer.url} answered {answer.status}")
            return urljoin(url, str(answer.url)), page


def _fields(page: str) -> dict[str, str]:
    """What the page's inputs hold."""
    found = {}
    for field in re.findall(r"<input[^>]*>", page):
        name, value = re.search(r'name="([^"]*)"', field), re.search(r'value="([^"]*)"', field)
        if name is not None:
            found[name[1]] = html.unescape(value[1]) if value is not None else ""
    return found
