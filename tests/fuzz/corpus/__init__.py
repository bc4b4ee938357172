"""Dialogues worth keeping, one JSON file each: turns of [who, hex of the bytes, where they are cut]."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

Turns = list[tuple[str, bytes, list[int]]]
PLACE = Path(__file__).parent


def entries() -> dict[str, Turns]:
    return {
        path.stem: [(who, bytes.fromhex(data), cuts) for who, data, cuts in json.loads(path.read_text())] for path in PLACE.glob("*.json")
    }


def keep(turns: Turns, label: str) -> Path:
    """Write a dialogue into the corpus; the same one gets the same name."""
    text = json.dumps([[who, data.hex(), cuts] for who, data, cuts in turns])
    path = PLACE / f"{label}-{hashlib.sha256(text.encode()).hexdigest()[:8]}.json"
    path.write_text(text + "\n")
    return path
