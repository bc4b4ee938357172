"""The page where approvals are decided: what it shows, what authorises its POST, and everything that does not."""

from __future__ import annotations

import re

import pytest

from jupyter_govern.errors import Declined

from .world import NAVIGATION, SUBMIT, Answer, Browser, World

HOSTILE = "delete from orders -- </pre><script>alert(1)</script><img src=x onerror='x'>\u202e; select\u200b 1 {0} {form}"


async def open_page(browser: Browser, number: int, name: str = "ben") -> Answer:
    page = await browser.log_in(name, leads_to=f"/approvals/{number}")
    assert page.status == 200
    return page


def answered(page: Answer, number: int, decision: str = "approve") -> dict[str, str]:
    form = f"/approvals/{number}"
    return {"form": page.form(form), "digest": page.hidden("digest", form), "decision": decision, "reason": "looked at it"}


async def test_an_approver_sees_everything_and_approves(world: World, browser: Browser) -> None:
    pending = world.pending(parameters=(b"42", None, b"\x00\xff"), parameter_formats=(0, 0, 1))
    page = await open_page(browser, pending.number)
    for shown in (
        "ana", "analysts", "shop", "delete from orders", "deletes need a dba", "public.orders", "public.customers", "id, name",
        "without WHERE", "reported, not proven", "cell c-1", "execution [3]", pending.approval.digest, "Time left", "$1", "42",
        "NULL", "\\x00ff",
    ):  # fmt: skip
        assert shown in page.text, shown
    after = await browser.post(f"/approvals/{pending.number}", answered(page, pending.number))
    assert after.status == 200
    assert "approved" in after.text and "looked at it" in after.text
    assert (await pending.future).operation is pending.approval.operation
    assert pending.approval.decided_by == "ben"


async def test_deny(world: World, browser: Browser) -> None:
    pending = world.pending()
    page = await open_page(browser, pending.number)
    after = await browser.post(f"/approvals/{pending.number}", answered(page, pending.number, "deny"))
    assert "denied" in after.text
    with pytest.raises(Declined, match="ben denied"):
        await pending.future


async def test_hostile_text_stays_text(world: World, browser: Browser) -> None:
    pending = world.pending(HOSTILE)
    page = await open_page(browser, pending.number)
    assert "<script" not in page.text and "<img" not in page.text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page.text
    assert "\u202e" not in page.text and "U+202E" in page.text and "U+200B" in page.text
    assert "2 invisible or unusual characters" in page.text
    assert "<b>q</b>" not in page.text and "&lt;b&gt;q&lt;/b&gt;.ipynb" in page.text
    assert "<i>money</i>" not in page.text
    assert "{0} {form}" in page.text


async def test_headers_of_a_page(world: World, browser: Browser) -> None:
    pending = world.pending()
    page = await open_page(browser, pending.number)
    policy = page.headers["Content-Security-Policy"]
    directives = [part.strip() for part in policy.split(";")]
    assert directives[0] == "sandbox allow-forms allow-scripts allow-top-navigation-by-user-activation"
    assert "allow-same-origin" not in policy
    assert {"default-src 'none'", "frame-ancestors 'none'", "form-action 'self'", "base-uri 'none'"} <= set(directives)
    nonce = re.search(r"style-src 'nonce-([\w-]+)'", policy)
    assert nonce is not None and f'<style nonce="{nonce[1]}">' in page.text
    assert page.headers["X-Frame-Options"] == "DENY"
    assert page.headers["Cache-Control"] == "no-store"
    again = await browser.get(f"/approvals/{pending.number}")
    assert nonce[1] not in again.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {**NAVIGATION, "Sec-Fetch-Mode": "cors"},
        {**NAVIGATION, "Sec-Fetch-Mode": "no-cors"},
        {**NAVIGATION, "Sec-Fetch-Dest": "iframe"},
        {**NAVIGATION, "Sec-Fetch-Dest": "empty"},
    ],
)
async def test_only_a_navigation_gets_the_page(world: World, browser: Browser, headers: dict[str, str]) -> None:
    pending = world.pending()
    page = await open_page(browser, pending.number)
    got = await browser.get(f"/approvals/{pending.number}", headers=headers)
    assert got.status == 403 and "delete from orders" not in got.text
    sent = await browser.post(f"/approvals/{pending.number}", answered(page, pending.number), headers={**headers, "Origin": "null"})
    assert sent.status == 403
    assert pending.approval.state == "pending"


async def test_a_form_works_once(world: World, browser: Browser) -> None:
    first, second = world.pending(), world.pending()
    page = await open_page(browser, first.number)
    body = answered(page, first.number)
    assert (await browser.post(f"/approvals/{first.number}", body)).status == 200
    replayed = await browser.post(f"/approvals/{first.number}", body)
    assert replayed.status == 403 and "used already" in replayed.text
    moved = await browser.post(f"/approvals/{second.number}", {**body, "digest": second.approval.digest})
    assert moved.status == 403
    assert second.approval.state == "pending"


async def test_a_form_is_for_one_approval_only(world: World, browser: Browser) -> None:
    first, second = world.pending("delete from a"), world.pending("delete from b")
    page = await open_page(browser, first.number)
    refused = await browser.post(f"/approvals/{second.number}", {**answered(page, first.number), "digest": second.approval.digest})
    assert refused.status == 403
    # and it is used up by the attempt
    assert (await browser.post(f"/approvals/{first.number}", answered(page, first.number))).status == 403
    assert {first.approval.state, second.approval.state} == {"pending"}


async def test_the_digest_must_be_the_one_that_was_shown(world: World, browser: Browser) -> None:
    pending = world.pending()
    page = await open_page(browser, pending.number)
    refused = await browser.post(f"/approvals/{pending.number}", {**answered(page, pending.number), "digest": "0" * 64})
    assert refused.status == 403 and pending.approval.state == "pending"


async def test_a_form_dies_with_its_login_and_with_time(world: World, browser: Browser) -> None:
    pending = world.pending()
    page = await open_page(browser, pending.number)
    body = answered(page, pending.number)
    assert (await browser.post("/logout", {"form": page.form("/logout")}, follow=False)).status == 303
    assert (await browser.post(f"/approvals/{pending.number}", body)).status == 403
    page = await open_page(browser, pending.number)
    world.clock.ahead = 901
    assert (await browser.post(f"/approvals/{pending.number}", answered(page, pending.number))).status == 403
    assert pending.approval.state == "pending"


async def test_without_a_form_the_cookie_is_nothing(world: World, browser: Browser) -> None:
    pending = world.pending()
    await open_page(browser, pending.number)
    body = {"digest": pending.approval.digest, "decision": "approve", "reason": ""}
    cookies = {name: cookie.value for name, cookie in browser.cookies().items()}
    async with world.http.post(f"{world.url}/approvals/{pending.number}", data=body, headers=SUBMIT, cookies=cookies) as got:
        assert got.status == 403
    async with world.http.post(f"{world.url}/approvals/{pending.number}", json=body, headers=SUBMIT, cookies=cookies) as got:
        assert got.status == 415
    assert pending.approval.state == "pending"


async def test_another_sites_form_is_refused(world: World, browser: Browser) -> None:
    pending = world.pending()
    page = await open_page(browser, pending.number)
    headers = {**SUBMIT, "Origin": "http://127.0.0.1:8888"}
    refused = await browser.post(f"/approvals/{pending.number}", answered(page, pending.number), headers=headers)
    assert refused.status == 403 and pending.approval.state == "pending"


async def test_who_asked_sees_it_and_has_no_form(world: World, browser: Browser) -> None:
    pending = world.pending()
    page = await open_page(browser, pending.number, "ana")
    assert "somebody else answers" in page.text and 'name="decision"' not in page.text


async def test_even_an_approver_does_not_answer_for_themselves(world: World, browser: Browser) -> None:
    pending = world.pending(by="ben")
    page = await open_page(browser, pending.number, "ben")
    assert 'name="decision"' not in page.text


async def test_strangers_do_not_learn_that_it_exists(world: World, browser: Browser) -> None:
    pending = world.pending()
    seen = await browser.log_in("eve", leads_to=f"/approvals/{pending.number}")
    missing = await browser.get("/approvals/999")
    assert seen.status == missing.status == 404
    assert "delete from orders" not in seen.text


async def test_an_approver_who_lost_the_group_decides_no_more(world: World, browser: Browser) -> None:
    pending = world.pending()
    page = await open_page(browser, pending.number)
    accounts = world.identity._accounts._path
    accounts.write_text(accounts.read_text().replace('"dba"', '"retired"'))
    refused = await browser.post(f"/approvals/{pending.number}", answered(page, pending.number))
    assert refused.status == 403
    assert pending.approval.state == "pending"


async def test_an_expired_approval_says_so(world: World, browser: Browser) -> None:
    pending = world.pending()
    page = await open_page(browser, pending.number)
    world.approvals._expire(pending.number)
    with pytest.raises(Exception, match="nobody answered"):
        await pending.future
    refused = await browser.post(f"/approvals/{pending.number}", answered(page, pending.number))
    assert refused.status == 409 and "expired" in refused.text
    assert "Nobody answered in time" in (await browser.get(f"/approvals/{pending.number}")).text


async def test_home_lists_what_waits(world: World, browser: Browser) -> None:
    first, second = world.pending("delete from <b>x</b>"), world.pending(by="ben")
    page = await browser.log_in("ben")
    assert f'href="/approvals/{first.number}"' in page.text and f'href="/approvals/{second.number}"' in page.text
    assert "<b>x</b>" not in page.text
    assert page.text.index("Waiting for your answer") < page.text.index(f"#{first.number}<") < page.text.index("Asked by you")
