"""A kernel's proof: right key, near time, once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from jupyter_govern.proof import MAX_CLOCK_SECONDS, proof_mac
from jupyter_govern_server import proofs
from jupyter_govern_server.proofs import Proof, ProofCheck, ProofRefused, read_proof

KEY, NOW = b"kernel-key", 1_000_000


def proof(ts: int = NOW, nonce: str = "n1", key: bytes = KEY, kernel_id: str = "k1") -> Proof:
    fields = {"kernel_id": kernel_id, "ts": str(ts), "nonce": nonce}
    return Proof(**fields, mac=proof_mac(key, **fields))


def test_a_right_proof_is_accepted_once() -> None:
    check = ProofCheck(lambda: NOW)
    check.check(proof(), KEY)
    with pytest.raises(ProofRefused, match="used before"):
        check.check(proof(), KEY)
    check.check(proof(nonce="n2"), KEY)


@pytest.mark.parametrize(
    "wrong",
    [
        proof(key=b"other"),
        replace(proof(), kernel_id="k2"),
        replace(proof(), nonce="n2"),
        replace(proof(), ts=str(NOW + 1)),
        replace(proof(), mac="é"),
        replace(proof(), kernel_id="k1|x"),
    ],
)
def test_what_was_not_signed_is_refused(wrong: Proof) -> None:
    with pytest.raises(ProofRefused):
        ProofCheck(lambda: NOW).check(wrong, KEY)


def test_an_empty_key_proves_nothing() -> None:
    with pytest.raises(ProofRefused):
        ProofCheck(lambda: NOW).check(proof(), b"")


@pytest.mark.parametrize("away", [MAX_CLOCK_SECONDS + 1, -MAX_CLOCK_SECONDS - 1])
def test_a_proof_of_another_time_is_refused(away: int) -> None:
    with pytest.raises(ProofRefused, match="time"):
        ProofCheck(lambda: NOW).check(proof(ts=NOW + away), KEY)


def test_an_early_proof_cannot_be_replayed_while_its_time_lasts() -> None:
    now = [NOW]
    check = ProofCheck(lambda: now[0])
    early = proof(ts=NOW + MAX_CLOCK_SECONDS)
    check.check(early, KEY)
    now[0] = NOW + 2 * MAX_CLOCK_SECONDS
    with pytest.raises(ProofRefused, match="used before"):
        check.check(early, KEY)


def test_memory_is_bounded_and_never_forgets_what_could_be_replayed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proofs, "MAX_REMEMBERED", 3)
    now = [NOW]
    check = ProofCheck(lambda: now[0])
    for n in range(3):
        check.check(proof(nonce=f"n{n}"), KEY)
    with pytest.raises(ProofRefused, match="too many"):
        check.check(proof(nonce="n9"), KEY)
    now[0] += MAX_CLOCK_SECONDS + 2
    check.check(proof(ts=now[0], nonce="n9"), KEY)


def test_a_wrong_proof_takes_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proofs, "MAX_REMEMBERED", 1)
    check = ProofCheck(lambda: NOW)
    for n in range(5):
        with pytest.raises(ProofRefused, match="MAC"):
            check.check(proof(nonce=f"n{n}", key=b"other"), KEY)
    check.check(proof(), KEY)


@pytest.mark.parametrize("body", [None, [], "x", {}, {"kernel_id": 1}, {"kernel_id": "k", "ts": True, "nonce": "n", "mac": "m"}])
def test_what_is_no_proof_is_refused(body: object) -> None:
    with pytest.raises(ProofRefused):
        read_proof(body)


def test_fields_are_bounded() -> None:
    good = {"kernel_id": "k", "ts": 5, "nonce": "n", "mac": "m"}
    assert read_proof(good) == Proof(kernel_id="k", ts="5", nonce="n", mac="m")
    with pytest.raises(ProofRefused, match="nonce"):
        read_proof({**good, "nonce": "n" * 129})
