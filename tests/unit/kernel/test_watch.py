"""What a person sees while a statement runs."""

from __future__ import annotations

import pytest

from jupyter_govern_kernel import watch as module
from jupyter_govern_kernel.watch import Notice, Waiting, Watch

APPROVAL = Notice(severity="NOTICE", message="waiting for approval #12 by dba: http://127.0.0.1:8600/approvals/12")


class Screen:
    """Stands for IPython's display."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def show(self, notice: Notice, state: str) -> Screen:
        self.said.append(state)
        return self

    def update(self, shown: Waiting) -> None:
        self.said.append(repr(shown).rsplit("(", 1)[1].removesuffix(")"))


def test_seconds_are_shown_until_it_ends() -> None:
    now, screen = [0.0], Screen()
    watch = Watch(show=screen.show, clock=lambda: now[0])
    watch.tick()
    assert screen.said == []
    watch.note(APPROVAL)
    watch.tick()
    now[0] = 3.2
    watch.tick()
    watch.finish("approved, done")
    assert watch.approval == "12"
    assert screen.said == ["waiting, 0 s", "waiting, 0 s", "waiting, 3 s", "approved, done after 3 s"]


def test_other_notices_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    watch = Watch()
    watch.note(Notice(severity="WARNING", message="there is no transaction", hint="say\x1b[2J BEGIN"))
    watch.finish("done")
    said = capsys.readouterr().err
    assert said.startswith("WARNING: there is no transaction\nHINT: say")
    assert "\x1b" not in said


def test_quiet_still_shows_a_waiting_approval(capsys: pytest.CaptureFixture[str]) -> None:
    screen = Screen()
    watch = Watch(quiet=True, show=screen.show)
    watch.note(Notice(severity="NOTICE", message="chatter"))
    watch.note(APPROVAL)
    watch.tick()
    assert capsys.readouterr().err == ""
    assert screen.said


def test_a_flood_of_notices_is_bounded(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(module, "MAX_NOTICES", 5)
    watch = Watch()
    for n in range(9):
        watch.note(Notice(severity="NOTICE", message=f"n{n}"))
    watch.finish("done")
    said = capsys.readouterr().err
    assert "n4" in said
    assert "n5" not in said
    assert "4 more notices" in said


def test_the_box_links_and_escapes() -> None:
    message = 'waiting for approval #1 <img> by "x": http://g/approvals/1'
    page = Waiting(Notice(severity="NOTICE", message=message, detail='rule "big <deletes>": two people'), "waiting, 1 s")
    html = page._repr_html_()
    assert '<a href="http://g/approvals/1" target="_blank" rel="noopener noreferrer">' in html
    assert "<img>" not in html
    assert "big &lt;deletes&gt;" in html
    assert repr(page) == f'{message} (waiting, 1 s)\nrule "big <deletes>": two people'
