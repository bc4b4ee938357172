"""A notebook server that a Hub started is logged in without anybody doing anything, and says what to do where the gateway refuses."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp import web

from jupyter_govern_server.gateway import GatewayProblem
from jupyter_govern_server.hub import HubLogin, hub_server

from .conftest import FakeGateway, StartLab, problem, until

HUB = {
    "JUPYTERHUB_API_TOKEN": "hub-token-of-anas-server",
    "JUPYTERHUB_USER": "ana",
    "JUPYTERHUB_SERVICE_PREFIX": "/user/ana/",
    "JUPYTERHUB_SERVER_NAME": "gpu",
}


def test_what_the_hub_says_in_the_environment() -> None:
    here = hub_server(HUB)
    assert here is not None and (here.token, here.server) == ("hub-token-of-anas-server", "gpu")
    assert "hub-token" not in repr(here)
    for name in ("JUPYTERHUB_API_TOKEN", "JUPYTERHUB_USER", "JUPYTERHUB_SERVICE_PREFIX"):
        assert hub_server({key: value for key, value in HUB.items() if key != name}) is None


class HubGateway:
    """The exchange, put in front of the small gateway's other answers."""

    def __init__(self, gateway: FakeGateway) -> None:
        self.asked: list[tuple[str, str, dict[str, Any]]] = []
        self.refuse: tuple[int, str] | None = None
        gateway.hub = self.answer

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append((request.method, request.headers["Authorization"], await request.json()))
        if self.refuse is not None:
            return problem(*self.refuse)
        if request.method == "DELETE":
            return web.json_response({"ended": True})
        kernel = self.asked[-1][2]["kernel_id"]
        text = f"gov_{'kernel' if kernel else 'server'}_{len(self.asked)}"
        said = {"token": text, "subject": "ana", "groups": ["analysts"], "expires_at": "2099-01-01T00:00:00+00:00"}
        return web.json_response(said)


@pytest.fixture
def hub(gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch) -> HubGateway:
    for name, value in HUB.items():
        monkeypatch.setenv(name, value)
    return HubGateway(gateway)


async def test_logged_in_at_once_and_out_with_the_server(start_lab: StartLab, gateway: FakeGateway, hub: HubGateway) -> None:
    lab = await start_lab(gateway_url=gateway.url)
    await until(lambda: lab.govern.login.current)
    status = (await lab.get("status")).json()
    assert status["login"]["subject"] == "ana" and status["login_pending"] is None
    assert hub.asked[0] == ("POST", "Bearer hub-token-of-anas-server", {"server": "gpu", "kernel_id": ""})
    assert "hub-token" not in (await lab.get("status")).text
    await lab.post("logout")
    assert hub.asked[-1][0] == "DELETE"
    assert lab.govern.login.current is None
    with pytest.raises(GatewayProblem) as refused:
        await lab.govern.login.kernel_token("k1", "")
    assert refused.value.code == "login-required"
    await lab.post("login")
    assert lab.govern.login.current is not None


async def test_each_kernel_gets_a_token_by_an_exchange_of_its_own(start_lab: StartLab, gateway: FakeGateway, hub: HubGateway) -> None:
    lab = await start_lab(gateway_url=gateway.url)
    await until(lambda: lab.govern.login.current)
    given = await lab.govern.kernels.give("k1", "here")
    assert given["token"].startswith("gov_kernel_") and given["subject"] == "ana"
    assert hub.asked[-1][2] == {"server": "gpu", "kernel_id": "k1"}
    await lab.govern.kernels.drop("k1")
    assert "/api/v1/tokens/self" in gateway.paths("DELETE")


async def test_the_gateways_refusal_reaches_the_person_in_its_own_words(
    start_lab: StartLab, gateway: FakeGateway, hub: HubGateway
) -> None:
    hub.refuse = (401, "login-again")
    lab = await start_lab(gateway_url=gateway.url)
    await until(lambda: lab.govern.login.problem)
    with pytest.raises(GatewayProblem) as refused:
        await lab.govern.kernels.give("k1", "here")
    assert (refused.value.status, refused.value.code) == (409, "login-again")
    assert "login-again" in (await lab.get("status")).json()["login_error"]
    assert isinstance(lab.govern.login, HubLogin)


async def test_a_gateway_that_knows_no_hub_leaves_the_device_login(start_lab: StartLab, gateway: FakeGateway, hub: HubGateway) -> None:
    hub.refuse = (404, "no-hub")
    lab = await start_lab(gateway_url=gateway.url)
    await until(lambda: hub.asked)
    gateway.confirmed = True
    assert (await lab.post("login")).json()["login_pending"]["user_code"] == "ABCD-EFGH"
    await until(lambda: lab.govern.login.current)
    assert (await lab.govern.kernels.give("k1", "here"))["token"] == "gov_kernel_1"
