"""What a session's door keeps holds under the policy and the catalog of now, whatever changed while something was compiled."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

from jupyter_govern.model import Actor, Decision, Facts
from jupyter_govern_gateway.net.door import SessionDoor
from jupyter_govern_gateway.policy.standing import Standing
from jupyter_govern_gateway.sql.compiler import Compiled
from jupyter_govern_gateway.sql.naming import Naming

BEFORE = Standing(masks=(), judged=True, key="before", estimates=True)
TEXT, NAMING = "select email from customers", Naming(database="shop")


class House:
    """The gateway around a door; `during` is done while a statement is compiled."""

    def __init__(self) -> None:
        self.snapshot, self.catalog_now, self.standing_now = object(), object(), BEFORE
        self.during = lambda: None

    def current(self, target: str = "") -> Any:
        return self.catalog_now if target else self.snapshot

    async def get(self, target: str) -> Any:
        return self.catalog_now

    def standing(self, actor: Actor, target: str) -> Standing:
        return self.standing_now

    def decide(self, actor: Actor, target: str, facts: Facts) -> Decision:
        return Decision(effect="allow", rules=(), reason="")

    def lookup(self, **_: object) -> None:
        return None

    async def compile(self, *, standing: Standing, text: str, **_: object) -> Compiled:
        self.during()
        return Compiled(source=text, sql=f"{text} /* as {standing.key} */", facts=Facts(kinds=frozenset({"select"})))

    async def of(self, target: str, compiled: Compiled, naming: Naming) -> Compiled:
        return replace(compiled, facts=replace(compiled.facts, estimated_rows=1))

    def note(self, kind: str, detail: object) -> None:
        pass

    def door(self) -> SessionDoor:
        services: Any = SimpleNamespace(policy=self, catalogs=self, plans=self, estimates=self)
        record = cast(Any, self)
        return SessionDoor(services, actor=Actor(subject="ana"), target="shop", database="shop", user="govern", record=record)


def asked(house: House, door: SessionDoor) -> Compiled | None:
    door.stamp()
    asyncio.run(door.compile(TEXT, NAMING))
    return door.look_up(TEXT, NAMING)


def test_an_estimate_is_kept() -> None:
    house = House()
    assert asked(house, house.door()) is not None


def test_what_was_compiled_under_another_policy_is_not_kept() -> None:
    house = House()

    def reload() -> None:
        house.snapshot, house.standing_now = object(), replace(BEFORE, key="after")

    house.during = reload
    assert asked(house, house.door()) is None


def test_nor_what_was_compiled_over_another_catalog() -> None:
    house = House()

    def define() -> None:
        house.catalog_now = object()

    house.during = define
    assert asked(house, house.door()) is None
