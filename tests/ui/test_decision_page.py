"""A person decides on the gateway's page; a script does not, wherever it comes from (promise 8: two people means two people)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from playwright.sync_api import Page, expect

from jupyter_govern.demo.stack import Stack
from tests.ui.conftest import NewWindow
from tests.ui.gateway import decide, sign_in
from tests.ui.native import Native

ATTACK = """async address => {
  const tried = {};
  const attempt = async (name, work) => { try { tried[name] = await work() } catch (e) { tried[name] = e.name } };
  const opened = window.open(address);
  await new Promise(done => setTimeout(done, 3000));
  await attempt('click', () => { opened.document.querySelector('button.yes').click(); return 'clicked' });
  await attempt('read', () => opened.document.body.innerHTML);
  await attempt('fetch', async () => (await fetch(address, {credentials: 'include'})).status);
  await attempt('frame', async () => {
    const frame = document.createElement('iframe');
    frame.src = address;
    document.body.append(frame);
    await new Promise(done => setTimeout(done, 2000));
    return frame.contentDocument.querySelector('button.yes') ? 'reached' : 'nothing there';
  });
  await attempt('post', async () => (await fetch(address, {
    method: 'POST', credentials: 'include', body: new URLSearchParams({form: '', digest: '', decision: 'approve'})})).status);
  await attempt('api', async () => (await fetch(new URL('/api/v1' + new URL(address).pathname + '/decision', address), {
    method: 'POST', credentials: 'include', headers: {'Content-Type': 'application/json'},
    body: JSON.stringify({decision: 'approve', reason: '', digest: '0'.repeat(64)})})).status);
  return tried;
}"""


@pytest.fixture
def ana(stack: Stack) -> Iterator[Native]:
    """Ana with a native client."""
    client = Native(stack, "ana")
    yield client
    client.close()


@pytest.fixture
def waiting(ana: Native) -> dict[str, Any]:
    """A statement of Ana's that waits."""
    statement = "delete from payments where id = -1"
    ana.start(statement)
    return ana.pending(statement)


def signed_in(page: Page, stack: Stack, person: str, address: str) -> Page:
    """The page, opened by a person who signs in on the way to it."""
    page.goto(address)
    sign_in(page, person, stack.people[person][0])
    expect(page).to_have_url(address)
    return page


def test_an_approver_sees_what_is_asked_and_approves(stack: Stack, ana: Native, new_window: NewWindow, screenshots: Path) -> None:
    statement = "delete from payments\nwhere id = -2  -- there is no such payment"
    ran = ana.start(statement)
    approval = ana.pending(statement)
    page = signed_in(new_window().new_page(), stack, "ben", approval["url"])
    expect(page.locator("pre").first).to_contain_text("where id = -2")
    expect(page.locator("main")).to_contain_text("ana")
    expect(page.locator("main")).to_contain_text(approval["rule"])
    assert not ran.done()
    decide(page, "Approve", "agreed on the phone")
    assert ran.result(timeout=20) == "DELETE 0"
    expect(page.locator(".state")).to_have_text("approved")
    page.reload()
    expect(page.get_by_role("button", name="Approve", exact=True)).to_have_count(0)


def test_a_denied_statement_ends_with_the_reason(stack: Stack, ana: Native, new_window: NewWindow) -> None:
    statement = "delete from payments where id = -3"
    ran = ana.start(statement)
    page = signed_in(new_window().new_page(), stack, "ben", ana.pending(statement)["url"])
    decide(page, "Deny", "not on a Friday")
    problem = ran.exception(timeout=20)
    assert isinstance(problem, psycopg.errors.InsufficientPrivilege)
    assert "not on a Friday" in str(problem)


def test_nobody_decides_their_own(stack: Stack, waiting: dict[str, Any], new_window: NewWindow) -> None:
    page = signed_in(new_window().new_page(), stack, "ana", waiting["url"])
    expect(page.locator(".state")).to_have_text("pending")
    expect(page.get_by_role("button", name="Approve", exact=True)).to_have_count(0)


def test_somebody_who_has_no_part_in_it_sees_nothing(stack: Stack, waiting: dict[str, Any], new_window: NewWindow) -> None:
    page = signed_in(new_window().new_page(), stack, "eve", waiting["url"])
    expect(page.locator("main")).to_contain_text("not yours to see")
    expect(page.locator("main")).not_to_contain_text("delete from payments")


def test_a_script_of_the_same_origin_cannot_approve(
    stack: Stack, ana: Native, waiting: dict[str, Any], new_window: NewWindow
) -> None:
    """As behind one proxy: hostile script under the gateway's own origin, in the browser of an approver who is signed in."""
    window = new_window()
    signed_in(window.new_page(), stack, "ben", waiting["url"]).close()
    hostile = window.new_page()
    lair = f"{stack.api_url}/lair"
    hostile.route(lair, lambda route: route.fulfill(body="<title>hostile</title>", content_type="text/html"))
    hostile.goto(lair)
    tried = hostile.evaluate(ATTACK, waiting["url"])
    opened = next(page for page in window.pages if page is not hostile)
    # the page did open for the person to look at, with its button: what failed is only the script's reach
    expect(opened.get_by_role("button", name="Approve", exact=True)).to_be_visible()
    assert tried["click"] == "SecurityError"
    assert tried["read"] == "SecurityError"
    assert tried["fetch"] == 403
    assert tried["frame"] in {"TypeError", "SecurityError", "nothing there"}
    assert tried["post"] in {400, 403}
    assert tried["api"] == 401
    assert ana.api.approval(waiting["number"])["state"] == "pending"
    # and a person's own click in the very same window still counts
    decide(opened, "Approve")
    assert ana.api.approval(waiting["number"])["state"] == "approved"
