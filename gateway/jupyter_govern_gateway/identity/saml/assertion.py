"""An assertion that the library accepted, checked once more for what must hold, and read as claims.

The library skips what is absent (an assertion without conditions is everybody's to it); here what is absent is refused.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from saml2 import time_util

from jupyter_govern.config.saml import NAME_ID
from jupyter_govern_gateway.identity.saml.errors import AnswerRefused

BEARER: Final = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
TRANSIENT: Final = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
LONGEST_SECONDS: Final = 3600.0
"""An assertion that may be presented longer is refused: its ID would have to be remembered as long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What the answer to one request must say. skew: seconds that the clocks may be apart."""

    issuer: str
    audience: str
    recipient: str
    request_id: str
    now: float
    skew: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Asserted:
    """What a provider said of somebody. ends_at: until when the assertion could be presented; session_ends_at: 0 where it does not say."""

    id: str
    claims: dict[str, Any]
    ends_at: float
    session_ends_at: float


def read_assertion(assertion: Any, expected: Expected) -> Asserted:
    """Raises AnswerRefused."""
    if assertion is None or not assertion.id:
        raise AnswerRefused("shape", "no assertion")
    if _text(assertion.issuer) != expected.issuer:
        raise AnswerRefused("issuer", "the assertion is of another issuer")
    _check_conditions(assertion.conditions, expected)
    ends_at = _confirmed(assertion, expected)
    session_ends = [_seconds(each.session_not_on_or_after) for each in assertion.authn_statement if each.session_not_on_or_after]
    return Asserted(id=assertion.id, claims=_claims(assertion), ends_at=ends_at, session_ends_at=min(session_ends, default=0.0))


def _check_conditions(conditions: Any, expected: Expected) -> None:
    restrictions = conditions.audience_restriction if conditions is not None else []
    audiences = [[_text(audience) for audience in each.audience] for each in restrictions]
    if not audiences or not all(expected.audience in each for each in audiences):
        raise AnswerRefused("audience", "the assertion is not restricted to us")
    _check_times(conditions, expected)


def _check_times(element: Any, expected: Expected) -> None:
    if element.not_before and _seconds(element.not_before) > expected.now + expected.skew:
        raise AnswerRefused("time", "not valid yet")
    if element.not_on_or_after and _seconds(element.not_on_or_after) <= expected.now - expected.skew:
        raise AnswerRefused("time", "no longer valid")


def _confirmed(assertion: Any, expected: Expected) -> float:
    """Until when the bearer could present it; a confirmation of another kind does not count."""
    for confirmation in assertion.subject.subject_confirmation if assertion.subject is not None else []:
        data = confirmation.subject_confirmation_data
        if confirmation.method != BEARER or data is None:
            continue
        if data.recipient != expected.recipient:
            raise AnswerRefused("recipient")
        if data.in_response_to != expected.request_id:
            raise AnswerRefused("unsolicited", "the assertion answers another request")
        if not data.not_on_or_after:
            raise AnswerRefused("time", "the assertion says no end")
        _check_times(data, expected)
        ends_at = _seconds(data.not_on_or_after)
        if ends_at > expected.now + LONGEST_SECONDS:
            raise AnswerRefused("time", f"the assertion may be presented for longer than {LONGEST_SECONDS:g} seconds")
        return ends_at
    raise AnswerRefused("shape", "no bearer is confirmed")


def _claims(assertion: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, values in _attributes(assertion, "friendly_name"):
        found.setdefault(name, values)
    for name, values in _attributes(assertion, "name"):  # a Name wins over what is only friendly
        found[name] = values
    name_id = assertion.subject.name_id
    found.pop(NAME_ID, None)
    if name_id is not None and name_id.format != TRANSIENT:
        found[NAME_ID] = name_id.text or ""
    return found


def _attributes(assertion: Any, by: str) -> Iterator[tuple[str, Any]]:
    for statement in assertion.attribute_statement:
        for attribute in statement.attribute:
            name = getattr(attribute, by)
            values = [value.text or "" for value in attribute.attribute_value]
            if name and values:
                yield name, values[0] if len(values) == 1 else values


def _text(element: Any) -> str:
    return (element.text or "").strip() if element is not None else ""


def _seconds(text: str) -> float:
    try:
        return float(calendar.timegm(time_util.str_to_time(text)))
    except Exception:  # whatever the library makes of a time that is none
        raise AnswerRefused("time", "a time cannot be read") from None
