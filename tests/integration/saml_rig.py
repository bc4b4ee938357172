"""The wire rig before SimpleSAMLphp, and people who log in there: each leg of the way is a step of its own, to be left out or bent."""

from __future__ import annotations

import base64
import html
import re
import zlib
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qs, quote, urljoin, urlsplit

import httpx
from defusedxml import ElementTree as Xml
from person import NAVIGATION, Person, hidden
from pgwire_rig import Rig
from simplesaml import PEOPLE, SimpleSaml

PROVIDERS: Final = """
[[identity.saml]]
name = "corp"
label = "the SAML directory"
idp_metadata = "idp.xml"
username_attribute = "uid"
groups_map = { "CN=Analysts,OU=Groups,DC=example,DC=org" = "analysts" }
groups_mapped_only = true
[[identity.saml]]
name = "mail"
label = "the same by mail"
idp_metadata = "idp.xml"
prefix = "mail:"
"""
OTHER: Final = "https://other.example.org/metadata"
REQUEST: Final = """<samlp:AuthnRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="{id}" Version="2.0" IssueInstant="{now}"
 xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" Destination="{sso}" AssertionConsumerServiceURL="{acs}"{more}>
<saml:Issuer>{issuer}</saml:Issuer></samlp:AuthnRequest>"""


class SamlRig(Rig):
    """No local accounts: two SAML providers, which are one and know each of our two sides by its own metadata."""

    def __init__(self, idp: SimpleSaml) -> None:
        super().__init__()
        self.idp = idp

    def __enter__(self) -> SamlRig:
        (self.directory / "idp.xml").write_text(self.idp.metadata())
        super().__enter__()
        for name in ("corp", "mail"):
            self.idp.trust(name, self.metadata(name))
        return self

    def policy(self, more: str = "") -> str:
        return super().policy(more).replace('[identity.local]\naccounts = "accounts.json"\n', "") + PROVIDERS

    def metadata(self, name: str = "corp") -> str:
        return httpx.get(f"{self.app.api.url}/login/saml/{name}/metadata", trust_env=False).raise_for_status().text

    def logins(self, event: str) -> list[dict[str, Any]]:
        """The gateway log's entries on logins."""
        return [entry for entry in self.gateway_log() if entry["type"] == "login" and entry["event"] == event]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """The page with which the provider sends a browser back: where its form posts to, and what."""

    acs: str
    fields: dict[str, str]

    @property
    def xml(self) -> str:
        return base64.b64decode(self.fields["SAMLResponse"]).decode()

    def saying(self, xml: str) -> Answered:
        return Answered(acs=self.acs, fields={**self.fields, "SAMLResponse": base64.b64encode(xml.encode()).decode()})


class SamlPerson(Person):
    """name: of somebody whom the provider knows."""

    def __init__(self, rig: SamlRig, name: str = "ida") -> None:
        super().__init__(rig.app.api.url)
        self.rig, self.name = rig, name

    def begin(self, provider: str = "corp", leads_to: str = "/") -> str:
        """From our login page by its button: the address that the gateway sends the browser to."""
        page = self.http.get(f"{self.gateway}/login?next={leads_to}")
        buttons = [html.unescape(found) for found in re.findall(r'class="button" href="([^"]+)"', page.text)]
        [button] = [found for found in buttons if found.startswith(f"/login/saml/{provider}?")]
        sent = self.http.get(urljoin(self.gateway, button), follow_redirects=False)
        assert sent.status_code == 303, sent.text
        return str(sent.headers["location"])

    def sign_in_there(self, url: str, password: str = "") -> httpx.Response:
        """The provider's form, filled in: what it shows then. Who has a session there already is not asked."""
        page = self.http.get(url)
        if 'name="password"' not in page.text:
            return page
        answers = {**hidden(page.text), "username": self.name, "password": password or PEOPLE[self.name][0]}
        return self.http.post(urljoin(str(page.url), "?"), data=answers)

    def answer(self, url: str) -> Answered:
        """What the provider sends back by this person's browser."""
        page = self.sign_in_there(url)
        assert "SAMLResponse" in page.text, page.text
        return Answered(acs=html.unescape(re.findall(r'action="([^"]+)"', page.text)[0]), fields=hidden(page.text))

    def deliver(self, answered: Answered, acs: str = "") -> httpx.Response:
        """The form that posts itself: from another site, without our cookie; with it the redirect thereafter."""
        headers = {**NAVIGATION, "Sec-Fetch-Site": "cross-site", "Origin": self.rig.idp.url}
        with httpx.Client(trust_env=False, timeout=20) as bare:
            sent = bare.post(acs or answered.acs, data=answered.fields, headers=headers)
        return self.http.get(urljoin(self.gateway, sent.headers["location"])) if sent.is_redirect else sent

    def log_in(self, provider: str = "corp", leads_to: str = "/") -> httpx.Response:
        return self.deliver(self.answer(self.begin(provider, leads_to)))


def request_of(url: str) -> Any:
    """The AuthnRequest in an address."""
    return Xml.fromstring(zlib.decompress(base64.b64decode(parse_qs(urlsplit(url).query)["SAMLRequest"][0]), -15))


def asking(url: str, *, issuer: str = "", more: str = "") -> str:
    """The address with the same request changed: of another service, or with other attributes. Requests are not signed."""
    request = request_of(url)
    own = request.findtext("{urn:oasis:names:tc:SAML:2.0:assertion}Issuer").strip()
    sso, acs = request.get("Destination"), request.get("AssertionConsumerServiceURL")
    xml = REQUEST.format(id=request.get("ID"), now=request.get("IssueInstant"), sso=sso, acs=acs, more=more, issuer=issuer or own)
    packed = zlib.compressobj(wbits=-15)
    return f"{sso}?SAMLRequest={quote(base64.b64encode(packed.compress(xml.encode()) + packed.flush()), safe='')}"
