"""The magic's line: target, options, assignment, and SQL that keeps its bytes."""

from __future__ import annotations

import pytest

from jupyter_govern_kernel.options import Request, UsageProblem, parse_request


@pytest.mark.parametrize(
    ("line", "cell", "expected"),
    [
        ("shop", "select 1\n", Request(target="shop", sql="select 1")),
        ("shop select 1", None, Request(target="shop", sql="select 1")),
        ("shop x << select 1", None, Request(target="shop", assign="x", sql="select 1")),
        ("shop x <<", "select 1\n", Request(target="shop", assign="x", sql="select 1")),
        ("shop", "x << select 1\n", Request(target="shop", assign="x", sql="select 1")),
        ("shop select *", "from t\n", Request(target="shop", sql="select *\nfrom t")),
        ("--rows 5 shop --plain", "select 1", Request(target="shop", rows=5, plain=True, sql="select 1")),
        ("shop --rows=0 -q --decimal", "select 1", Request(target="shop", rows=0, quiet=True, decimal=True, sql="select 1")),
        ("shop --notebook a/b.ipynb select 1", None, Request(target="shop", notebook="a/b.ipynb", sql="select 1")),
        ("shop select 1 --rows", None, Request(target="shop", sql="select 1 --rows")),
        ("shop -- a comment", "select 1", Request(target="shop", sql="-- a comment\nselect 1")),
        ("shop select 1 << 2", None, Request(target="shop", sql="select 1 << 2")),
        ("shop select '{x}' || $$ $y $$", None, Request(target="shop", sql="select '{x}' || $$ $y $$")),
        ("--help", None, Request(help=True)),
    ],
)
def test_requests(line: str, cell: str | None, expected: Request) -> None:
    assert parse_request(line, cell) == expected


@pytest.mark.parametrize(
    ("line", "cell", "says"),
    [
        ("", None, "which target?"),
        ("", "select 1", "which target?"),
        ("shop", None, "no SQL for 'shop'"),
        ("shop", "  \n", "no SQL"),
        ("shop x <<", None, "no SQL"),
        ("shop --row 5 select 1", None, "Did you mean --rows?"),
        ("shop --zzz select 1", None, "unknown option --zzz"),
        ("shop --rows", None, "needs a value"),
        ("shop --rows many select 1", None, "wants a number"),
        ("shop --plain=1 select 1", None, "unknown option --plain"),
    ],
)
def test_what_is_wrong_is_said(line: str, cell: str | None, says: str) -> None:
    with pytest.raises(UsageProblem, match=says.replace("?", r"\?")):
        parse_request(line, cell)
