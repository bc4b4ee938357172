"""Logins whose way is configured no longer end at the start: nobody rechecks them, and their names may be other people's next."""

from __future__ import annotations

from pathlib import Path

from jupyter_govern_gateway.identity.orphans import end_orphans
from jupyter_govern_gateway.identity.service import LocalIdentity
from jupyter_govern_gateway.recorder.log import GatewayLog

ISSUER = "https://idp.example.com"
WAYS = {"oidc/idp": ISSUER, "saml/corp": "urn:corp", "jupyterhub": ISSUER}


def identity(folder: Path) -> LocalIdentity:
    found = LocalIdentity(accounts=None, state_dir=folder, secret=b"s", log=GatewayLog(folder, lambda: 7.0), clock=lambda: 7.0)
    found.people.remember("ana", source=ISSUER, groups=frozenset(), hub_groups=frozenset({"hub:dba"}))
    found.people.remember("corp:ben", source="urn:corp", groups=frozenset())
    for subject, by in (("ana", "oidc/idp"), ("ana", "jupyterhub/ana/a2"), ("corp:ben", "saml/corp")):
        _, login = found.issue(subject=subject, groups=frozenset(), kind="login", issued_by=by)
        found.issue(subject=subject, groups=frozenset(), kind="browser", parent=login.id)
    return found


def left(found: LocalIdentity) -> set[str]:
    return {login.issued_by for login in found.tokens_of("login")}


def test_what_is_configured_stays(tmp_path: Path) -> None:
    found = identity(tmp_path)
    end_orphans(found, WAYS)
    assert len(left(found)) == 3 and found.people.with_hub_groups() == {"ana"}


def test_what_is_not_ends_with_what_hangs_on_it(tmp_path: Path) -> None:
    found = identity(tmp_path)
    end_orphans(found, {"oidc/idp": ISSUER})
    assert left(found) == {"oidc/idp"} and len(found.tokens_of("browser")) == 1 and not found.people.with_hub_groups()


def test_a_provider_that_is_another_now(tmp_path: Path) -> None:
    found = identity(tmp_path)
    end_orphans(found, WAYS | {"saml/corp": "urn:another", "jupyterhub": "https://other.example.com"})
    assert left(found) == {"oidc/idp"}
