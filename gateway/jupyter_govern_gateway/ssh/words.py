"""What a client reads on stderr: refusals, waiting, ends. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from jupyter_govern.characters import spelled
from jupyter_govern.errors import Blocked, Declined, Expired, RecordingFailed, TargetUnavailable

if TYPE_CHECKING:
    from jupyter_govern_gateway.gate import Pending

REFUSED: Final = 126
"""Exit status of what was refused: found, and not run (POSIX sh)."""
FAILED: Final = 255
"""Exit status where the gateway or the target could not (OpenSSH's own)."""


def refusal(problem: Blocked) -> list[str]:
    """Lines: what was refused, by which rules, what to do."""
    lines = [f"govern: refused: {problem.reason}"]
    lines += [f'govern: rule "{rule.name}": {rule.because}' for rule in problem.rules]
    hint = problem.hint
    if not hint and isinstance(problem, Declined | Expired):
        hint = "ask the approver, then run it again"
    return [spelled(line) for line in (*lines, *([f"govern: {hint}"] if hint else []))]


def waiting(pending: Pending) -> list[str]:
    """It waits for people: who, why, where they decide."""
    lines = [f"govern: waiting for approval #{pending.number} by {pending.approvers}: {pending.url}"]
    if pending.rule:
        lines.append(f'govern: rule "{pending.rule}": {pending.because}')
    return [spelled(line) for line in lines]


def failure(problem: Exception) -> list[str]:
    """Why it cannot be done, for what is no refusal."""
    match problem:
        case RecordingFailed():
            return ["govern: the record cannot be written: no record, no access"]
        case TargetUnavailable():
            return [spelled(f"govern: {problem}")]
    return ["govern: internal error of the gateway"]
