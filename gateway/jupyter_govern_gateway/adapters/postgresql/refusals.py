"""What the wire says when the gateway refuses, and what of a target's own errors and notices a client may see.

A target's error can quote raw values: in its detail, its context, the query of a function, and in the message itself where
a value did not fit. Where the statement touched masked data, such fields are removed and quoted values are blanked.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from jupyter_govern.errors import Blocked, Declined, Expired, SyntaxProblem, Withdrawn
from jupyter_govern.model import RuleRef
from jupyter_govern_gateway.adapters.postgresql.entries import Refusal
from jupyter_govern_gateway.codecs.postgresql import fields as f

if TYPE_CHECKING:
    from jupyter_govern_gateway.gate import Pending

INSUFFICIENT_PRIVILEGE: Final = "42501"
QUERY_CANCELED: Final = "57014"
STALE_PLAN: Final = "0A000"
NO_SUCH_STATEMENT: Final = "26000"
NO_SUCH_PORTAL: Final = "34000"
TOO_LONG: Final = "54000"
BAD_TEXT: Final = "22021"

WITHHELD: Final = b"the target's message is withheld: it may quote masked data"

# fields that quote rows, calls or the text of functions
_QUOTING: Final = (f.DETAIL, f.WHERE, f.INTERNAL_QUERY, f.INTERNAL_POSITION)

# classes whose messages are about the server, names and rights, never about values; not those of RAISE (P0) or of values (22, 23, 2x)
_WITHOUT_VALUES: Final = frozenset({"08", "0A", "25", "26", "28", "34", "3D", "3F", "40", "42", "53", "54", "55", "57", "58"})
_QUOTED: Final = re.compile(rb'"[^"]*"')
# from the first quotation mark to the last: a value may hold some of its own
_ALL_QUOTED: Final = re.compile(rb"[\"'][\s\S]*[\"']")
_RAISED: Final = b"exec_stmt_raise"


def refusal_of(problem: Blocked | SyntaxProblem) -> Refusal:
    """A refusal in the wire's words."""
    if isinstance(problem, SyntaxProblem):
        return Refusal(problem.code, problem.message, position=problem.position)
    code = QUERY_CANCELED if isinstance(problem, Withdrawn) else INSUFFICIENT_PRIVILEGE
    hint = problem.hint
    if not hint and isinstance(problem, Declined | Expired):
        hint = "Ask the approver, then send the statement again."
    return Refusal(code, problem.reason, detail=rules_text(problem.rules), hint=hint)


def rules_text(rules: tuple[RuleRef, ...]) -> str:
    """The rules that said so, for DETAIL."""
    return "\n".join(f'rule "{rule.name}": {rule.because}' for rule in rules)


def error_of(refusal: Refusal, encoding: str) -> bytes:
    """The ErrorResponse."""
    return f.error(
        refusal.code,
        refusal.message,
        detail=refusal.detail,
        hint=refusal.hint,
        position=refusal.position,
        encoding=encoding,
    )


def fatal(code: str, message: str, *, detail: str = "", hint: str = "") -> bytes:
    """The ErrorResponse that ends a session."""
    return f.error(code, message, severity="FATAL", detail=detail, hint=hint)


def no_record() -> bytes:
    """No record, no access; what the disk said stays with the operator."""
    return fatal("58030", "the record cannot be written: no record, no access", hint="Tell the operator of the gateway.")


def waiting_notice(pending: Pending, encoding: str) -> bytes:
    """The statement waits for people: who, for how long, and where they decide."""
    return f.notice(
        "01000",
        f"waiting for approval #{pending.number} by {pending.approvers}: {pending.url}",
        detail=f'rule "{pending.rule}": {pending.because}' if pending.rule else "",
        hint="Cancel the statement to withdraw the request.",
        encoding=encoding,
    )


def filtered(fields: f.Fields, *, touches_masked: bool, may_quote_raw: bool) -> bool:
    """Take out of an error or notice what could quote raw values; says whether anything changed."""
    if not touches_masked and not may_quote_raw:
        return False
    before = len(fields)
    for letter in _QUOTING:
        fields.pop(letter, None)
    return _blank_message(fields) if may_quote_raw else len(fields) != before


def _blank_message(fields: f.Fields) -> bool:
    code = fields.get(f.CODE, b"").decode("ascii", "replace")
    fields.pop(f.HINT, None)
    if fields.get(f.ROUTINE) == _RAISED or code[:2] not in _WITHOUT_VALUES | {"22", "23"}:
        fields[f.MESSAGE] = WITHHELD
    elif code[:2] in {"22", "23"}:
        names = {fields[k] for k in (f.SCHEMA, f.TABLE, f.COLUMN, f.DATA_TYPE, f.CONSTRAINT) if k in fields}
        message = fields.get(f.MESSAGE, b"")
        if code[:2] == "22" or any(quoted[1:-1] not in names for quoted in _QUOTED.findall(message)):
            fields[f.MESSAGE] = _ALL_QUOTED.sub(b'"..."', message)
    return True


def mapped_position(fields: f.Fields, original: Callable[[int], int], *, shift: int) -> bool:
    """Turn a position in the compiled text into one in the person's; says whether anything changed."""
    raw = fields.get(f.POSITION)
    if raw is None:
        return False
    position = original(int(raw) - shift) if raw.isdigit() and int(raw) > shift >= 0 else 0
    if position > 0:
        fields[f.POSITION] = str(position).encode()
    else:
        del fields[f.POSITION]
    return True
