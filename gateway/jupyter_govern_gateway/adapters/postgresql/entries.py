"""What a session keeps of messages that are on their way: plans, prepared statements, portals, runs, and due answers.

Plain mutable values with slots, so that the per-message code stays cheap and can be compiled. No decisions in here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from jupyter_govern.model import Cell, Decision, Facts, RuleRef
    from jupyter_govern_gateway.adapters.postgresql.names import Change
    from jupyter_govern_gateway.codecs.postgresql.backend import Column
    from jupyter_govern_gateway.gate import Permit
    from jupyter_govern_gateway.sql.compiler import Compiled
    from jupyter_govern_gateway.sql.effects import SessionEffect

# kinds of entry: which answers are due
E_QUERY: Final = 0
E_PARSE: Final = 1
E_BIND: Final = 2
E_DESCRIBE_STATEMENT: Final = 3
E_DESCRIBE_PORTAL: Final = 4
E_EXECUTE: Final = 5
E_CLOSE: Final = 6
E_SYNC: Final = 7
E_FUNCTION: Final = 8


class Refusal:
    """Why a statement does not run, in the wire's words.

    probe: the statement's text, where the target may say it better itself: it is asked to parse it, never to run it.
    """

    __slots__ = ("code", "detail", "hint", "message", "position", "probe")

    def __init__(self, code: str, message: str, *, detail: str = "", hint: str = "", position: int = 0) -> None:
        self.code, self.message, self.detail, self.hint, self.position = code, message, detail, hint, position
        self.probe = b""


class Plan:
    """A statement's text as this session runs it: compiled, decided, ready to send."""

    __slots__ = (
        "cell",
        "changes_session",
        "compiled",
        "decision",
        "effects",
        "facts",
        "may_copy_in",
        "position_shift",
        "refusal",
        "row_limit",
        "row_rule",
        "second_rule",
        "seconds",
        "sent",
        "sql",
        "text",
        "unchanged",
    )

    def __init__(self, text: str, facts: Facts, decision: Decision) -> None:
        self.text = text
        self.facts = facts
        self.decision = decision
        self.compiled: Compiled | None = None
        self.effects: tuple[SessionEffect, ...] = ()
        self.sql = b""
        self.unchanged = False
        self.sent = ""
        self.refusal: Refusal | None = None
        self.cell: Cell | None = None
        self.row_limit = 0
        self.row_rule: RuleRef | None = None
        self.seconds = 0.0
        self.second_rule: RuleRef | None = None
        self.position_shift = 0
        self.may_copy_in = False
        self.changes_session = False


class Prepared:
    """A prepared statement as the target knows it: `raw` is the text that made it.

    facts: where SQL's PREPARE made it, what the statement inside does. cut_by: why its results must not pass (wire check).
    """

    __slots__ = ("columns", "cut_by", "facts", "name", "plan", "raw", "stamp")

    def __init__(self, name: bytes, raw: bytes, plan: Plan, stamp: object) -> None:
        self.name = name
        self.raw = raw
        self.plan = plan
        self.stamp = stamp
        self.cut_by = ""
        self.columns: tuple[Column, ...] = ()
        self.facts: Facts | None = None


class Portal:
    """A bound statement. `run` is set from its first Execute until its end."""

    __slots__ = ("formats", "parameters", "prepared", "result_formats", "run")

    def __init__(
        self,
        prepared: Prepared,
        parameters: tuple[bytes | None, ...],
        formats: tuple[int, ...],
        result_formats: tuple[int, ...],
    ) -> None:
        self.prepared = prepared
        self.parameters = parameters
        self.formats = formats
        self.result_formats = result_formats
        self.run: Run | None = None


class Run:
    """One permitted operation between its sending and its end."""

    __slots__ = (
        "bytes_",
        "columns",
        "copies",
        "cut",
        "described",
        "error",
        "finished",
        "formats",
        "in_flight",
        "over",
        "permit",
        "plan",
        "prepared",
        "refused",
        "row_limit",
        "rows",
        "sampling",
        "tag",
        "timed_out",
        "types",
        "withheld",
    )

    def __init__(self, permit: Permit, plan: Plan) -> None:
        self.permit = permit
        self.plan = plan
        self.columns: tuple[Column, ...] = ()
        self.formats: tuple[int, ...] = ()
        self.rows = 0
        self.withheld = 0
        self.bytes_ = 0
        self.in_flight = 0
        self.copies = 0
        self.refused: Refusal | None = None
        self.prepared: Prepared | None = None
        self.row_limit = plan.row_limit
        self.sampling = permit.wants_rows
        self.described = False
        self.over = False
        self.finished = False
        self.cut = False
        self.timed_out = False
        self.types: tuple[tuple[int, bool], ...] | None = None
        self.tag: str | None = None
        self.error: str | None = None


class Entry:
    """A message that went to the target and what is known of its answer.

    refusal: the message was replaced by one that fails; this is what the client gets for it.
    hidden: the client did not send it and must not see its answer.
    local_tag: the message was replaced by an empty statement; the client gets this tag.
    """

    __slots__ = (
        "failed",
        "hidden",
        "kind",
        "local_tag",
        "plan",
        "portal_change",
        "prepared",
        "raw",
        "refusal",
        "run",
        "statement_change",
    )

    def __init__(self, kind: int) -> None:
        self.kind = kind
        self.run: Run | None = None
        self.plan: Plan | None = None
        self.prepared: Prepared | None = None
        self.statement_change: Change[Prepared] | None = None
        self.portal_change: Change[Portal] | None = None
        self.refusal: Refusal | None = None
        self.hidden = False
        self.local_tag = b""
        self.raw = b""
        self.failed = False
