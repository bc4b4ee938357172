"""One-time form tokens: the authority of every POST to a page.

The pages are sandboxed into an opaque origin, so neither the Lax cookie nor a telling Origin comes with their forms
(jupyter.md 3.3.5). What a form may do is fixed when the page is made: one purpose, one thing, one browser session, one use.
Knows no HTTP. Only hashes are kept. Time comes in as a callable.
"""

from __future__ import annotations

import hashlib
import secrets
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from jupyter_govern_gateway.api.bounds import FORM_SECONDS, MAX_FORMS, MAX_FORMS_EACH


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """purpose: what the POST does. holder: the browser session (its token's id). about: the one thing it is for."""

    purpose: str
    holder: str
    about: str
    expires_at: float


class Forms:
    """The forms that are out. Bounded: all together, and for each holder, so that nobody can push out another's."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._out: OrderedDict[str, Form] = OrderedDict()
        self._of: Counter[str] = Counter()

    def issue(self, purpose: str, *, holder: str, about: str, seconds: float = FORM_SECONDS) -> str:
        """A new token; it goes into the page and nowhere else."""
        if self._of[holder] >= MAX_FORMS_EACH:
            self._drop(next(key for key, form in self._out.items() if form.holder == holder))
        while len(self._out) >= MAX_FORMS:
            self._drop(next(iter(self._out)))
        token = secrets.token_urlsafe(32)
        expires_at = self._clock() + min(seconds, FORM_SECONDS)
        self._out[_hashed(token)] = Form(purpose=purpose, holder=holder, about=about, expires_at=expires_at)
        self._of[holder] += 1
        return token

    def redeem(self, token: str, purpose: str) -> Form | None:
        """What the token stands for. It is used up, whether it fits or not; None for a replay, a forgery or one too old."""
        key = _hashed(token)
        form = self._out.get(key)
        if form is None:
            return None
        self._drop(key)
        return form if form.purpose == purpose and form.expires_at > self._clock() else None

    def forget(self, holder: str) -> None:
        """Drop what a browser session still has out: it logged out."""
        for key in [key for key, form in self._out.items() if form.holder == holder]:
            self._drop(key)

    def __len__(self) -> int:
        return len(self._out)

    def _drop(self, key: str) -> None:
        holder = self._out.pop(key).holder
        self._of[holder] -= 1
        if not self._of[holder]:
            del self._of[holder]


def _hashed(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
