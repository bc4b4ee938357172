"""Secret stores: `{ store = "SCHEME:WHERE" }` is read by whatever the entry-point group `jupyter_govern.secrets` has under that scheme.

A store is a function of one argument, what stands after the scheme, that returns a Secret or raises StoreProblem; it is called at the
gateway's start, at SIGHUP and when a secret's time is over. Its problems must never hold the secret.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from typing import Final

GROUP: Final = "jupyter_govern.secrets"
BUILT_IN: Final = {"vault": "jupyter_govern.stores.hashicorp:read", "aws": "jupyter_govern.stores.aws:read"}
"""These need no entry point, so that they are there in an installation that is not a distribution too."""
EXTRAS: Final = {"vault": "vault", "aws": "aws"}
LOCATOR: Final = re.compile(r"[a-z][a-z0-9-]{0,30}:[^\s\x00-\x1f]{1,1000}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """A secret's text. seconds: how long it holds, 0 where the store does not say."""

    text: str = field(repr=False)
    seconds: float = 0.0


class StoreProblem(Exception):
    """The store does not give the secret; the message says why, for the operator."""


Store = Callable[[str], Secret]


def read(locator: str) -> Secret:
    """Raises StoreProblem."""
    scheme, _, where = locator.partition(":")
    secret = _store(scheme)(where)
    if not secret.text:
        raise StoreProblem("it is empty")
    return secret


def _store(scheme: str) -> Store:
    found = {point.name: point.value for point in entry_points(group=GROUP)}
    value = found.get(scheme) or BUILT_IN.get(scheme)
    if value is None:
        raise StoreProblem(f"no secret store {scheme!r} is installed; there are {', '.join(sorted({*found, *BUILT_IN}))}")
    module, _, name = value.partition(":")
    try:
        store: Store = getattr(importlib.import_module(module), name)
    except ModuleNotFoundError as missing:
        also = f"; install it with: pip install 'jupyter-govern[{EXTRAS[scheme]}]'" if scheme in EXTRAS else ""
        raise StoreProblem(f"{missing.name} is not installed here{also}") from None
    return store
