"""The second lock: where do the columns of a result come from? A column that still carries a masked origin is a bug of the
compiler, and nothing of that result may pass.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jupyter_govern_gateway.adapters.postgresql.entries import Plan, Refusal
from jupyter_govern_gateway.adapters.postgresql.refusals import INSUFFICIENT_PRIVILEGE

if TYPE_CHECKING:
    from jupyter_govern_gateway.adapters.postgresql.exchange import Exchange
    from jupyter_govern_gateway.codecs.postgresql.backend import Column


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A masked column that was about to pass: what the client is told, what the record keeps."""

    refusal: Refusal
    detail: dict[str, Any]


def problem_of(shared: Exchange, plan: Plan | None, columns: tuple[Column, ...]) -> Problem | None:
    """The first column that must not pass, if there is one."""
    if not shared.has_masks:
        return None
    compiled = plan.compiled if plan is not None else None
    origins = compiled.masked_origins if compiled is not None else shared.masked_origins
    for column in columns:
        if (column.relation, column.attribute) in origins or (column.relation, column.attribute) in shared.masked_origins:
            return _problem(shared, plan, column)
    return None


def _problem(shared: Exchange, plan: Plan | None, column: Column) -> Problem:
    name = column.name.decode(shared.codec, "replace")
    message = f'column "{name}" is masked for you, but the target was about to send it in clear'
    return Problem(
        refusal=Refusal(
            INSUFFICIENT_PRIVILEGE,
            message,
            detail="The wire check stopped the result before its first row.",
            hint="This is a defect of the gateway; tell its operator.",
        ),
        detail={
            "column": name,
            "relation_oid": column.relation,
            "attribute": column.attribute,
            "statement": plan.text if plan is not None else "",
        },
    )
