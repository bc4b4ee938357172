"""A browser's login at a SAML provider, and every way to forge one: refused, on record, and nobody is signed in."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from jupyter_govern.config.saml import SamlConfig
from jupyter_govern.errors import ConfigError
from jupyter_govern_gateway.identity.saml import service
from jupyter_govern_gateway.identity.saml.partner import Partner

from .saml_provider import SamlProvider, asked_of, at, encoded
from .world import Answer, Browser, World, running

pytestmark = [
    pytest.mark.skipif(not shutil.which("xmlsec1"), reason="xmlsec1 is not installed"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]
CROSS_SITE = {
    "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Sec-Fetch-Site": "cross-site", "Origin": "https://idp.example.org"
}  # fmt: skip


@pytest.fixture(scope="module")
def idp(tmp_path_factory: pytest.TempPathFactory) -> SamlProvider:
    return SamlProvider(tmp_path_factory.mktemp("idp"))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> SamlProvider:
    """Another provider that calls itself the same."""
    return SamlProvider(tmp_path_factory.mktemp("stranger"))


@pytest_asyncio.fixture
async def world(tmp_path: Path, idp: SamlProvider) -> AsyncIterator[World]:
    config = SamlConfig(
        name="corp", label="Corp & Co", idp_metadata=str(idp.folder / "metadata.xml"), groups_map={"staff": "analysts"}, prefix="corp:"
    )
    async with running(tmp_path, saml=(config,)) as started:
        yield started


def sp(world: World) -> str:
    return f"{world.url}/login/saml/corp"


async def begin(browser: Browser, leads_to: str = "/") -> str:
    answer = await browser.get(f"/login/saml/corp?next={leads_to}", follow=False)
    assert answer.status == 303 and answer.headers["Location"].startswith("https://idp.example.org/sso?"), answer.text
    return asked_of(answer.headers["Location"])


async def come_back(browser: Browser, xml: str, **more: str) -> Answer:
    """As the provider's page posts: from another site, without our cookie; the redirect after it is a navigation with it."""
    return await browser.post("/login/saml/corp/acs", {"SAMLResponse": encoded(xml), **more}, headers=CROSS_SITE, follow=False)


async def follow(browser: Browser, answer: Answer) -> Answer:
    assert answer.status == 303, answer.text
    return await browser.get(answer.headers["Location"], follow=False)


def logged(world: World, event: str) -> list[dict[str, Any]]:
    entries = [json.loads(line) for line in world.recorder.log.path.read_text().splitlines()]
    return [entry for entry in entries if entry["type"] == "login" and entry["event"] == event]


def refused(world: World, browser: Browser, answer: Answer, *whys: str) -> None:
    """Not signed in, told so on a page, and on record."""
    assert answer.status == 403 and "This did not work" in answer.text, answer.text
    assert "govern" not in browser.cookies()
    entry = logged(world, "failed")[-1]
    assert entry["why"] in whys and entry["provider"] == "corp", entry
    assert not world.identity.tokens_of("browser") and not world.identity.tokens_of("login")


async def test_a_login(world: World, idp: SamlProvider) -> None:
    browser = world.browser()
    assert "Sign in with Corp &amp; Co" in (await browser.get("/login?next=/approvals/7")).text
    request = await begin(browser, "/approvals/7")
    answer = await follow(browser, await come_back(browser, idp.answer(request, sp(world), groups=["staff", "other"])))
    assert (answer.status, answer.headers["Location"]) == (303, "/approvals/7")
    assert "signed in as <b>corp:ida@example.org</b>" in (await browser.get("/")).text
    [token] = world.identity.tokens_of("browser")
    assert world.identity.token_actor(token.id).groups == {"analysts", "other"}
    [entry] = logged(world, "succeeded")
    assert (entry["subject"], entry["issuer"]) == ("corp:ida@example.org", idp.entity)
    [login] = world.identity.tokens_of("login")
    assert token.parent == login.id and login.issued_by == "saml/corp"


def test_the_library_remembers_nobody(idp: SamlProvider) -> None:
    """It would keep each name and assertion for as long as the gateway runs."""
    partner, gateway = Partner(SamlConfig(name="corp", idp_metadata="metadata.xml"), idp.folder), "https://govern.example.org"
    asked = partner.ask(gateway)
    answer = encoded(idp.answer(asked.request_id, f"{gateway}/login/saml/corp"))
    assert partner.read(answer, asked.request_id, gateway).claims["NameID"] == "ida@example.org"
    assert partner._client(gateway).users.subjects() == []


async def test_signing_out_ends_the_whole_login(world: World, idp: SamlProvider) -> None:
    browser = world.browser()
    await follow(browser, await come_back(browser, idp.answer(await begin(browser), sp(world))))
    page = await browser.get("/")
    await browser.post("/logout", {"form": page.hidden("form", "/logout")})
    assert not world.identity.tokens_of("login") and not world.identity.tokens_of("browser")


async def test_a_login_ends_when_the_provider_says(world: World, idp: SamlProvider) -> None:
    browser = world.browser()
    answer = await come_back(browser, idp.answer(await begin(browser), sp(world), session=f' SessionNotOnOrAfter="{at(600)}"'))
    await follow(browser, answer)
    [login] = world.identity.tokens_of("login")
    assert 590 < login.expires_at - world.clock() <= 600
    world.clock.ahead = 601
    assert (await browser.get("/", follow=False)).status == 303


async def test_our_metadata(world: World) -> None:
    got = await world.browser().get("/login/saml/corp/metadata")
    assert got.headers["Content-Type"].startswith("application/samlmetadata+xml")
    assert f'Location="{sp(world)}/acs"' in got.text and 'WantAssertionsSigned="true"' in got.text


UNSIGNED = {"signature": ""}
FORGED: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "another audience": ({"audience": "https://other.example.org"}, ("audience",)),
    "no audience": ({"audience": ""}, ("audience",)),
    "another recipient": ({"recipient": "https://other.example.org/acs"}, ("recipient",)),
    "expired": ({"start": at(-900), "end": at(-300)}, ("time",)),
    "not valid yet": ({"start": at(300), "end": at(900)}, ("time",)),
    "valid for a day": ({"end": at(86400)}, ("time",)),
    "of another request": ({"answers": "id-of-somebody-else"}, ("unsolicited",)),
    "of another issuer": ({"issuer": "https://evil.example.org"}, ("issuer", "signature")),
    "a transient name": ({"format": "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"}, ("name",)),
    "a name with odd characters": ({"name": "ida\u202e@example.org"}, ("name",)),
    "SHA-1": ({"method": "http://www.w3.org/2000/09/xmldsig#rsa-sha1"}, ("signature",)),
}


@pytest.mark.parametrize("kind", FORGED)
async def test_signed_answers_that_say_what_they_must_not(world: World, idp: SamlProvider, kind: str) -> None:
    said, whys = FORGED[kind]
    browser = world.browser()
    request = await begin(browser)
    if kind == "SHA-1":
        try:
            xml = idp.answer(request, sp(world), **said)
        except AssertionError:
            pytest.skip("this xmlsec1 signs nothing with SHA-1 any more")
    else:
        xml = idp.signed(idp.response(request, sp(world), idp.assertion(request, sp(world), **said)))
    refused(world, browser, await come_back(browser, xml), *whys)


async def test_an_unsigned_assertion(world: World, idp: SamlProvider) -> None:
    browser = world.browser()
    request = await begin(browser)
    xml = idp.response(request, sp(world), idp.assertion(request, sp(world), **UNSIGNED))
    refused(world, browser, await come_back(browser, xml), "signature")


async def test_another_providers_key(world: World, stranger: SamlProvider) -> None:
    browser = world.browser()
    refused(world, browser, await come_back(browser, stranger.answer(await begin(browser), sp(world))), "signature")


async def test_a_signed_assertion_that_was_changed(world: World, idp: SamlProvider) -> None:
    browser = world.browser()
    xml = idp.answer(await begin(browser), sp(world)).replace("ida@example.org", "ana@example.org")
    refused(world, browser, await come_back(browser, xml), "signature")


def wrapped(idp: SamlProvider, request: str, base: str, how: str) -> str:
    """A good signed answer with another assertion, of another person, where a careless reader looks first."""
    xml = idp.answer(request, base)
    found = re.search(r"<saml:Assertion .*</saml:Assertion>", xml, re.S)
    assert found is not None
    good = found.group(0)
    evil = idp.assertion(request, base, name="boss@example.org", **UNSIGNED)
    identifier = re.search(r'ID="([^"]+)"', good)
    assert identifier is not None
    if how == "before":
        return xml.replace(good, evil + good)
    if how == "after":
        return xml.replace(good, good + evil)
    if how == "in extensions":
        return xml.replace(good, evil).replace("<samlp:Status>", f"<samlp:Extensions>{good}</samlp:Extensions><samlp:Status>")
    if how == "around":
        return xml.replace(good, evil.replace("</saml:Subject>", f"</saml:Subject>{good}"))
    same = re.sub(r'ID="[^"]+"', f'ID="{identifier.group(1)}"', evil, count=1)
    hidden = f'</saml:Issuer><ds:Object xmlns:ds="http://www.w3.org/2000/09/xmldsig#">{good}</ds:Object>'
    return xml.replace(good, same.replace("</saml:Issuer>", hidden, 1))


@pytest.mark.parametrize("how", ["before", "after", "in extensions", "around", "same id"])
async def test_signature_wrapping(world: World, idp: SamlProvider, how: str) -> None:
    browser = world.browser()
    xml = wrapped(idp, await begin(browser), sp(world), how)
    assert "boss@example.org" in xml and "ida@example.org" in xml
    refused(world, browser, await come_back(browser, xml), "shape")


@pytest.mark.parametrize("how", ["before", "after", "around", "same id"])
async def test_signature_wrapping_against_the_library_alone(
    world: World, idp: SamlProvider, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two locks on this door: without the look beforehand, what comes out is still not the forger's."""
    browser = world.browser()
    request = await begin(browser)
    monkeypatch.setattr(service, "read_answer", lambda field: request)
    refused(world, browser, await come_back(browser, wrapped(idp, request, sp(world), how)), "signature")


@pytest.mark.parametrize("trick", ["<!-- -->", "<?x y?>", "&e;"])
async def test_tricks_in_a_name(world: World, idp: SamlProvider, trick: str) -> None:
    """A comment is outside what is signed: a careless reader stops at it, and ida@example.org.evil.com becomes ida@example.org."""
    browser = world.browser()
    xml = idp.answer(await begin(browser), sp(world), name="ida@example.org.evil.com")
    xml = xml.replace("ida@example.org.evil", f"ida@example.org{trick}.evil")
    if trick == "&e;":
        xml = '<!DOCTYPE x [<!ENTITY e "">]>' + re.sub(r"<\?xml[^>]*\?>\s*", "", xml)
    refused(world, browser, await come_back(browser, xml), "shape")


async def test_an_answer_counts_once(world: World, idp: SamlProvider) -> None:
    browser, thief = world.browser(), world.browser()
    xml = idp.answer(await begin(browser), sp(world))
    await follow(browser, await come_back(browser, xml))
    again = await come_back(thief, xml)
    assert again.status == 403 and logged(world, "failed")[-1]["why"] == "unsolicited" and "govern" not in thief.cookies()


async def test_an_assertion_counts_once_whatever_request_it_is_shown_for(world: World, idp: SamlProvider) -> None:
    browser = world.browser()
    identifier = "_the-same-assertion"
    await follow(browser, await come_back(browser, idp.answer(await begin(browser), sp(world), id=identifier)))
    thief = world.browser()
    again = await come_back(thief, idp.answer(await begin(thief), sp(world), id=identifier))
    assert again.status == 403 and logged(world, "failed")[-1]["why"] == "replay" and "govern" not in thief.cookies()


async def test_an_answer_that_nobody_asked_for(world: World, idp: SamlProvider) -> None:
    browser = world.browser()
    for request in ("", "id-made-up"):
        refused(world, browser, await come_back(browser, idp.answer(request, sp(world))), "unsolicited")


async def test_an_answer_brought_by_another_browser(world: World, idp: SamlProvider) -> None:
    """Login fixation: the attacker's own good answer, posted from the victim's browser."""
    attacker, victim = world.browser(), world.browser()
    answer = await come_back(victim, idp.answer(await begin(attacker), sp(world)))
    refused(world, victim, await follow(victim, answer), "browser")
    refused(world, attacker, await follow(attacker, answer), "unsolicited")  # the ticket is used up


async def test_an_answer_too_late(world: World, idp: SamlProvider) -> None:
    browser = world.browser()
    request = await begin(browser)
    world.clock.ahead = 601
    refused(world, browser, await come_back(browser, idp.answer(request, sp(world))), "unsolicited")


async def test_a_login_that_failed_at_the_provider(world: World, idp: SamlProvider) -> None:
    browser = world.browser()
    request = await begin(browser)
    refused(world, browser, await come_back(browser, idp.response(request, sp(world), "", status="Responder")), "status")


@pytest.mark.parametrize("where", ["https://evil.example.org/", "//evil.example.org", "/\\evil.example.org", "javascript:alert(1)"])
async def test_nothing_leads_elsewhere(world: World, idp: SamlProvider, where: str) -> None:
    browser = world.browser()
    request = await begin(browser, where)
    answer = await come_back(browser, idp.answer(request, sp(world)), RelayState=where)
    assert answer.headers["Location"].startswith("/login/saml/corp/finish?ticket=")
    assert (await follow(browser, answer)).headers["Location"] == "/"


@pytest.mark.parametrize("junk", ["", "%%%", "PHg+", "a" * 60_000])
async def test_junk(world: World, junk: str) -> None:
    browser = world.browser()
    answer = await browser.post("/login/saml/corp/acs", {"SAMLResponse": junk}, headers=CROSS_SITE, follow=False)
    refused(world, browser, answer, "shape", "unsolicited")


async def test_a_script_gets_nothing(world: World, idp: SamlProvider) -> None:
    browser = world.browser()
    xml = idp.answer(await begin(browser), sp(world))
    answer = await browser.post("/login/saml/corp/acs", {"SAMLResponse": encoded(xml)}, headers={}, follow=False)
    assert answer.status == 403 and not world.identity.tokens_of("login")


async def test_nobody_gets_the_name_of_somebody_else(tmp_path: Path, idp: SamlProvider) -> None:
    config = SamlConfig(name="corp", idp_metadata=str(idp.folder / "metadata.xml"))
    async with running(tmp_path, saml=(config,)) as world:
        for name in ("ana", "service/etl"):
            browser = world.browser()
            answer = await come_back(browser, idp.answer(await begin(browser), sp(world), name=name))
            answer = await follow(browser, answer) if answer.status == 303 else answer
            refused(world, browser, answer, "name")


def test_certificates_are_pinned(tmp_path: Path, idp: SamlProvider, stranger: SamlProvider) -> None:
    command = f"openssl x509 -in {idp.certificate} -noout -fingerprint -sha256"
    said = subprocess.run(command.split(), check=True, capture_output=True, text=True).stdout.partition("=")[2].strip()
    Partner(SamlConfig(name="corp", idp_metadata=str(idp.folder / "metadata.xml"), idp_fingerprints=(said,)), tmp_path)
    with pytest.raises(ConfigError, match="not in idp_fingerprints"):
        Partner(SamlConfig(name="corp", idp_metadata=str(stranger.folder / "metadata.xml"), idp_fingerprints=(said,)), tmp_path)
    with pytest.raises(ValueError, match="idp_fingerprints"):
        SamlConfig(name="corp", idp_metadata="https://idp.example.org/metadata")
