"""Errors for people: headline, rule, reason, caret; no control characters and no stack."""

from __future__ import annotations

import pytest

from jupyter_govern_kernel.problems import Cancelled, Report, SpokenError, StatementFailed, StatementRefused, caret_lines


def lines_of(problem: SpokenError) -> str:
    return "\n".join(problem._render_traceback_())


def test_a_refusal_shows_reason_rule_and_what_to_do() -> None:
    report = Report(sqlstate="42501", message="refused: drop is blocked", detail='Rule "no drops": data stays.', hint="Ask dba.")
    said = lines_of(StatementRefused(report, target="shop", text="drop table t"))
    assert "Refused on shop" in said
    assert 'Rule "no drops": data stays.' in said
    assert "What to do: Ask dba." in said
    assert "Traceback" not in said


def test_a_failure_shows_sqlstate_and_caret() -> None:
    report = Report(sqlstate="42703", message='column "nope" does not exist', position=8, hint="Perhaps name?")
    said = lines_of(StatementFailed(report, target="shop", text="select nope from t", note="The transaction is aborted."))
    assert "ERROR 42703 on shop" in said
    assert "LINE 1: select nope from t\n               ^" in said
    assert said.endswith("HINT: Perhaps name?\nThe transaction is aborted.")


@pytest.mark.parametrize(
    ("text", "position", "lines"),
    [
        ("select 1", 0, []),
        ("select 1", 99, []),
        ("select\n  nope", 10, ["LINE 2:   nope", "          ^"]),
        ("a\r\nb", 4, ["LINE 2: b", "        ^"]),
        ("select", 7, ["LINE 1: select", "              ^"]),
        ("\tx", 2, ["LINE 1:  x", "         ^"]),
        ("日本x", 3, ["LINE 1: 日本x", "            ^"]),
    ],
)
def test_carets(text: str, position: int, lines: list[str]) -> None:
    assert caret_lines(text, position) == lines


def test_a_long_line_is_cut_around_the_caret() -> None:
    text = "x" * 500 + "!" + "y" * 500
    line, caret = caret_lines(text, 501)
    assert line[len(caret) - 1] == "!"
    assert len(line) < 200


def test_what_the_other_side_says_cannot_steer_a_terminal() -> None:
    problem = SpokenError("red \x1b[31m \x00", lines=("a\x1b]0;title\x07",))
    assert "\x1b" not in str(problem)
    assert "\x1b[31m \x00" not in lines_of(problem)


def test_an_interrupt_says_what_became_of_the_statement() -> None:
    problem = Cancelled("cancelled on the target.")
    assert isinstance(problem, KeyboardInterrupt)
    assert "cancelled on the target." in problem._render_traceback_()[0]
