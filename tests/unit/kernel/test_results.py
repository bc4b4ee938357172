"""What a call gives back: the last rows, COPY's text, or only a tag."""

from __future__ import annotations

import importlib.util
from typing import Any

import pandas as pd
import pytest

from jupyter_govern_kernel.calling import plain
from jupyter_govern_kernel.connection import MaskedColumn
from jupyter_govern_kernel.options import Request
from jupyter_govern_kernel.outcome import Outcome, ResultColumn
from jupyter_govern_kernel.results import CopiedText, Done, to_result
from jupyter_govern_kernel.table import Table
from jupyter_govern_kernel.targets import TargetList

HIDDEN = MaskedColumn(name="email", rule="r", format="redact")
ROWS = Outcome(tag="SELECT 1", columns=(ResultColumn(name="email", type_oid=25, masked=HIDDEN),), rows=(("***",),))
TAG = Outcome(tag="UPDATE 3")


def test_rows_are_a_frame_with_its_marks() -> None:
    frame = to_result((ROWS,), Request(target="shop", rows=3))
    assert isinstance(frame, pd.DataFrame)
    assert "jp-govern-masked" in frame._repr_html_()  # type: ignore[operator]


@pytest.mark.parametrize("has_pandas", [True, False])
def test_a_table_where_asked_for_or_without_pandas(has_pandas: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not has_pandas:
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    result = to_result((ROWS,), Request(target="shop", plain=has_pandas))
    assert isinstance(result, Table)
    assert "jp-govern-masked" in result._repr_html_()


def test_tags_and_copy() -> None:
    assert repr(to_result((TAG, TAG), Request())) == "UPDATE 3; UPDATE 3"
    assert repr(to_result((Outcome(tag=""),), Request())) == "(empty statement)"
    copied = to_result((Outcome(tag="COPY 1", copied=b"a,b\n"),), Request())
    assert isinstance(copied, CopiedText)
    assert copied == "a,b\n"
    assert to_result((Outcome(tag="COPY 1", copied=b"\xff"),), Request()) == b"\xff"


def test_rows_among_other_statements(capsys: pytest.CaptureFixture[str]) -> None:
    assert not isinstance(to_result((TAG, ROWS, TAG), Request()), Done)
    assert "3 statements (UPDATE 3; SELECT 1; UPDATE 3)" in capsys.readouterr().out
    to_result((TAG, ROWS), Request(quiet=True))
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        (pd.Series([1, 2]), [1, 2]),
        (pd.NA, None),
        (pd.NaT, None),
        ([pd.NA, 1], [None, 1]),
        ((1, 2), [1, 2]),
        ("text", "text"),
        (b"raw", b"raw"),
        (None, None),
    ],
)
def test_values_that_the_wire_can_carry(value: Any, sent: object) -> None:
    assert plain(value) == sent


def test_targets() -> None:
    mask = {"column": "public.c.email", "format": "partial", "rule": "r", "because": "b"}
    listed = TargetList([{"name": "shop", "verbs": ["read"], "masks": [mask]}, {"name": "<hr>", "why": "no rule allows it"}])
    assert len(listed) == 2
    assert listed[0]["name"] == "shop"
    assert "shop" in repr(listed)
    assert "public.c.email (partial)" in repr(listed)
    assert "no rule allows it" in listed._repr_html_()
    assert "<hr>" not in listed._repr_html_()
    assert repr(TargetList([])) == "No target is open to you."
