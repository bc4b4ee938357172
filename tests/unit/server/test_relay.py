"""What of the gateway's events every user of the notebook server may see."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jupyter_events.schema import EventSchema

from jupyter_govern_server.relay import SCHEMA_FILE, SCHEMA_ID, told

SCHEMA = EventSchema(schema=SCHEMA_FILE)


@pytest.mark.parametrize(
    ("name", "data", "event"),
    [
        ("approval", {"number": 3, "state": "pending", "actor": "ana"}, {"kind": "approval", "number": 3, "state": "pending"}),
        ("session", {"id": "s1", "state": "closed"}, {"kind": "session", "id": "s1", "state": "closed"}),
        ("approval", {"number": "3", "state": "pending"}, None),
        ("approval", {"number": True}, None),
        ("secret", {"number": 3}, None),
    ],
)
def test_identifiers_only(name: str, data: dict[str, Any], event: dict[str, Any] | None) -> None:
    assert told(name, data) == event
    assert "ana" not in json.dumps(told(name, data))
    if event is not None:
        SCHEMA.validate(event)


def test_long_states_are_cut() -> None:
    event = told("session", {"id": "x" * 999, "state": "y" * 999})
    assert event is not None
    SCHEMA.validate(event)


def test_the_schema_is_the_agreed_one() -> None:
    assert SCHEMA.id == SCHEMA_ID == "https://schema.jupyter-govern.dev/govern/v1"
    assert SCHEMA._schema["personal-data"] is False
