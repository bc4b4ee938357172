"""Guessing passwords: slowed by name and by address, in bounds; and nothing tells a name that is there from one that is not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jupyter_govern.errors import AuthenticationFailed
from jupyter_govern_gateway.identity import accounts
from jupyter_govern_gateway.identity.accounts import write_accounts
from jupyter_govern_gateway.identity.backoff import (
    FORGET_SECONDS,
    FREE_TRIES,
    LONGEST_WAIT,
    MAX_ENTRIES,
    Backoff,
    address_key,
)
from jupyter_govern_gateway.identity.service import LocalIdentity, TooManyFailures
from jupyter_govern_gateway.recorder.recorder import Recorder


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def identity(tmp_path: Path, clock: Clock) -> LocalIdentity:
    write_accounts(tmp_path / "accounts.json", {"ana": ("right", ["analysts"]), "eve": ("eve's", ["support"])})
    return LocalIdentity(
        accounts=tmp_path / "accounts.json", state_dir=tmp_path, secret=b"0" * 32, log=Recorder(tmp_path, clock).log, clock=clock
    )


def fail(identity: LocalIdentity, name: str, address: str, times: int = 1) -> None:
    for _ in range(times):
        with pytest.raises(AuthenticationFailed):
            identity.check_password(name, "wrong", address)


def test_waits_double_up_to_a_bound_and_are_forgotten(clock: Clock) -> None:
    backoff, waits = Backoff(clock), []
    for _ in range(FREE_TRIES + 12):
        backoff.failed("k")
        waits.append(backoff.wait("k"))
    assert waits[: FREE_TRIES + 2] == [0.0] * (FREE_TRIES - 1) + [1.0, 2.0, 4.0]
    assert waits[-1] == LONGEST_WAIT and backoff.wait("another") == 0.0 == backoff.wait()
    clock.now += FORGET_SECONDS + 1
    backoff.failed("k")
    assert backoff.wait("k") == 0.0


def test_the_table_is_bounded(clock: Clock) -> None:
    backoff = Backoff(clock)
    for number in range(MAX_ENTRIES + 100):
        backoff.failed(f"name:{number}")
    assert len(backoff) == MAX_ENTRIES


def test_a_name_is_held_off_from_every_address(identity: LocalIdentity, clock: Clock) -> None:
    for number in range(FREE_TRIES):
        fail(identity, "ana", f"192.0.2.{number}")
    with pytest.raises(TooManyFailures):
        identity.check_password("ana", "right", "198.51.100.1")
    clock.now += LONGEST_WAIT
    assert identity.check_password("ana", "right", "198.51.100.1") == {"analysts"}


def test_an_address_is_held_off_for_every_name_and_ones_own_login_does_not_help(identity: LocalIdentity) -> None:
    for number in range(FREE_TRIES - 1):
        fail(identity, f"guess-{number}", "192.0.2.1")
    assert identity.check_password("eve", "eve's", "192.0.2.1") == {"support"}
    fail(identity, "guess-last", "192.0.2.1")
    with pytest.raises(TooManyFailures):
        identity.check_password("ana", "right", "192.0.2.1")
    assert identity.check_password("ana", "right", "192.0.2.2") == {"analysts"}


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("fe80::1%eth0", "fe80::1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("", "nowhere", False),
    ],
)
def test_what_counts_of_an_address(one: str, other: str, is_same: bool) -> None:
    assert (address_key(one) == address_key(other)) is is_same


def test_an_unknown_name_costs_what_a_wrong_password_costs_and_is_told_the_same(
    identity: LocalIdentity, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By what is computed, not by a clock: one argon2 of the same parameters either way."""
    checked: list[str] = []

    class Watched:
        @staticmethod
        def verify(hashed: str, password: str) -> bool:
            checked.append(hashed.rpartition("$")[0].rpartition("$")[0])
            return hasher.verify(hashed, password)

    hasher = accounts._HASHER
    monkeypatch.setattr(accounts, "_HASHER", Watched)
    told = []
    for name in ("ana", "nobody", "", "ana\0"):
        with pytest.raises(AuthenticationFailed) as problem:
            identity.check_password(name, "wrong", "192.0.2.9")
        told.append(str(problem.value))
    assert len(checked) == 4 and len(set(checked)) == 1 and len(set(told)) == 1
    stored = json.loads((tmp_path / "accounts.json").read_text())["users"]["ana"]["hash"]
    assert stored.startswith(checked[0])


def test_nobody_counts_like_somebody(identity: LocalIdentity) -> None:
    fail(identity, "nobody", "192.0.2.3", FREE_TRIES)
    with pytest.raises(TooManyFailures):
        identity.check_password("nobody", "wrong", "192.0.2.4")


def test_scram_says_the_same_of_everybody_each_time(identity: LocalIdentity) -> None:
    identity.issue(subject="ana", groups=frozenset(), kind="person")
    ana, nobody = identity.scram_verifiers("ana"), identity.scram_verifiers("nobody")
    assert (len(ana.salt), ana.iterations) == (len(nobody.salt), nobody.iterations)
    assert nobody.salt == identity.scram_verifiers("nobody").salt != ana.salt == identity.scram_verifiers("ana").salt
