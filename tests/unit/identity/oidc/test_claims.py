"""Claims → subject, groups, attributes."""

from __future__ import annotations

from typing import Any

import pytest

from jupyter_govern_gateway.identity.oidc.claims import attributes_of, claim_at, groups_of, subject_of
from jupyter_govern_gateway.identity.oidc.errors import TokenRefused
from tests.unit.identity.oidc.signing import config


@pytest.mark.parametrize(
    ("path", "claims", "found"),
    [
        ("groups", {"groups": ["a"]}, ["a"]),
        ("realm_access.roles", {"realm_access": {"roles": ["a"]}}, ["a"]),
        ("resource_access.my.client.roles", {"resource_access": {"my.client": {"roles": ["a"]}}}, ["a"]),
        ("https://example.com/groups", {"https://example.com/groups": ["a"]}, ["a"]),
        ("a.b", {"a": "text"}, None),
        ("a.b", {}, None),
    ],
)
def test_paths(path: str, claims: dict[str, Any], found: Any) -> None:
    assert claim_at(claims, path) == found


@pytest.mark.parametrize(
    ("value", "groups"),
    [
        ("one", {"one"}),
        (["a", "b"], {"a", "b"}),
        ([["a"], ["b"]], {"a", "b"}),
        ({"admin": {"1": "x"}}, {"admin"}),
        ([], set()),
        (None, set()),
    ],
)
def test_groups_in_every_form(value: Any, groups: set[str]) -> None:
    assert groups_of({"groups": value}, config()) == groups


@pytest.mark.parametrize("value", [7, True, [7], [{"name": "a"}], "", [""], "x" * 201, ["g" + str(i) for i in range(2001)]])
def test_groups_that_cannot_be_read_are_refused(value: Any) -> None:
    with pytest.raises(TokenRefused) as caught:
        groups_of({"groups": value}, config())
    assert caught.value.why == "groups"


def test_groups_that_did_not_fit_are_refused_and_not_taken_for_none() -> None:
    for claims in ({"_claim_names": {"groups": "src1"}}, {"hasgroups": True}):
        with pytest.raises(TokenRefused):
            groups_of(claims, config())


def test_groups_are_mapped_and_prefixed() -> None:
    settings = {"groups_prefix": "idp-", "groups_map": {"5f0a": "analysts"}}
    assert groups_of({"groups": ["5f0a", "staff"]}, config(**settings)) == {"analysts", "idp-staff"}
    assert groups_of({"groups": ["5f0a", "staff"]}, config(**settings, groups_mapped_only=True)) == {"analysts"}


@pytest.mark.parametrize(
    "name", ["", " ana", "ana\n", "an\u200ba", "service/etl", "okta:ana", "x" * 201, 7, None, ["ana"]]
)
def test_names_that_are_nobodys_are_refused(name: Any) -> None:
    with pytest.raises(TokenRefused) as caught:
        subject_of({"sub": name}, config(), ("", "okta:"))
    assert caught.value.why == "subject"


def test_a_prefix_keeps_providers_apart() -> None:
    assert subject_of({"sub": "ana"}, config(prefix="okta:"), ("", "okta:", "google:")) == "okta:ana"
    assert subject_of({"sub": "google:ana"}, config(prefix="okta:"), ("", "okta:", "google:")) == "okta:google:ana"


def test_an_address_counts_only_when_verified() -> None:
    settings = config(username_claim="email")
    assert subject_of({"email": "ana@example.com", "email_verified": True}, settings) == "ana@example.com"
    for verified in (False, None, "true"):
        with pytest.raises(TokenRefused):
            subject_of({"email": "ana@example.com", "email_verified": verified}, settings)


def test_attributes() -> None:
    settings = config(attributes={"region": "address.region", "level": "level", "staff": "staff", "absent": "absent"})
    found = attributes_of({"address": {"region": "emea"}, "level": 3, "staff": True}, settings)
    assert found == (("level", "3"), ("region", "emea"), ("staff", "true"))
    with pytest.raises(TokenRefused):
        attributes_of({"level": ["a"]}, settings)
