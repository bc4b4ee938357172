"""The subquery that stands in for a governed relation, and where in the text its name stands. Pure."""

from __future__ import annotations

from jupyter_govern_gateway.sql.catalog import Relation
from jupyter_govern_gateway.sql.filters import condition
from jupyter_govern_gateway.sql.governed import Governed
from jupyter_govern_gateway.sql.masks import mask_expression, quoted
from jupyter_govern_gateway.sql.reader import Token

SOURCE = "governed"
"""Alias of the raw relation inside its subquery; nobody outside can name it."""


def qualified(relation: Relation) -> str:
    return f"{quoted(relation.schema)}.{quoted(relation.name)}"


FENCE = f"{SOURCE}.ctid OPERATOR(pg_catalog.<>) '(0,0)'::pg_catalog.tid"
"""True of every row, and nothing that an index knows: an index alone, in its order, cannot answer what is asked behind this."""
SYSTEM_COLUMNS = ("ctid", "xmin", "xmax", "cmin", "cmax", "tableoid")


def masked_select(
    governed: Governed, relation: Relation, *, source: str, columns: tuple[str, ...] | None = None, system: tuple[str, ...] = ()
) -> str:
    """SELECT of all columns (or those named), masked ones as their masks. `source` is what stands behind FROM, named SOURCE.

    system: system columns to hand on, which hold no data of people.
    """
    masks = governed.masks.get(relation.key, {})
    wanted = [c for c in relation.columns if columns is None or c.name in columns]
    if columns is not None:
        wanted.sort(key=lambda c: columns.index(c.name))
    items = [
        f"{mask_expression(c, masks[c.name], SOURCE)} AS {quoted(c.name)}" if c.name in masks else f"{SOURCE}.{quoted(c.name)}"
        for c in wanted
    ]
    items += [f"{SOURCE}.{name} AS {name}" for name in system]
    conditions = [condition(text, SOURCE) for text in governed.filters.get(relation.key, ())]
    if governed.fenced(relation):
        conditions.append(FENCE)
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    return f"SELECT {', '.join(items)} FROM {source}{where}"


class NamePlace:
    """Where a relation's name stands: `[ONLY] [(] name [)] [*]` from start to stop. table_word: where the TABLE before it stands."""

    __slots__ = ("only", "start", "stop", "table_word")

    def __init__(self, tokens: list[Token], at: int, parts: int) -> None:
        """at: the index of the name's first token."""
        first = at
        last = at + 2 * (parts - 1)
        self.start, self.stop, self.only = tokens[at].start, tokens[last].stop, False
        before, after = at - 1, last + 1
        if before >= 1 and tokens[before].text == "(" and tokens[before - 1].text.lower() == "only" and _is(tokens, after, ")"):
            self.start, self.stop, self.only, first = tokens[before - 1].start, tokens[after].stop, True, before - 1
        elif before >= 0 and tokens[before].text.lower() == "only":
            self.start, self.only, first = tokens[before].start, True, before
        elif _is(tokens, after, "*"):
            self.stop = tokens[after].stop
        word = tokens[first - 1] if first else None
        self.table_word = (word.start, word.stop) if word is not None and word.text.lower() == "table" else None


def sample_place(tokens: list[Token], behind: int) -> tuple[int, int]:
    """Where the TABLESAMPLE clause behind this byte starts and stops."""
    at = next(i for i, token in enumerate(tokens) if token.start >= behind and token.text.lower() == "tablesample")
    start = tokens[at].start
    at = _behind_parentheses(tokens, at)
    if at < len(tokens) and tokens[at].text.lower() == "repeatable":
        at = _behind_parentheses(tokens, at)
    return start, tokens[at - 1].stop


def _behind_parentheses(tokens: list[Token], at: int) -> int:
    """The index behind the next balanced pair of parentheses."""
    while tokens[at].text != "(":
        at += 1
    depth = 0
    while True:
        depth += {"(": 1, ")": -1}.get(tokens[at].text, 0)
        at += 1
        if depth == 0:
            return at


def _is(tokens: list[Token], at: int, text: str) -> bool:
    return at < len(tokens) and tokens[at].text == text
