"""psycopg's errors as what a person reads: refused by policy, failed in PostgreSQL, or the connection gone.

Knows psycopg's error fields and the gateway's own refusals, no display.
"""

from __future__ import annotations

import psycopg
from psycopg.pq import TransactionStatus

from jupyter_govern_kernel.binds import Bound
from jupyter_govern_kernel.problems import ConnectionLost, Report, SpokenError, StatementFailed, StatementRefused

_UNEXPLAINED = "Its outcome is not known here: `jupyter govern sessions` (or the Sessions panel) shows what was recorded."


def spoken(
    problem: psycopg.Error, bound: Bound, *, target: str, text: str, was_open: bool, status: TransactionStatus
) -> SpokenError:
    """The error for the person. `was_open`: a transaction was open before; `status`: how the connection stands now."""
    sqlstate = problem.sqlstate or problem.diag.sqlstate or ""
    if not sqlstate or status is TransactionStatus.UNKNOWN:
        return _without_state(problem, target, was_open=was_open)
    report = _report(problem, bound, sqlstate)
    notes = ["The transaction is aborted: ROLLBACK ends it."] if status is TransactionStatus.INERROR else []
    if sqlstate == "42601" and bound.names and "multiple commands" in report.message:
        notes.append("With :name parameters a cell holds one statement; write one cell for each.")
    kind = StatementRefused if _is_refusal(report) else StatementFailed
    return kind(report, target=target, text=text, note=" ".join(notes))


def _report(problem: psycopg.Error, bound: Bound, sqlstate: str) -> Report:
    diag = problem.diag
    raw = diag.statement_position or ""
    position = bound.original_position(int(raw)) if raw.isdigit() and int(raw) > 0 else 0
    return Report(
        sqlstate=sqlstate,
        severity=diag.severity_nonlocalized or diag.severity or "ERROR",
        message=diag.message_primary or str(problem),
        detail=diag.message_detail or "",
        hint=diag.message_hint or "",
        context=diag.context or "",
        position=position,
        routine=diag.source_function or "",
    )


def _is_refusal(report: Report) -> bool:
    """PostgreSQL's own "permission denied" names the routine that raised it; the gateway's refusal does not."""
    return report.sqlstate == "42501" and not report.routine


def _without_state(problem: psycopg.Error, target: str, *, was_open: bool) -> SpokenError:
    """An error that no server sent: the connection broke, or psycopg could not send the parameters."""
    if not isinstance(problem, psycopg.OperationalError):
        return SpokenError(str(problem).strip() or type(problem).__name__)
    lines = ["The open transaction is rolled back."] if was_open else []
    return ConnectionLost(
        f"the connection to {target} ended while the statement ran.",
        lines=(*(line for line in str(problem).strip().splitlines() if line), *lines, _UNEXPLAINED),
    )
