"""How a dialogue ends before its time."""

from __future__ import annotations


class Lost(ConnectionError):
    """The other end went away during a dialogue."""


class Overlong(ConnectionError):
    """The other end sent something before TLS that belongs inside it."""
