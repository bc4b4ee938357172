"""TPC-H in small: generated tables (scale 0.01), and the 22 queries direct and through a gateway that masks what they do not name."""

from __future__ import annotations

import random
import re
import sys
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import psycopg

from bench.world import World

from .world import Answer, ask, difference

HERE = Path(__file__).resolve().parent
CUSTOMERS, ORDERS, PARTS, SUPPLIERS = 1500, 15000, 2000, 100
REGIONS = ("AFRICA", "AMERICA", "ASIA", "EUROPE", "MIDDLE EAST")
NATIONS = (
    ("ALGERIA", 0), ("ARGENTINA", 1), ("BRAZIL", 1), ("CANADA", 1), ("EGYPT", 4), ("ETHIOPIA", 0), ("FRANCE", 3), ("GERMANY", 3),
    ("INDIA", 2), ("INDONESIA", 2), ("IRAN", 4), ("IRAQ", 4), ("JAPAN", 2), ("JORDAN", 4), ("KENYA", 0), ("MOROCCO", 0), ("MOZAMBIQUE", 0),
    ("PERU", 1), ("CHINA", 2), ("ROMANIA", 3), ("SAUDI ARABIA", 4), ("VIETNAM", 2), ("RUSSIA", 3), ("UNITED KINGDOM", 3),
    ("UNITED STATES", 1),
)  # fmt: skip
COLOURS = "almond aquamarine azure blue brown coral cream cyan forest frosted ghost gold green grey honeydew ivory khaki lace lime".split()
TYPES = ("STANDARD SMALL MEDIUM LARGE ECONOMY PROMO".split(), "ANODIZED BURNISHED PLATED POLISHED BRUSHED".split(),
         "TIN NICKEL BRASS STEEL COPPER".split())  # fmt: skip
CONTAINERS = ("SM LG MED JUMBO WRAP".split(), "CASE BOX BAG JAR PKG PACK CAN DRUM".split())
SEGMENTS = "AUTOMOBILE BUILDING FURNITURE MACHINERY HOUSEHOLD".split()
PRIORITIES = ("1-URGENT", "2-HIGH", "3-MEDIUM", "4-NOT SPECIFIED", "5-LOW")
INSTRUCTIONS = ("DELIVER IN PERSON", "COLLECT COD", "NONE", "TAKE BACK RETURN")
MODES = ("REG AIR", "AIR", "RAIL", "SHIP", "TRUCK", "MAIL", "FOB")
WORDS = "carefully special quickly final pending requests deposits ironic packages accounts bold theodolites express regular".split()
START, DAYS, NOW = date(1992, 1, 1), 2405, date(1995, 6, 17)
Rows = Iterator[tuple[Any, ...]]


def queries() -> list[str]:
    text = (HERE / "tpch_queries.sql").read_text()
    return [part.strip() for part in re.split(r"^-- \d+\n", text, flags=re.M)[1:]]


class Data:
    """The tables, one generator each; orders and lineitem come from the same walk."""

    def __init__(self, seed: int = 1) -> None:
        self.rng = random.Random(seed)
        self.lines: list[tuple[Any, ...]] = []

    def words(self, count: int = 4) -> str:
        return " ".join(self.rng.choices(WORDS, k=count))

    def phone(self, nation: int) -> str:
        return f"{nation + 10}-{self.rng.randint(100, 999)}-{self.rng.randint(100, 999)}-{self.rng.randint(1000, 9999)}"

    def cents(self, low: int, high: int) -> str:
        value = self.rng.randint(low, high)
        return f"{'-' if value < 0 else ''}{abs(value) // 100}.{abs(value) % 100:02}"

    def region(self) -> Rows:
        yield from ((i, name, self.words()) for i, name in enumerate(REGIONS))

    def nation(self) -> Rows:
        yield from ((i, name, region, self.words()) for i, (name, region) in enumerate(NATIONS))

    def part(self) -> Rows:
        pick = self.rng.choice
        for key in range(1, PARTS + 1):
            maker = self.rng.randint(1, 5)
            kind, box = " ".join(map(pick, TYPES)), " ".join(map(pick, CONTAINERS))
            yield (key, " ".join(self.rng.sample(COLOURS, 5)), f"Manufacturer#{maker}", f"Brand#{maker}{self.rng.randint(1, 5)}", kind,
                   self.rng.randint(1, 50), box, f"{900 + key % 1000}.00", self.words(2)[:23])  # fmt: skip

    def supplier(self) -> Rows:
        for key in range(1, SUPPLIERS + 1):
            nation = key % 25
            said = "Customer slow Complaints" if key % 20 == 7 else self.words()
            yield key, f"Supplier#{key:09}", self.words(2), nation, self.phone(nation), self.cents(-99999, 999999), said

    def partsupp(self) -> Rows:
        for part in range(1, PARTS + 1):
            for i in range(4):
                yield part, _supplier(part, i), self.rng.randint(1, 9999), self.cents(100, 100000), self.words(6)

    def customer(self) -> Rows:
        for key in range(1, CUSTOMERS + 1):
            nation, segment = self.rng.randrange(25), self.rng.choice(SEGMENTS)
            yield key, f"Customer#{key:09}", self.words(2), nation, self.phone(nation), self.cents(-99999, 999999), segment, self.words(8)

    def orders(self) -> Rows:
        for n in range(ORDERS):
            key, placed = n // 8 * 32 + n % 8 + 1, START + timedelta(self.rng.randrange(DAYS))
            made = [self._line(key, number, placed) for number in range(1, self.rng.randint(1, 7) + 1)]
            self.lines += made
            states = {line[9] for line in made}
            customer = self.rng.randint(1, CUSTOMERS)
            yield (key, customer - (customer % 3 == 0), states.pop() if len(states) == 1 else "P", self.cents(100000, 40000000), placed,
                   self.rng.choice(PRIORITIES), f"Clerk#{self.rng.randint(1, 10):09}", 0, self.words(6))  # fmt: skip

    def _line(self, order: int, number: int, placed: date) -> tuple[Any, ...]:
        rng = self.rng
        part, quantity = rng.randint(1, PARTS), rng.randint(1, 50)
        sent = placed + timedelta(rng.randint(1, 121))
        due, come = placed + timedelta(rng.randint(30, 90)), sent + timedelta(rng.randint(1, 30))
        returned = rng.choice("RA") if come <= NOW else "N"
        return (order, part, _supplier(part, rng.randrange(4)), number, quantity, quantity * (900 + part % 1000),
                f"0.{rng.randint(0, 10):02}", f"0.{rng.randint(0, 8):02}", returned, "O" if sent > NOW else "F", sent, due, come,
                rng.choice(INSTRUCTIONS), rng.choice(MODES), self.words(3))  # fmt: skip

    def lineitem(self) -> Rows:
        yield from self.lines


def _supplier(part: int, i: int) -> int:
    return (part + i * (SUPPLIERS // 4 + (part - 1) // SUPPLIERS)) % SUPPLIERS + 1


def load(conninfo: str) -> None:
    data = Data()
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute((HERE / "tpch_schema.sql").read_text())
        for table in ("region", "nation", "part", "supplier", "partsupp", "customer", "orders", "lineitem"):
            with connection.cursor().copy(f"copy {table} from stdin") as copy:
                copy.write("".join("\t".join(map(str, row)) + "\n" for row in getattr(data, table)()))
        connection.execute((HERE / "tpch_index.sql").read_text())


def run() -> list[tuple[str, Answer, Answer]]:
    """What differs (or ""), and both answers, for each of the 22. ORDER BY leaves ties open in some, so rows are compared as bags."""
    found = []
    TIMES.clear()
    with World((HERE / "tpch.toml").read_text(), "tpch", settings={"shared_buffers": "128MB", "jit": "off"}) as world:
        load(world.direct.conninfo())
        with (
            psycopg.connect(world.direct.conninfo(), autocommit=True) as direct,
            psycopg.connect(world.through_gateway("ana").conninfo(), autocommit=True) as gateway,
        ):
            for sql in queries():
                began = time.monotonic()
                one = ask(direct, sql, binary=False)
                between = time.monotonic()
                other = ask(gateway, sql, binary=False)
                TIMES.append((between - began, time.monotonic() - between))
                found.append((difference(one, other, ordered=False), one, other))
    return found


TIMES: list[tuple[float, float]] = []
"""Seconds direct and through the gateway, of the last run."""


def main() -> int:
    found = run()
    for number, ((what, one, other), (direct, gateway)) in enumerate(zip(found, TIMES, strict=True), 1):
        print(f"Q{number}: {what or 'same'}, {one.state or len(one.rows)} rows, {direct * 1e3:.0f}/{gateway * 1e3:.0f} ms")
        if what:
            print(f"    direct:  {one}\n    gateway: {other}")
    return any(what for what, _, _ in found)


if __name__ == "__main__":
    sys.exit(main())
