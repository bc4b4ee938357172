"""What pysaml2 does that we do not want, or says in words only: its memory of people, and why it refuses."""

from __future__ import annotations

from typing import Any, Final

from saml2.cache import Cache
from saml2.response import StatusError, UnsolicitedResponse
from saml2.validate import ResponseLifetimeExceed, ToEarly

from jupyter_govern_gateway.identity.saml.errors import AnswerRefused, Why

SAYS: Final[tuple[tuple[str, Why], ...]] = (("AudienceRestrictions", "audience"), ("No valid recipient", "recipient"))
"""How the texts of its bare Exceptions begin."""
MAX_DETAIL: Final = 200


class NoMemory(Cache):  # type: ignore[misc]
    """The library keeps everybody who ever logged in, with the assertion, for as long as we run. Nobody asks it."""

    def set(self, *_: Any, **__: Any) -> None:
        """Kept nowhere."""


def refusal(problem: Exception) -> AnswerRefused:
    """The reason for the log and the page. What is not known counts as a bad signature: refused it is either way."""
    if isinstance(problem, StatusError):
        return AnswerRefused("status", type(problem).__name__)
    if isinstance(problem, UnsolicitedResponse):
        return AnswerRefused("unsolicited", "the library knows no such request")
    detail = f"{type(problem).__name__}: {str(problem)[:MAX_DETAIL]}"
    if isinstance(problem, (ResponseLifetimeExceed, ToEarly)):
        return AnswerRefused("time", detail)
    for text, why in SAYS:
        if str(problem).startswith(text):
            return AnswerRefused(why, detail)
    return AnswerRefused("signature", detail)
