"""The vocabulary that every part shares: who asks, what is asked, what was decided.

Values only: no I/O, no clock, no protocol and no policy evaluation in here. Everything is frozen, so
that a value that was decided on cannot change between the decision and the act.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal

Verb = Literal["connect", "read", "write", "define", "execute", "transfer", "view"]
VERBS: tuple[Verb, ...] = ("connect", "read", "write", "define", "execute", "transfer", "view")

Effect = Literal["allow", "block", "approve"]
MaskFormat = Literal["null", "redact", "partial", "hash"]
MASK_FORMATS: tuple[MaskFormat, ...] = ("null", "redact", "partial", "hash")

TokenKind = Literal["person", "server", "kernel", "browser", "client", "service", "login", "workload"]
"""What a gateway token was issued for.

`person`: `jupyter govern login`, may decide approvals and connect native clients.
`server`: held by a notebook server, may only ask for kernel tokens and read lists: never approves.
`kernel`: short-lived, bound to one kernel: connects, never approves, never issues.
`browser`: the cookie of the gateway's own pages: decides approvals on the decision page only.
`client`: `jupyter govern credential`: connects to one target until its own end, and can do nothing else.
`service`: a static key (`jupyter govern keys`): connects as a service, and can do nothing else.
`login`: somebody's login at an identity provider. Nobody holds it; what came of that login hangs on it and ends with it.
`workload`: given for a workload's own OIDC token: connects as a service for minutes, and can do nothing else.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """A verified subject with groups; `claims` are attributes of the proof (strings only)."""

    subject: str
    groups: frozenset[str] = frozenset()
    claims: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """Where a notebook says an Operation came from. Reported by the kernel, never proof (jupyter.md 0.4)."""

    notebook: str
    cell_id: str = ""
    execution_count: int = 0
    source_sha256: str = ""
    kernel_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """One thing a statement does to one resource.

    `resource` is `schema.relation` for SQL (`public.customers`, `pg_temp.t`), `columns` the columns it
    names, or None where it may touch all of them.
    """

    verb: Verb
    resource: str
    columns: frozenset[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a statement is, as far as policy is concerned; derived from its syntax tree, never from its text.

    kinds: statement kinds in lower case (`select`, `delete`, `drop`, `copy`, ...), nested ones included.
    traits: `without-where`, `program`, `server-file`, `dynamic`, ... (docs/policy.md lists them).
    unjudged: why the statement cannot be judged, or "" where it can. Policy refuses such statements wherever a
    mask, block or approve rule could apply, or not all may be executed (fail closed).
    unread: the same for command lines, which no mask can look into: refused wherever a block or approve rule could apply, unless
    an approve rule names one of its traits or kinds, so that people judge it.
    functions: all that it could call, as `schema.name`, by the tree and in what it sets off; `*` for one that is not known.
    estimated_rows: rows that it gives or changes, as the target's planner estimates; None where nobody asked or it does not say,
    which rules about it take for too many (fail closed).
    """

    kinds: frozenset[str]
    traits: frozenset[str] = frozenset()
    accesses: tuple[Access, ...] = ()
    unjudged: str = ""
    functions: frozenset[str] = frozenset()
    estimated_rows: int | None = None
    unread: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleRef:
    """A rule as people see it: its name in govern.toml and why it exists."""

    name: str
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mask:
    """One column of one relation hidden by one rule. Names are exact here: globs were resolved before.

    keep: for `partial`, how many characters at the end stay readable.
    """

    rule: RuleRef
    schema: str
    relation: str
    column: str
    format: MaskFormat
    keep: int = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A bound on one Operation's result: rows delivered, seconds of run time, bytes of output or of a file; 0 means no bound."""

    rule: RuleRef
    rows: int = 0
    seconds: float = 0.0
    bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What policy says of one Operation: decided once, read by everything after it."""

    effect: Effect
    rules: tuple[RuleRef, ...]
    reason: str
    hint: str = ""
    policy_version: str = ""
    limits: tuple[Limit, ...] = ()
    approver_groups: frozenset[str] = frozenset()
    approver_users: frozenset[str] = frozenset()
    approval_seconds: float = 900.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One thing an actor wants done to a target.

    statement: as the person wrote it. parameters: bound values in the wire's own form (None is NULL), with
    `parameter_formats` 0 for text and 1 for binary.
    """

    id: str
    session: str
    actor: Actor
    target: str
    protocol: str
    statement: str
    facts: Facts
    parameters: tuple[bytes | None, ...] = ()
    parameter_formats: tuple[int, ...] = ()
    cell: Cell | None = None
    rewritten: str = ""
    touches_masked: bool = False

    def digest(self) -> str:
        """SHA-256 over actor, target, statement and parameters: an approval fits exactly this and nothing else."""
        h = hashlib.sha256()
        for part in (self.actor.subject, self.target, self.protocol, self.statement):
            raw = part.encode()
            h.update(len(raw).to_bytes(8, "big") + raw)
        for value, form in zip(self.parameters, self.all_formats(), strict=True):
            h.update(form.to_bytes(2, "big"))
            h.update(b"\xff" * 8 if value is None else len(value).to_bytes(8, "big") + value)
        return h.hexdigest()

    def all_formats(self) -> tuple[int, ...]:
        """One format code per parameter (PostgreSQL Bind: none means all text, one means that one for all)."""
        n = len(self.parameters)
        if len(self.parameter_formats) == n:
            return self.parameter_formats
        return (self.parameter_formats[0] if self.parameter_formats else 0,) * n
