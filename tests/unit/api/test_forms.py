"""One-time form tokens: one purpose, one use, bounded for each holder."""

from __future__ import annotations

from jupyter_govern_gateway.api.bounds import FORM_SECONDS, MAX_FORMS, MAX_FORMS_EACH
from jupyter_govern_gateway.api.pages.forms import Forms

from .test_device import Hand


def test_once_for_its_purpose_and_in_time() -> None:
    clock = Hand()
    forms = Forms(clock)
    token = forms.issue("decision", holder="b1", about="7:abc")
    found = forms.redeem(token, "decision")
    assert found is not None and (found.holder, found.about) == ("b1", "7:abc")
    assert forms.redeem(token, "decision") is None
    other = forms.issue("device", holder="b1", about="x")
    assert forms.redeem(other, "decision") is None
    assert forms.redeem(other, "device") is None, "a wrong use uses it up"
    late = forms.issue("decision", holder="b1", about="x")
    clock.now += FORM_SECONDS
    assert forms.redeem(late, "decision") is None
    assert len(forms) == 0


def test_forgeries() -> None:
    forms = Forms(Hand())
    forms.issue("decision", holder="b1", about="x")
    for forged in ("", "x", "\udcff", "a" * 43):
        assert forms.redeem(forged, "decision") is None


def test_nobody_pushes_out_anothers() -> None:
    forms = Forms(Hand())
    mine = forms.issue("decision", holder="me", about="x")
    theirs = [forms.issue("decision", holder="them", about="x") for _ in range(MAX_FORMS_EACH + 5)]
    assert len(forms) == MAX_FORMS_EACH + 1
    assert forms.redeem(theirs[0], "decision") is None
    assert forms.redeem(theirs[-1], "decision") is not None
    assert forms.redeem(mine, "decision") is not None


def test_all_together_are_bounded() -> None:
    forms = Forms(Hand())
    for number in range(MAX_FORMS + 10):
        forms.issue("login", holder=f"h{number}", about="x")
    assert len(forms) == MAX_FORMS


def test_forget_a_holder() -> None:
    forms = Forms(Hand())
    mine, theirs = forms.issue("decision", holder="me", about="x"), forms.issue("decision", holder="them", about="x")
    forms.forget("me")
    assert forms.redeem(mine, "decision") is None
    assert forms.redeem(theirs, "decision") is not None
