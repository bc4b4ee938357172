"""People in front of the Hub, the identity provider and the gateway's pages, without a browser: for the headless demo and for tests.

Sso goes through the provider's forms wherever a page leads there, as the demo provider has them. HubPerson also has a notebook server.
"""

from __future__ import annotations

import asyncio
import html
import re
from typing import Any, Self

from aiohttp import ClientSession, ClientTimeout, CookieJar

from jupyter_govern.demo.person import NAVIGATION, SUBMIT, PageProblem

SPAWN_SECONDS = 180.0


class Sso:
    """A person with a login at the provider and a cookie jar of their own. Use as `async with`."""

    def __init__(self, name: str, password: str) -> None:
        self.name, self._password = name, password
        self.browser = ClientSession(cookie_jar=CookieJar(unsafe=True), timeout=ClientTimeout(total=60), headers=NAVIGATION)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.browser.close()

    async def open(self, url: str) -> tuple[str, str]:
        """Where that leads, and the page there; at the provider's forms the name and the password are filled in."""
        where, page = await self._follow("GET", url)
        for field, value in (("login", self.name), ("password", self._password)):
            if f'name="{field}"' in page:
                where, page = await self._follow("POST", where, data=_fields(page) | {field: value})
        return where, page

    async def approve(self, gateway_url: str, number: int, reason: str) -> None:
        """Approve on the gateway's own page, after its own login."""
        _, page = await self.open(f"{gateway_url}/login/oidc/sso?next=/approvals/{number}")
        fields = _fields(page[page.find(f'action="/approvals/{number}"') :])
        if "digest" not in fields:
            raise PageProblem(f"{self.name} may not decide #{number}")
        body = fields | {"reason": reason, "decision": "approve"}
        async with (
            ClientSession() as bare,  # a sandboxed page's POST carries no cookie
            bare.post(f"{gateway_url}/approvals/{number}", data=body, headers=SUBMIT, allow_redirects=False) as answer,
        ):
            if answer.status != 303:
                raise PageProblem(f"the gateway did not take the decision: {answer.status}")

    async def _follow(self, method: str, url: str, **options: Any) -> tuple[str, str]:
        async with self.browser.request(method, url, **options) as answer:
            page = await answer.text()
            if answer.status >= 400:
                raise PageProblem(f"{answer.url} answered {answer.status}")
            return str(answer.url), page


class HubPerson(Sso):
    """`async with HubPerson(hub_url, "ana", password) as ana:` logs her in at the Hub."""

    def __init__(self, hub_url: str, name: str, password: str) -> None:
        super().__init__(name, password)
        self.hub_url, self.token = hub_url.rstrip("/"), ""

    async def __aenter__(self) -> Self:
        try:
            await self.sign_in()
        except BaseException:
            await self.browser.close()
            raise
        return self

    async def sign_in(self) -> None:
        """Log in at the provider, which the Hub leads to; and make a hub token of one's own for what follows."""
        where, page = await self.open(f"{self.hub_url}/hub/login?next=%2Fhub%2Fhome")
        xsrf = re.search(r'xsrf_token: "([^"]+)"', page)
        if not where.startswith(self.hub_url) or xsrf is None:
            raise PageProblem(f"the login ended at {where}")
        async with self.browser.post(
            f"{self.hub_url}/hub/api/users/{self.name}/tokens",
            params={"_xsrf": html.unescape(xsrf[1])},
            json={"note": "demo", "expires_in": 3600},
            headers={"Referer": f"{self.hub_url}/hub/token", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"},
        ) as answer:
            if answer.status != 201:
                raise PageProblem(f"the Hub made no token: {answer.status}")
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

    async def ask(self, method: str, path: str, **options: Any) -> tuple[int, Any]:
        """The Hub or one's own server, with one's own hub token: status and JSON."""
        async with (
            ClientSession(headers={"Authorization": f"token {self.token}"}) as http,
            http.request(method, f"{self.hub_url}{path}", **options) as answer,
        ):
            return answer.status, await answer.json() if answer.content_type == "application/json" else None


def _fields(page: str) -> dict[str, str]:
    """What the page's first form's inputs hold."""
    found = {}
    for field in re.findall(r"<input[^>]*>", page.partition("</form>")[0]):
        name, value = re.search(r'name="([^"]*)"', field), re.search(r'value="([^"]*)"', field)
        if name is not None:
            found[name[1]] = html.unescape(value[1]) if value is not None else ""
    return found
