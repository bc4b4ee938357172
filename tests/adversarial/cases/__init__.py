"""The attacks, by kind."""

from __future__ import annotations

from tests.adversarial.case import Case

from . import blocks, bulk, disguises, expressions, movement, names, objects, oracles, predicates, protocol, shapes, xml

KINDS: dict[str, tuple[Case, ...]] = {
    "expressions": expressions.CASES,
    "predicates": predicates.CASES,
    "shapes": shapes.CASES,
    "xml": xml.CASES,
    "objects": objects.CASES,
    "bulk": bulk.CASES,
    "protocol": protocol.CASES,
    "movement": movement.CASES,
    "names": names.CASES,
    "blocks": blocks.CASES,
    "disguises": disguises.CASES,
    "oracles": oracles.CASES,
}
