"""A name that the catalog does not know. Not a refusal yet: the catalog may be old. Values only."""

from __future__ import annotations

from jupyter_govern.errors import SyntaxProblem

UNDEFINED_TABLE = "42P01"
UNDEFINED_FUNCTION = "42883"


class UnknownName(SyntaxProblem):
    """The target would say the same; where it knew the name after all, the gateway could not tell what is behind it."""
