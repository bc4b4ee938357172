"""COPY FROM STDIN into masked columns: where their values stand in the data. Pure.

Source: PostgreSQL's documentation of COPY, "File Formats".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from jupyter_govern_gateway.sql.catalog import Relation
from jupyter_govern_gateway.sql.placeholders import Written
from jupyter_govern_gateway.sql.reader import Tree, constant, unwrap

if TYPE_CHECKING:
    from jupyter_govern_gateway.sql.analysis import Analysis


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyInto:
    """format: `text`, `csv` or `binary`; the other three are one character each. written: by the place of their field, from 1."""

    relation: str
    format: str
    delimiter: str
    quote: str
    escape: str
    written: tuple[Written, ...]


def copy_into(analysis: Analysis, tree: Tree, target: Relation) -> CopyInto | None:
    """None where no masked column is written."""
    masks = analysis.governed.masks.get(target.key, {})
    named = [unwrap(item).sval for item in tree.attlist] or [column.name for column in target.columns if not column.made_of]
    columns = {column.name: column for column in target.columns}
    written = [
        Written(number=number, column=columns[name], mask=masks[name])
        for number, name in enumerate(named, 1)
        if name in masks and name in columns
    ]
    if not written:
        return None
    options = {unwrap(item).defname.lower(): constant(unwrap(item).arg) or _word(unwrap(item)) for item in tree.options}
    form = options.get("format", "text").lower()
    quote = options.get("quote", '"')
    return CopyInto(
        relation=target.name,
        format=form,
        delimiter=options.get("delimiter", "," if form == "csv" else "\t"),
        quote=quote,
        escape=options.get("escape", quote),
        written=tuple(written),
    )


def _word(option: Tree) -> str:
    """The value of an option that is a String node rather than a constant."""
    value = unwrap(option.arg) if option.HasField("arg") else None
    return str(getattr(value, "sval", ""))
