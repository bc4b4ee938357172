"""Signing in on the gateway's page: cookie, tickets, where it leads, and what a stranger's page cannot do."""

from __future__ import annotations

import asyncio
import threading
from urllib.parse import parse_qs, urlsplit

import pytest

from jupyter_govern.recording import read_entries
from jupyter_govern_gateway.api.bounds import BROWSER_LOGINS_PER_MINUTE, PASSWORD_CHECKS
from jupyter_govern_gateway.api.login import Passwords
from jupyter_govern_gateway.api.server import ApiServer

from .world import NAVIGATION, SUBMIT, Browser, World


def refusals(world: World) -> list[str]:
    """Why requests were refused, as the gateway's log has it."""
    return [entry["why"] for entry in read_entries(world.recorder.log.path) if entry["type"] == "token" and entry["event"] == "refused"]


async def test_sign_in_sets_a_cookie_for_this_host_alone(world: World, browser: Browser) -> None:
    page = await browser.log_in("ben")
    assert page.status == 200 and "signed in as <b>ben</b>" in page.text
    cookie = browser.cookies()["govern"]
    assert cookie.value.startswith("gov_browser_")
    assert cookie["httponly"] and cookie["samesite"] == "Lax" and cookie["path"] == "/"
    assert 0 < int(cookie["max-age"]) <= 8 * 3600
    assert "gov_browser_" not in page.text


async def test_the_cookie_is_host_only(world: World, browser: Browser) -> None:
    page = await browser.get("/login")
    done = await browser.post("/login", {"form": page.form(), "username": "ben", "password": "ben-password"}, follow=False)
    assert done.status == 303 and "Set-Cookie" not in done.headers
    finished = await browser.get(done.headers["Location"], follow=False)
    for header in finished.headers.getall("Set-Cookie"):
        assert "domain" not in header.lower() and "HttpOnly" in header and "SameSite=Lax" in header


async def test_a_wrong_password_asks_again(world: World, browser: Browser) -> None:
    page = await browser.get("/login?next=/approvals/7")
    again = await browser.post("/login", {"form": page.form(), "username": '"><b>x', "password": "wrong"})
    assert again.status == 401 and "name or the password is wrong" in again.text
    assert "<b>x" not in again.text and "wrong-password" not in again.text
    missing = await browser.post("/login", {"form": again.form(), "username": "", "password": ""})
    assert missing.status == 400
    after = await browser.post("/login", {"form": missing.form(), "username": "ben", "password": "ben-password"}, follow=False)
    finished = await browser.get(after.headers["Location"], follow=False)
    assert finished.headers["Location"] == "/approvals/7"


@pytest.mark.parametrize(
    "leads_to",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "/approvals/1/../../x", "/approvals/x", "javascript:1", "/login"],
)
async def test_it_leads_to_our_own_pages_only(world: World, browser: Browser, leads_to: str) -> None:
    page = await browser.get("/login", headers=NAVIGATION)
    del page
    async with browser.http.get(world.url + "/login", params={"next": leads_to}, headers=NAVIGATION) as got:
        text = await got.text()
    assert "evil" not in text
    token = text.split('name="form" value="')[1].split('"')[0]
    done = await browser.post("/login", {"form": token, "username": "ben", "password": "ben-password"}, follow=False)
    assert (await browser.get(done.headers["Location"], follow=False)).headers["Location"] == "/"
    assert refusals(world) == [f"a login that would lead elsewhere: {leads_to}"]


async def test_a_strangers_form_does_not_log_this_browser_in(world: World, browser: Browser) -> None:
    """Login CSRF: eve fetches a form, her page has ben's browser post it with her password."""
    eve = world.browser()
    form = (await eve.get("/login")).form()
    await browser.get("/login")
    done = await browser.post("/login", {"form": form, "username": "eve", "password": "eve-password"}, follow=False)
    refused = await browser.get(done.headers["Location"])
    assert refused.status == 403 and "govern" not in browser.cookies()
    # nor does it help eve: the ticket is used up
    assert (await eve.get(done.headers["Location"])).status == 403
    assert refusals(world) == ["a sign-in that was not begun in this browser, or an old one"] * 2


async def test_forms_are_not_given_out_without_end(world: World, browser: Browser) -> None:
    """Each is remembered until it is used, so a stranger who fetches them must not push out everybody else's."""
    answers = [(await browser.get("/login")).status for _ in range(BROWSER_LOGINS_PER_MINUTE + 1)]
    assert answers == [200] * BROWSER_LOGINS_PER_MINUTE + [429]


async def test_tickets_and_forms_work_once_and_soon(world: World, browser: Browser) -> None:
    page = await browser.get("/login")
    body = {"form": page.form(), "username": "ben", "password": "ben-password"}
    done = await browser.post("/login", body, follow=False)
    assert (await browser.post("/login", body)).status == 403
    world.clock.ahead = 61
    assert (await browser.get(done.headers["Location"])).status == 403
    assert "govern" not in browser.cookies()


@pytest.mark.parametrize("headers", [{}, {**SUBMIT, "Sec-Fetch-Mode": "cors"}, {**SUBMIT, "Origin": "http://127.0.0.1:1"}])
async def test_scripts_and_other_sites_do_not_sign_in(world: World, browser: Browser, headers: dict[str, str]) -> None:
    page = await browser.get("/login")
    body = {"form": page.form(), "username": "ben", "password": "ben-password"}
    assert (await browser.post("/login", body, headers=headers)).status == 403


async def test_pages_need_a_sign_in_and_lead_back(world: World, browser: Browser) -> None:
    for path in ("/", "/approvals/3", "/device", "/device?user_code=BCDF-GHJK"):
        got = await browser.get(path, follow=False)
        assert got.status == 303 and parse_qs(urlsplit(got.headers["Location"]).query) == {"next": [path]}
    device = await browser.log_in("ben", leads_to="%2Fdevice%3Fuser_code%3DBCDF-GHJK")
    assert device.status == 404 and "No program waits under this code" in device.text


async def test_only_a_browser_token_counts_in_the_cookie(world: World, browser: Browser) -> None:
    for kind in ("person", "server", "kernel"):
        browser.http.cookie_jar.update_cookies({"govern": world.token("ben", kind)})
        assert (await browser.get("/", follow=False)).status == 303


async def test_sign_out_revokes(world: World, browser: Browser) -> None:
    page = await browser.log_in("ben")
    text = browser.cookies()["govern"].value
    out = await browser.post("/logout", {"form": page.form("/logout")}, follow=False)
    assert out.status == 303 and 'govern=""' in out.headers["Set-Cookie"]
    browser.http.cookie_jar.clear()
    browser.http.cookie_jar.update_cookies({"govern": text})
    assert (await browser.get("/", follow=False)).status == 303


async def test_somebody_signed_in_is_not_asked_again(world: World, browser: Browser) -> None:
    await browser.log_in("ben")
    got = await browser.get("/login?next=/device", follow=False)
    assert got.status == 303 and got.headers["Location"] == "/device"


async def test_behind_a_proxy_that_ends_tls_cookies_are_secure(world: World) -> None:
    api = ApiServer(world.api._services, host="127.0.0.1", port=0, public_url="https://gateway.example/")
    await api.start()
    try:
        headers = {**NAVIGATION, "Host": "gateway.example"}
        async with world.http.get(f"http://127.0.0.1:{api.port}/login", headers=headers) as got:
            (cookie,) = got.headers.getall("Set-Cookie")
            assert cookie.startswith("__Host-govern-login=") and "Secure" in cookie and "Domain" not in cookie
            assert got.headers["Strict-Transport-Security"]
        assert api.decision_url(7) == "https://gateway.example/approvals/7"
    finally:
        await api.stop()


async def test_who_hangs_up_while_a_password_is_checked_keeps_the_turn(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread goes on hashing: with the turn given away, hanging up would buy any number of threads."""
    services, going, at_work = world.api._services, threading.Event(), []

    def slow(*who: str) -> frozenset[str]:
        at_work.append(who)
        going.wait(10)
        return frozenset()

    monkeypatch.setattr(services.identity, "check_password", slow)
    passwords = Passwords(services)
    loop = asyncio.get_running_loop()
    gone = [loop.create_task(passwords.check("ben", "x", "192.0.2.1")) for _ in range(PASSWORD_CHECKS)]
    while len(at_work) < PASSWORD_CHECKS:  # noqa: ASYNC110 - they are in threads
        await asyncio.sleep(0.01)
    for task in gone:
        task.cancel()
    await asyncio.gather(*gone, return_exceptions=True)
    waiting = loop.create_task(passwords.check("ana", "x", "192.0.2.2"))
    await asyncio.sleep(0.1)
    assert len(at_work) == PASSWORD_CHECKS
    going.set()
    assert await waiting == frozenset()
