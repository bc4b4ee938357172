"""The timeline of the notebook in front: cells in time, what was decided, who consented, and results as they were seen."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from playwright.sync_api import expect

from jupyter_govern.demo.stack import Stack
from tests.ui.conftest import NewWindow
from tests.ui.lab import Lab
from tests.ui.test_journey import log_in, write_notebook

CELLS = [
    "%load_ext jupyter_govern",
    "%%govsql shop\nselect name, email, card, city\nfrom customers order by id limit 5",
    "%%govsql shop\ndrop table orders",
    "%%govsql shop\ndelete from payments\nwhere order_id = -7  -- booked twice",
]


@pytest.mark.timeout(240)
def test_the_timeline_of_a_notebook(stack: Stack, lab: Lab, new_window: NewWindow, screenshots: Path) -> None:
    write_notebook(stack.notebooks / "story.ipynb", CELLS)
    lab.open("story.ipynb")
    log_in(lab, stack, "ana", new_window())
    expect(lab.timeline).to_contain_text("No cell of this notebook")
    lab.run_to_end(CELLS[0])
    lab.run_to_end("email, card")
    lab.run_to_end("drop table orders")
    waiting = lab.run("booked twice")
    expect(lab.card()).to_contain_text("booked twice", timeout=30_000)
    approval = stack.login("ben").approvals()[0]
    stack.login("ben").decide(approval["number"], "approve", digest=approval["digest"], reason="seen in the ledger")
    lab.wait_done(waiting)
    lab.close_toasts()
    lab.show_only("timeline")

    entries = lab.timeline.locator("li")
    expect(entries).to_have_count(3, timeout=30_000)
    expect(entries.nth(0).locator("[data-outcome]")).to_have_attribute("data-outcome", "approved", timeout=20_000)
    expect(entries.nth(0).locator("[data-approval-number]")).to_contain_text("by ben")
    expect(entries.nth(0)).to_contain_text("seen in the ledger")
    expect(entries.nth(1).locator("[data-outcome]")).to_have_attribute("data-outcome", "blocked")
    masked = entries.nth(2)
    masked.get_by_role("button", name="Show the result").click()
    expect(masked.locator("tbody tr")).to_have_count(5)
    expect(masked.locator("th")).to_have_text(["name", "email", "card", "city"])
    secrets = [value for row in raw_contacts(stack) for value in row]
    shown = masked.inner_text()
    assert secrets and not [value for value in secrets if value in shown]
    lab.screenshot(screenshots / "timeline.png")

    # another notebook has another timeline, and the panel follows
    write_notebook(stack.notebooks / "empty.ipynb", ["1 + 1"])
    lab.open("empty.ipynb")
    expect(lab.timeline).to_contain_text("Timeline of empty.ipynb")
    expect(lab.timeline).to_contain_text("No cell of this notebook")


def raw_contacts(stack: Stack) -> list[tuple[str, str]]:
    """What nobody but the shop itself may see."""
    with psycopg.connect(stack.postgres.conninfo("shop")) as direct:
        rows = direct.execute("select email, card from customers order by id limit 5").fetchall()
    return [(str(email), str(card)) for email, card in rows]
