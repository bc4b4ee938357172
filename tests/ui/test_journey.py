"""The main job in a browser: log in, run the quickstart, see what is masked, wait for somebody's consent, go on.

The pictures of the documentation are taken on the way.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, expect

from jupyter_govern.demo.stack import Stack
from tests.ui.conftest import NewWindow
from tests.ui.gateway import confirm_device, decide, sign_in
from tests.ui.lab import Lab
from tests.ui.native import Native

QUICKSTART = "quickstart.ipynb"


def log_in(lab: Lab, stack: Stack, person: str, window: BrowserContext) -> None:
    """From the panel to the gateway's page, in a window of that person's own, and back."""
    log_out, begin, cancel = (lab.panel.get_by_role("button", name=name, exact=True) for name in ("Log out", "Log in", "Cancel"))
    expect(log_out.or_(begin).or_(cancel)).to_be_visible()
    if not begin.is_visible():
        log_out.or_(cancel).click()
    with lab.page.context.expect_page() as opened:
        begin.click()
    code = lab.panel.locator('[data-govern="user-code"]')
    expect(code).to_be_visible()
    page = window.new_page()
    page.goto(opened.value.url)
    opened.value.close()
    confirm_device(page, person, stack.people[person][0], code.inner_text())
    page.close()
    expect(lab.panel.locator('[data-govern="subject"]')).to_have_text(person, timeout=20_000)


@pytest.mark.timeout(300)
def test_the_quickstart_from_login_to_the_record(stack: Stack, lab: Lab, new_window: NewWindow, screenshots: Path) -> None:
    lab.open(QUICKSTART)
    expect(lab.page.locator(".jp-govern-statusItem")).to_contain_text("log in")
    log_in(lab, stack, "ana", new_window())
    expect(lab.page.locator(".jp-govern-statusItem")).to_contain_text("ana")

    # what she may reach, and what will be masked
    shop = lab.targets.locator('[data-target="shop"]')
    expect(shop).to_contain_text("masked for you")
    expect(shop.locator('[data-mask="public.customers.email"]')).to_be_visible()
    expect(shop).to_contain_text("dbname=shop")

    # the masked frame
    lab.run_to_end("%load_ext jupyter_govern")
    masked = lab.run_to_end("upper(email)")
    expect(masked.locator("th.jp-govern-masked").first).to_have_attribute("title", re.compile("masked"), timeout=30_000)
    expect(masked.locator(".jp-OutputArea")).not_to_contain_text("@")
    lab.close_toasts()
    lab.show_only("targets")
    lab.screenshot(screenshots / "masked-frame.png")

    # refused, with the rule's own reason and no stack
    refused = lab.run_to_end("drop table")
    expect(refused.locator(".jp-OutputArea")).to_contain_text("rule")
    expect(refused.locator(".jp-OutputArea")).not_to_contain_text("Traceback")

    # it waits, here and in the panel
    lab.show_only("approvals")
    waiting = lab.run("delete from order_drafts")
    card = lab.card()
    expect(card).to_contain_text("delete from order_drafts", timeout=30_000)
    expect(card).to_contain_text("reported")
    expect(card).to_contain_text("quickstart.ipynb")
    expect(waiting.locator(".jp-OutputArea")).to_contain_text("waiting for approval")
    expect(lab.page.locator(".jp-govern-statusItem")).to_contain_text("1 pending")
    expect(waiting.locator(".jp-InputPrompt").first).to_have_text("[*]:")

    # the button leads to the gateway's own page; Ben opens it in his own browser and decides
    with lab.page.context.expect_page() as opened:
        card.get_by_role("button", name="Open its page").click()
    address = opened.value.url
    assert urlsplit(address).netloc == urlsplit(stack.api_url).netloc
    opened.value.close()
    number = int(card.get_attribute("data-approval") or "0")
    page = new_window().new_page()
    page.set_viewport_size({"width": 900, "height": 1000})
    page.goto(f"{stack.api_url}/approvals/{number}")
    sign_in(page, "ben", stack.people["ben"][0])
    expect(page.locator("pre").first).to_contain_text("delete from order_drafts")
    expect(page.locator("main")).to_contain_text("quickstart.ipynb")
    page.wait_for_timeout(800)  # its buttons arm themselves a moment after it opened
    page.screenshot(path=screenshots / "decision-page.png", full_page=True)
    decide(page, "Approve", "agreed on the phone")

    # the cell finishes, and the card fades with the result
    lab.wait_done(waiting)
    expect(waiting.locator(".jp-OutputArea")).to_contain_text("DELETE")
    settled = lab.card(number)
    expect(settled).to_contain_text("approved")
    expect(settled).to_contain_text("by ben")
    expect(settled).to_contain_text("agreed on the phone")

    # all of it is on record, by cell
    lab.show_only("sessions")
    session = lab.sessions.locator("[data-session]", has_text="quickstart.ipynb").first
    session.get_by_role("button").first.click()
    expect(session.locator('[data-outcome="blocked"]').first).to_contain_text("drop table", timeout=20_000)
    expect(session.locator('[data-outcome="approved"]').first).to_contain_text("delete from order_drafts", timeout=20_000)
    expect(session.locator('[data-outcome="allowed"]').first).to_be_visible()
    expect(session.locator("[data-cell]").first).to_contain_text("reported")
    session.get_by_role("button", name="Verify recording").click()
    expect(session.get_by_role("status")).to_contain_text("whole")
    lab.screenshot(screenshots / "sessions.png")

    # and a click on the cell's name leads back to it
    session.locator("[data-cell]", has_text="drop table").first.get_by_title(re.compile("Go to this cell")).click()
    expect(lab.page.locator(".jp-Notebook .jp-Cell.jp-mod-active .cm-content").first).to_contain_text("drop table")


@pytest.fixture
def ana(stack: Stack) -> Iterator[Native]:
    """Ana with a native client."""
    client = Native(stack, "ana")
    yield client
    client.close()


@pytest.mark.timeout(180)
def test_an_approver_is_told_and_led_to_the_page(
    stack: Stack, lab: Lab, ana: Native, new_window: NewWindow, screenshots: Path
) -> None:
    lab.open()
    log_in(lab, stack, "ben", new_window())
    lab.show_only("approvals")
    expect(lab.approvals).to_contain_text("Nothing waits")
    statement = "delete from payments\nwhere id = -4 and amount = 0"
    ran = ana.start(statement)
    number = ana.pending(statement)["number"]

    toast = lab.toast(f"#{number}")
    expect(toast).to_contain_text("ana")
    card = lab.card(number)
    expect(card).to_contain_text("where id = -4")
    expect(lab.approvals).to_contain_text("For you to decide")
    lab.screenshot(screenshots / "approver.png")
    with lab.page.context.expect_page() as opened:
        card.get_by_role("button", name="Open decision page").click()
    page = opened.value
    assert page.evaluate("window.opener") is None
    assert not ran.done()  # the button led there, and decided nothing
    page.goto(f"{stack.api_url}/approvals/{number}")
    if page.get_by_label("Password", exact=True).count():
        sign_in(page, "ben", stack.people["ben"][0])
    decide(page, "Deny", "not this one")
    assert "not this one" in str(ran.exception(timeout=20))
    lab.page.bring_to_front()
    expect(lab.card(number)).to_contain_text("denied", timeout=20_000)
    expect(toast).to_have_count(0)


@pytest.mark.timeout(180)
def test_events_arrive_by_themselves_also_after_another_person_logged_in(
    stack: Stack, lab: Lab, ana: Native, new_window: NewWindow
) -> None:
    lab.open()
    log_in(lab, stack, "eve", new_window())
    log_in(lab, stack, "ben", new_window())
    lab.show_only("approvals")
    expect(lab.approvals).to_contain_text("Nothing waits")
    # the slow refresh looks at the status first: unanswered, it stops there, and only events are left
    lab.page.route(re.compile(r"/jupyter-govern/status"), lambda route: None)
    statement = "delete from payments where id = -6"
    ran = ana.start(statement)
    approval = ana.pending(statement)
    expect(lab.card(approval["number"])).to_contain_text("id = -6")
    stack.login("ben").decide(approval["number"], "approve", digest=approval["digest"])
    assert ran.result(timeout=20) == "DELETE 0"
    expect(lab.card(approval["number"])).to_contain_text("approved")


@pytest.mark.timeout(180)
def test_result_refusal_and_waiting_in_one_window(stack: Stack, lab: Lab, new_window: NewWindow, screenshots: Path) -> None:
    """The picture of the README: a short notebook, with everything in sight."""
    cells = [
        "%load_ext jupyter_govern",
        "%%govsql shop\nselect name, email, upper(email) as shouted, card, city\nfrom customers order by id limit 4",
        "%%govsql shop\ndrop table orders",
        "%%govsql shop\ndelete from payments\nwhere order_id = -1  -- booked twice",
    ]
    write_notebook(stack.notebooks / "orders.ipynb", cells)
    lab.open("orders.ipynb")
    log_in(lab, stack, "ana", new_window())
    lab.run_to_end(cells[0])
    result = lab.run_to_end("upper(email)")
    expect(result.locator("th.jp-govern-masked")).to_have_count(3)
    lab.run_to_end("drop table orders")
    waiting = lab.run("booked twice")
    expect(waiting.locator(".jp-OutputArea")).to_contain_text("waiting for approval", timeout=30_000)
    expect(lab.card()).to_contain_text("booked twice")
    lab.screenshot(screenshots / "panel-approval.png")
    lab.choose_theme("JupyterLab Dark")
    lab.screenshot(screenshots / "panel-approval-dark.png")
    lab.choose_theme("JupyterLab Light")
    # an interrupt of the kernel withdraws it
    lab.page.get_by_title(re.compile("Interrupt the kernel")).click()
    lab.wait_done(waiting)
    expect(lab.card()).to_contain_text("withdrawn")


def write_notebook(path: Path, cells: list[str]) -> None:
    """A notebook of code cells."""
    notebook = {
        "cells": [
            {"cell_type": "code", "id": f"c{at}", "metadata": {}, "source": cell, "outputs": [], "execution_count": None}
            for at, cell in enumerate(cells)
        ],
        "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    path.write_text(json.dumps(notebook))


@pytest.mark.timeout(180)
def test_output_of_a_notebook_cannot_approve(stack: Stack, lab: Lab, ana: Native, new_window: NewWindow) -> None:
    """JupyterLab's page is Ben's, and a notebook's script runs in it: by its own windows, requests and Lab's commands."""
    lab.open()
    log_in(lab, stack, "ben", new_window())
    statement = "delete from payments where id = -5"
    ana.start(statement)
    approval = ana.pending(statement)
    # Ben is signed in at the gateway in this very browser, so its cookie is there to be misused
    page = lab.page.context.new_page()
    page.goto(approval["url"])
    if page.get_by_label("Password", exact=True).count():
        sign_in(page, "ben", stack.people["ben"][0])
    expect(page.get_by_role("button", name="Approve", exact=True)).to_be_visible()
    page.close()
    tried = lab.page.evaluate(FROM_OUTPUT, approval["url"])
    assert tried["click"] == "SecurityError"
    assert all(status in {403, 404, 405} for status in tried["posts"]), tried
    assert ana.api.approval(approval["number"])["state"] == "pending"


FROM_OUTPUT = """async address => {
  const tried = {posts: []};
  const opened = window.open(address);
  await new Promise(done => setTimeout(done, 3000));
  try { opened.document.querySelector('button.yes').click(); tried.click = 'clicked' } catch (e) { tried.click = e.name }
  const base = JSON.parse(document.getElementById('jupyter-config-data').textContent).baseUrl;
  const xsrf = (document.cookie.match(/_xsrf=([^;]+)/) || [])[1] || '';
  const number = new URL(address).pathname.split('/').pop();
  for (const path of [`gateway/approvals/${number}/decision`, `approvals/${number}/decision`, `approvals/${number}`]) {
    const answer = await fetch(`${base}jupyter-govern/${path}`, {
      method: 'POST', headers: {'Content-Type': 'application/json', 'X-XSRFToken': xsrf},
      body: JSON.stringify({decision: 'approve', reason: '', digest: '0'.repeat(64)})});
    tried.posts.push(answer.status);
  }
  return tried;
}"""


@pytest.mark.parametrize(
    ("status", "notice", "says"),
    [
        (
            {"gateway": {"url": "", "reachable": False, "error": ""}, "login": None, "login_pending": None},
            "no-gateway",
            "govern.toml",
        ),
        (
            {
                "gateway": {"url": "http://127.0.0.1:1", "reachable": False, "error": "connection refused"},
                "login": None,
                "login_pending": None,
            },
            "no-gateway",
            "connection refused",
        ),
        (None, "no-extension", "jupyter server extension enable jupyter_govern"),
    ],
    ids=["none-known", "not-running", "no-server-extension"],
)
def test_what_stands_in_the_way_says_what_to_do(lab: Lab, status: dict[str, object] | None, notice: str, says: str) -> None:
    def answer(route: object) -> None:
        if status is None:
            route.fulfill(status=404, body="")  # type: ignore[attr-defined]
        else:
            route.fulfill(json=status)  # type: ignore[attr-defined]

    lab.page.route(re.compile(r"/jupyter-govern/status"), answer)
    lab.open()
    card = lab.panel.locator(f'[data-notice="{notice}"]')
    expect(card).to_contain_text(says)
    lab.page.unroute(re.compile(r"/jupyter-govern/status"), answer)
    card.get_by_role("button", name="Try again").click()
    expect(card).to_have_count(0)


def test_governed_cells_are_sql_and_others_stay_python(lab: Lab) -> None:
    lab.open(QUICKSTART)
    expect(lab.cell("%%govsql").locator("[data-language]").first).to_have_attribute("data-language", "sql")
    expect(lab.cell("%load_ext jupyter_govern").locator("[data-language]").first).to_have_attribute("data-language", "python")


def test_the_panel_is_used_by_keyboard_alone(lab: Lab) -> None:
    lab.open()
    expect(lab.panel.get_by_role("button", name=re.compile("^Log (in|out)$"))).to_be_visible()
    lab.panel.get_by_role("button").first.focus()
    seen = set()
    for _ in range(12):
        seen.add(lab.page.evaluate("document.activeElement.textContent || document.activeElement.ariaLabel"))
        lab.page.keyboard.press("Tab")
    assert any("Log" in str(name) for name in seen)
    unnamed = lab.panel.locator("button").evaluate_all("all => all.filter(b => !b.textContent && !b.ariaLabel).length")
    assert unnamed == 0
