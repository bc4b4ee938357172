"""All attacks on a gateway of our own, and the judge itself."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from .cases import KINDS
from .judge import recovered
from .run import Run
from .secrets import make
from .world import own_world

SECRETS = make(1)
FIELDS = ("email", "phone", "card", "ssn", "salary", "birth_date", "contact", "note", "file")


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    seed = random.SystemRandom().randrange(1 << 31)
    print(f"python -m tests.adversarial --seed {seed}")
    with own_world() as (direct, gateway):
        run = Run(direct, gateway, seed)
        yield run
        run.close()


@pytest.mark.parametrize("kind", KINDS)
def test_attacks_of(kind: str, run: Run) -> None:
    verdicts = list(run.kind(kind))
    assert verdicts
    assert [str(verdict) for verdict in verdicts if verdict.failed] == []


@pytest.mark.parametrize("field", FIELDS)
def test_the_secret_itself_is_a_leak(field: str) -> None:
    truth = getattr(SECRETS.named, field, SECRETS.file)
    assert recovered(truth, SECRETS, field)
    assert recovered([("before", 1), (None, f"<{truth}>")], SECRETS, field)
    assert recovered(str(truth).encode(), SECRETS, field)


@pytest.mark.parametrize("field", FIELDS)
def test_masks_and_other_peoples_secrets_are_not(field: str) -> None:
    named = SECRETS.named
    masks = [None, "[redacted]", 0, "1900-01-01", "*" * 12 + named.card[-4:], "0f" * 16, '{"contact": "[redacted]"}', named.name, named.id]
    others = [person for person in make(2).people if person.id != named.id]
    assert not recovered([masks, *[getattr(person, field, "") for person in others]], SECRETS, field)


def test_half_a_secret_is_a_leak_and_less_is_not() -> None:
    card, local = SECRETS.named.card, SECRETS.named.email.split("@")[0]
    assert recovered(f"{card[6:9]}-{card[9:12]}", SECRETS, "card")
    assert not recovered(f"{card[:6]}******{card[-4:]}", SECRETS, "card")
    assert recovered(local[:6], SECRETS, "email")
    assert not recovered(f"{local[:5]}@example.org", SECRETS, "email")
    assert not recovered(SECRETS.named.salary + 1, SECRETS, "salary")


def test_names_of_cases_are_their_own() -> None:
    names = [(kind, case.name) for kind, cases in KINDS.items() for case in cases]
    assert len(names) == len(set(names)) >= 80
    assert all(bool(case.field) != bool(case.effect) for cases in KINDS.values() for case in cases)
