"""What holds for an actor on a target before any statement is seen.

Pure values: the SQL compiler reads them, policy makes them. Nothing here looks at a statement.
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase

from jupyter_govern.model import MaskFormat, RuleRef


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskPattern:
    """Columns that one rule hides; schema, relation and column may each hold globs (`fnmatch`, case-sensitive)."""

    rule: RuleRef
    schema: str
    relation: str
    column: str
    format: MaskFormat
    keep: int = 4
    path: tuple[str, ...] = ()

    def covers(self, schema: str, relation: str, column: str) -> bool:
        return fnmatchcase(schema, self.schema) and fnmatchcase(relation, self.relation) and fnmatchcase(column, self.column)


@dataclass(frozen=True, slots=True, kw_only=True)
class RowFilter:
    """The rows of a relation that exist for the actor; `condition` is SQL with the actor's attributes in it as constants."""

    rule: RuleRef
    schema: str
    relation: str
    condition: str

    def covers(self, schema: str, relation: str) -> bool:
        return fnmatchcase(schema, self.schema) and fnmatchcase(relation, self.relation)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """masks: strictest first, so that the first pattern that covers a column decides its format.

    judged: some mask, block or approve rule could apply, or not all may be executed: statements that cannot be judged are refused.
    key: digest; equal keys mean that every statement compiles the same way.
    """

    masks: tuple[MaskPattern, ...]
    judged: bool
    key: str
    filters: tuple[RowFilter, ...] = ()
    content: tuple[tuple[str, str], ...] = ()
    """Detectors of content: name, and the pattern where it is one of the policy's own."""
    estimates: bool = False
    """Some rule asks how many rows a statement touches."""
    unbounded: bool = False
    """Nothing is judged, and some rule allows everything here: a name that nobody knows is the target's to find or not."""
