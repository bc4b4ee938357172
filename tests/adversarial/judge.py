"""Whether what an attack came back with holds the secret: six significant characters in a row, or the exact number or date."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from decimal import Decimal, InvalidOperation

from .secrets import Secrets

ENOUGH = 6
BETWEEN = re.compile(r"[\s\-./]+")
"""What does not interrupt a row of characters."""


def text(found: object) -> str:
    """All that was found, as text."""
    if isinstance(found, bytes | memoryview):
        return bytes(found).decode("latin-1")
    if isinstance(found, dict):
        return "\n".join(f"{text(key)}\n{text(value)}" for key, value in found.items())
    if isinstance(found, Iterable) and not isinstance(found, str):
        return "\n".join(map(text, found))
    return str(found)


def significant(secrets: Secrets, field: str) -> str:
    """The part of a secret that nobody knows and no mask shows whole."""
    if field == "file":
        return secrets.file
    value = str(getattr(secrets.named, field))
    if field == "note":
        return value.split()[1]
    return value.split("@", 1)[0][{"phone": 3, "card": 6}.get(field, 0) :]


def recovered(found: object, secrets: Secrets, field: str) -> bool:
    said = text(found)
    truth = getattr(secrets.named, field, None)
    if isinstance(truth, Decimal):
        return any(_number(token) == truth for token in re.findall(r"\d+\.\d+|\d+", said))
    if isinstance(truth, date):
        return truth.isoformat() in said
    row, said = significant(secrets, field), BETWEEN.sub("", said)
    return any(row[at : at + ENOUGH] in said for at in range(len(row) - ENOUGH + 1))


def _number(token: str) -> Decimal | None:
    try:
        return Decimal(token)
    except InvalidOperation:
        return None
