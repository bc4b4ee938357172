"""Device logins end to end: the program's calls, the person's page, and the table between them."""

from __future__ import annotations

from typing import Any

import pytest

from jupyter_govern_gateway.api.bounds import MAX_DEVICES
from jupyter_govern_gateway.api.devices import Device, Devices, Waiting

from .world import SUBMIT, Answer, Browser, World


async def start(world: World, client: str = "jupyter-server") -> dict[str, Any]:
    return dict((await world.ask("POST", "device", json={"client": client})).json)


async def poll(world: World, device: dict[str, Any]) -> Answer:
    return await world.ask("POST", "device/token", json={"device_code": device["device_code"]})


async def confirmation(browser: Browser, device: dict[str, Any], name: str = "ana") -> Answer:
    await browser.log_in(name)
    page = await browser.get(f"/device?user_code={device['user_code'].lower()}")
    assert page.status == 200 and device["user_code"] in page.text
    return page


@pytest.mark.parametrize(
    ("client", "kind", "says"),
    [("jupyter-server", "server", "can never answer an approval"), ("cli", "person", "can also approve or deny")],
)
async def test_confirm(world: World, browser: Browser, client: str, kind: str, says: str) -> None:
    device = await start(world, client)
    assert device["verification_uri_complete"] == f"{world.url}/device?user_code={device['user_code']}"
    assert (await poll(world, device)).code == "authorization_pending"
    page = await confirmation(browser, device)
    assert says in page.text and "127.0.0.1" in page.text
    done = await browser.post("/device", {"form": page.form("/device"), "answer": "confirm"})
    assert done.status == 200 and "Connected" in done.text
    world.clock.ahead += 2
    got = await poll(world, device)
    assert got.status == 200 and (got.json["kind"], got.json["subject"]) == (kind, "ana")
    assert (await world.ask("GET", "me", got.json["token"])).json["kind"] == kind
    world.clock.ahead += 2
    assert (await poll(world, device)).code == "expired_token"


async def test_deny(world: World, browser: Browser) -> None:
    device = await start(world)
    page = await confirmation(browser, device)
    assert "Nothing was connected" in (await browser.post("/device", {"form": page.form("/device"), "answer": "deny"})).text
    assert (await poll(world, device)).code == "access_denied"


async def test_nothing_is_confirmed_without_the_form_of_that_very_login(world: World, browser: Browser) -> None:
    mine, hers = await start(world), await start(world, "cli")
    page = await confirmation(browser, mine)
    cookies = {name: cookie.value for name, cookie in browser.cookies().items()}
    async with world.http.post(
        f"{world.url}/device", data={"user_code": hers["user_code"], "answer": "confirm"}, headers=SUBMIT, cookies=cookies
    ) as got:
        assert got.status == 403
    await browser.post("/device", {"form": page.form("/device"), "answer": "confirm", "user_code": hers["user_code"]})
    assert (await poll(world, hers)).code == "authorization_pending"
    replayed = await browser.post("/device", {"form": page.form("/device"), "answer": "confirm"})
    assert replayed.status == 403


async def test_a_confirmation_is_void_when_its_person_signs_out_first(world: World, browser: Browser) -> None:
    device = await start(world)
    page = await confirmation(browser, device)
    done = await browser.post("/device", {"form": page.form("/device"), "answer": "confirm"})
    await browser.post("/logout", {"form": done.form("/logout")}, follow=False)
    assert (await poll(world, device)).code == "access_denied"


async def test_codes_cannot_be_tried_out(world: World, browser: Browser) -> None:
    await browser.log_in("eve")
    statuses = [(await browser.get("/device?user_code=BBBB-BBBB")).status for _ in range(12)]
    assert statuses[0] == 404 and statuses[-1] == 429


async def test_asking_without_a_code_shows_the_field(world: World, browser: Browser) -> None:
    await browser.log_in("ana")
    assert 'name="user_code"' in (await browser.get("/device")).text


@pytest.mark.parametrize("body", [{}, {"client": "other"}, {"client": "cli", "more": "x"}])
async def test_only_known_programs(world: World, body: dict[str, str]) -> None:
    assert (await world.ask("POST", "device", json=body)).status == 400


class Hand:
    """A clock moved by hand."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_polls_too_fast_are_slowed_down_and_codes_end() -> None:
    clock = Hand()
    devices = Devices(clock)
    started = devices.start("cli", "peer")
    assert started is not None
    code, device = started
    assert devices.poll(code) == Waiting(code="authorization_pending")
    clock.now += 0.1
    assert devices.poll(code) == Waiting(code="slow_down")
    clock.now += 600
    assert devices.find(device.user_code) is None
    assert devices.poll(code) == Waiting(code="expired_token")
    assert devices.poll("never") == Waiting(code="expired_token")


def test_the_table_is_bounded_and_frees_itself() -> None:
    clock = Hand()
    devices = Devices(clock)
    for _ in range(MAX_DEVICES):
        assert devices.start("cli", "peer") is not None
    assert devices.start("cli", "peer") is None
    clock.now += 601
    assert devices.start("cli", "peer") is not None


def test_a_code_is_found_as_people_type_it() -> None:
    devices = Devices(Hand())
    started = devices.start("jupyter-server", "peer")
    assert started is not None
    code, device = started
    assert code not in repr(device)
    letters = device.user_code.replace("-", "")
    for typed in (device.user_code, letters, letters.lower(), f" {letters[:4]} {letters[4:]} "):
        assert devices.find(typed) is device
    devices.answer(device, confirmed_by="t1")
    assert devices.find(letters) is None
    assert isinstance(devices.poll(code), Device)
