"""Logins at a SAML provider that others wrote (SimpleSAMLphp): its own pages, answers and signatures, and each of them bent."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import httpx
import psycopg
import pytest
from saml_rig import OTHER, SamlPerson, SamlRig, asking, request_of
from simplesaml import SimpleSaml, missing

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
SIGNATURE = re.compile(r"<ds:Signature .*?</ds:Signature>", re.S)


@pytest.fixture(scope="module")
def rig() -> Iterator[SamlRig]:
    if reason := missing():
        pytest.skip(f"SAML is not tested against a real provider: {reason}")
    with SimpleSaml() as idp, SamlRig(idp) as started:
        yield started


@pytest.fixture
def ida(rig: SamlRig) -> Iterator[SamlPerson]:
    yield from somebody(rig, "ida")


@pytest.fixture
def olaf(rig: SamlRig) -> Iterator[SamlPerson]:
    yield from somebody(rig, "olaf")


def somebody(rig: SamlRig, name: str) -> Iterator[SamlPerson]:
    person = SamlPerson(rig, name)
    yield person
    person.http.close()


def connect(rig: SamlRig, token: str, user: str) -> psycopg.Connection[Any]:
    return psycopg.connect(
        host="127.0.0.1", port=rig.port, user=user, dbname="shop", password=token, sslmode="verify-full", sslrootcert=rig.authority,
        autocommit=True, connect_timeout=10,
    )  # fmt: skip


def refused(person: SamlPerson, page: httpx.Response, *whys: str) -> dict[str, Any]:
    """Told so, on record as the last one, and not signed in."""
    assert page.status_code == 403 and "This did not work" in page.text, page.text
    entry = person.rig.logins("failed")[-1]
    assert entry["why"] in whys, entry
    assert is_signed_out(person)
    return entry


def is_signed_out(person: SamlPerson) -> bool:
    return str(person.http.get(f"{person.gateway}/").url).startswith(f"{person.gateway}/login")


def test_from_the_browser_to_the_table(rig: SamlRig, ida: SamlPerson) -> None:
    page = ida.log_in(leads_to="/device")
    assert "signed in as <b>ida</b>" in page.text and page.url == f"{ida.gateway}/device"
    entry = rig.logins("succeeded")[-1]
    assert (entry["subject"], entry["groups"]) == ("ida", ["analysts"])
    assert (entry["provider"], entry["issuer"]) == ("corp", rig.idp.entity_id)
    with connect(rig, ida.program_login("ida"), "ida") as connection:
        assert connection.execute("select email from customers where id = 1").fetchone() == ("*************mple",)
        with pytest.raises(psycopg.Error, match="tables are dear"):
            connection.execute("drop table orders")


def test_who_is_in_no_group_of_the_policy_may_nothing(rig: SamlRig, olaf: SamlPerson) -> None:
    assert "signed in as <b>olaf</b>" in olaf.log_in().text
    assert rig.logins("succeeded")[-1]["groups"] == []
    with pytest.raises(psycopg.OperationalError, match="no rule allows connecting on shop"):
        connect(rig, olaf.program_login("olaf"), "olaf")


def test_the_name_id_is_the_name_where_no_attribute_is_named(rig: SamlRig, ida: SamlPerson) -> None:
    assert "signed in as <b>mail:ida@example.org</b>" in ida.log_in("mail").text
    assert rig.logins("succeeded")[-1]["groups"] == ["CN=Analysts,OU=Groups,DC=example,DC=org", "staff"]


def test_a_session_at_the_provider_spares_the_password(rig: SamlRig, ida: SamlPerson) -> None:
    ida.submit(ida.log_in(), "/logout")
    assert is_signed_out(ida)
    page = ida.sign_in_there(ida.begin(), "never asked for")
    assert "SAMLResponse" in page.text


def test_a_wrong_password_there_is_no_login_here(rig: SamlRig, ida: SamlPerson) -> None:
    before = len(rig.gateway_log())
    page = ida.sign_in_there(ida.begin(), "wrong horse battery")
    assert "Incorrect username or password" in page.text and "SAMLResponse" not in page.text
    assert is_signed_out(ida) and not [entry for entry in rig.gateway_log()[before:] if entry["type"] == "login"]


def test_an_answer_counts_once(rig: SamlRig, ida: SamlPerson, olaf: SamlPerson) -> None:
    answered = ida.answer(ida.begin())
    assert "signed in as <b>ida</b>" in ida.deliver(answered).text
    refused(olaf, olaf.deliver(answered), "unsolicited")


def test_an_answer_stolen_before_it_arrives(rig: SamlRig, ida: SamlPerson, olaf: SamlPerson) -> None:
    answered = ida.answer(ida.begin())
    refused(olaf, olaf.deliver(answered), "browser")
    refused(ida, ida.deliver(answered), "unsolicited")


@pytest.mark.parametrize("how", ["name", "group", "audience", "response only", "assertion only", "unsigned"])
def test_an_answer_that_was_changed(rig: SamlRig, olaf: SamlPerson, how: str) -> None:
    answered = olaf.answer(olaf.begin())
    response, assertion = SIGNATURE.findall(answered.xml)
    changes = {
        "name": [(">olaf<", ">ida<")], "group": [(">staff<", ">CN=Analysts,OU=Groups,DC=example,DC=org<")],
        "audience": [("/metadata</saml:Audience>", "/metadatas</saml:Audience>")],
        "response only": [(assertion, "")],
        "assertion only": [(response, ""), (">olaf<", ">ida<")], "unsigned": [(response, ""), (assertion, "")],
    }  # fmt: skip
    xml = answered.xml
    for old, new in changes[how]:
        assert old in xml
        xml = xml.replace(old, new)
    refused(olaf, olaf.deliver(answered.saying(xml)), "signature")


def test_the_signature_of_the_assertion_alone_is_enough(rig: SamlRig, ida: SamlPerson) -> None:
    answered = ida.answer(ida.begin())
    assert "signed in as <b>ida</b>" in ida.deliver(answered.saying(answered.xml.replace(SIGNATURE.findall(answered.xml)[0], ""))).text


def test_a_provider_that_signs_the_response_only(rig: SamlRig, ida: SamlPerson) -> None:
    rig.idp.trust("corp", rig.metadata().replace('WantAssertionsSigned="true"', 'WantAssertionsSigned="false"'))
    try:
        answered = ida.answer(ida.begin())
    finally:
        rig.idp.trust("corp", rig.metadata())
    assert len(SIGNATURE.findall(answered.xml)) == 1
    refused(ida, ida.deliver(answered), "signature")


SHA1 = "'signature.algorithm' => 'http://www.w3.org/2000/09/xmldsig#rsa-sha1',"
TRANSIENT = "'NameIDFormat' => 'urn:oasis:names:tc:SAML:2.0:nameid-format:transient', 'authproc' => [],"


@pytest.mark.parametrize(
    ("provider", "more", "sign", "why"), [("corp", SHA1, "#rsa-sha1", "signature"), ("mail", TRANSIENT, ":transient", "name")]
)
def test_a_provider_that_is_set_up_badly(rig: SamlRig, ida: SamlPerson, provider: str, more: str, sign: str, why: str) -> None:
    rig.idp.behave(more)
    try:
        answered = ida.answer(ida.begin(provider))
    finally:
        rig.idp.behave()
    assert sign in answered.xml
    refused(ida, ida.deliver(answered), why)


def test_an_answer_for_another_service(rig: SamlRig, ida: SamlPerson) -> None:
    """A service of the same provider asks it in our request's name, with our address: what it gets is not for us."""
    rig.idp.trust("other", rig.metadata().replace(f'entityID="{ida.gateway}/login/saml/corp/metadata"', f'entityID="{OTHER}"'))
    url = ida.begin()
    answered = ida.answer(asking(url, issuer=OTHER))
    assert f"<saml:Audience>{OTHER}</saml:Audience>" in answered.xml and f'InResponseTo="{request_of(url).get("ID")}"' in answered.xml
    assert answered.acs == f"{ida.gateway}/login/saml/corp/acs"
    refused(ida, ida.deliver(answered), "audience")


def test_an_answer_for_our_other_side(rig: SamlRig, ida: SamlPerson) -> None:
    answered = ida.answer(ida.begin("mail"))
    refused(ida, ida.deliver(answered, acs=f"{ida.gateway}/login/saml/corp/acs"), "unsolicited")


def test_a_login_that_the_provider_begins(rig: SamlRig, ida: SamlPerson) -> None:
    answered = ida.answer(f"{rig.idp.url}/saml2/idp/SSOService.php?spentityid={ida.gateway}/login/saml/corp/metadata")
    assert "<saml:Assertion" in answered.xml
    refused(ida, ida.deliver(answered), "unsolicited")


def test_a_login_that_fails_at_the_provider(rig: SamlRig, ida: SamlPerson) -> None:
    """Asked not to show a page, to somebody whom it does not know yet."""
    answered = ida.answer(asking(ida.begin(), more=' IsPassive="true"'))
    assert "status:NoPassive" in answered.xml
    refused(ida, ida.deliver(answered), "status")


def test_a_key_that_the_metadata_did_not_name(rig: SamlRig, ida: SamlPerson) -> None:
    kept = {path: path.read_bytes() for path in (rig.idp.folder / "idp.key", rig.idp.folder / "idp.pem")}
    rig.idp.new_key()
    try:
        answered = ida.answer(ida.begin())
    finally:
        for path, content in kept.items():
            path.write_bytes(content)
    refused(ida, ida.deliver(answered), "signature")
