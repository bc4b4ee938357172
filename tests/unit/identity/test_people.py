"""Whom identity providers named, and that nobody gets a name that is somebody else's."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_govern.errors import AuthenticationFailed, ConfigError
from jupyter_govern_gateway.identity.people import People

ISSUER = "https://idp.example.com"


def people(folder: Path) -> People:
    return People(folder / "people.json", clock=lambda: 7.0, is_local=lambda subject: subject == "lea")


def test_what_was_said_last_counts_and_outlives_a_restart(tmp_path: Path) -> None:
    known = people(tmp_path)
    known.remember("ana", source=ISSUER, groups=frozenset({"a", "b"}))
    known.remember("ana", source=ISSUER, groups=frozenset({"a"}), attributes=(("region", "emea"),))
    found = people(tmp_path).find("ana")
    assert found is not None
    assert (found.groups, found.attributes, found.confirmed_at) == ({"a"}, (("region", "emea"),), 7.0)
    assert (tmp_path / "people.json").stat().st_mode & 0o777 == 0o600


def test_a_name_belongs_to_whom_it_belongs(tmp_path: Path) -> None:
    known = people(tmp_path)
    known.remember("ana", source=ISSUER, groups=frozenset({"a"}))
    with pytest.raises(AuthenticationFailed):
        known.remember("ana", source="https://other.example.com", groups=frozenset({"admins"}))
    with pytest.raises(AuthenticationFailed):
        known.remember("lea", source=ISSUER, groups=frozenset({"admins"}))
    found = known.find("ana")
    assert found is not None and found.groups == {"a"} and known.find("lea") is None


def test_people_of_an_issuer_that_is_gone_are_gone(tmp_path: Path) -> None:
    known = people(tmp_path)
    known.remember("ana", source=ISSUER, groups=frozenset())
    known.forget_sources(frozenset({"https://other.example.com"}))
    assert known.find("ana") is None and people(tmp_path).find("ana") is None


def test_a_damaged_file_is_said(tmp_path: Path) -> None:
    (tmp_path / "people.json").write_text('{"people": 3}')
    with pytest.raises(ConfigError):
        people(tmp_path)


def test_an_older_proof_with_a_former_name_brings_nobody_back(tmp_path: Path) -> None:
    known = people(tmp_path)
    known.remember("ana", source=ISSUER, groups=frozenset(), issuer_subject="1", as_of=3.0)
    known.remember("ana.b", source=ISSUER, groups=frozenset(), issuer_subject="1", as_of=5.0)
    assert known.find("ana") is None
    with pytest.raises(AuthenticationFailed, match=r"ana\.b"):
        known.remember("ana", source=ISSUER, groups=frozenset(), issuer_subject="1", as_of=4.0)


def test_a_revocation_holds_under_the_next_name_too(tmp_path: Path) -> None:
    known = people(tmp_path)
    known.remember("ana", source=ISSUER, groups=frozenset(), issuer_subject="1", as_of=3.0)
    known.revoke("ana")
    with pytest.raises(AuthenticationFailed, match="revoked"):
        known.remember("ana.b", source=ISSUER, groups=frozenset(), issuer_subject="1", as_of=6.0)
