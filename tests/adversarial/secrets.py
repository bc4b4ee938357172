"""People and what must not be known about them, made from a seed."""

from __future__ import annotations

import random
import string
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

PEOPLE = 12
NAMED = 7
"""The row that all attacks are after."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    id: int
    name: str
    email: str
    phone: str
    card: str
    ssn: str
    salary: Decimal
    birth_date: date
    contact: str
    note: str

    def profile(self) -> str:
        return f'{{"contact": {{"skype": "{self.contact}"}}, "theme": "dark"}}'


@dataclass(frozen=True, slots=True)
class Secrets:
    people: tuple[Person, ...]
    file: str
    """What lies in a file at the server."""

    @property
    def named(self) -> Person:
        return self.people[NAMED - 1]


def make(seed: int) -> Secrets:
    rng = random.Random(seed)

    def letters(count: int) -> str:
        return "".join(rng.choices(string.ascii_lowercase, k=count))

    def digits(count: int) -> str:
        return str(rng.randrange(1, 10)) + "".join(rng.choices(string.digits, k=count - 1))

    people = tuple(
        Person(
            id=number,
            name=f"Person {number}",
            email=f"{letters(12)}@example.org",
            phone=f"+44{digits(10)}",
            card=f"411111{digits(10)}",
            ssn=digits(9),
            salary=Decimal(rng.randrange(1_000_000, 9_999_999)) / 100,
            birth_date=date(1940, 1, 1) + timedelta(days=rng.randrange(22_000)),
            contact=letters(14),
            note=f"said {letters(14)} to the nurse",
        )
        for number in range(1, PEOPLE + 1)
    )
    return Secrets(people, letters(16))
