"""A SAML provider that signs whatever it is told to: keys, metadata, and answers written by hand, signed by xmlsec1."""

from __future__ import annotations

import base64
import subprocess
import time
import uuid
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from xml.sax.saxutils import escape

from defusedxml import ElementTree as Xml

ENTITY = "https://idp.example.org/metadata"
METADATA = """<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{entity}">
<md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><md:KeyDescriptor use="signing">
<ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate>
</ds:X509Data></ds:KeyInfo>
</md:KeyDescriptor><md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
 Location="https://idp.example.org/sso"/>
</md:IDPSSODescriptor></md:EntityDescriptor>"""
SIGNATURE = """<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignedInfo>
<ds:CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>
<ds:SignatureMethod Algorithm="{method}"/>
<ds:Reference URI="#{id}"><ds:Transforms><ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/>
<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/></ds:Transforms>
<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/><ds:DigestValue/></ds:Reference></ds:SignedInfo><ds:SignatureValue/>
</ds:Signature>"""
ASSERTION = """<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" xmlns:xs="http://www.w3.org/2001/XMLSchema"
 xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" ID="{id}" Version="2.0" IssueInstant="{now}">
<saml:Issuer>{issuer}</saml:Issuer>{signature}<saml:Subject>
<saml:NameID Format="{format}">{name}</saml:NameID><saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer">
<saml:SubjectConfirmationData InResponseTo="{answers}" Recipient="{recipient}"
 NotOnOrAfter="{end}"/></saml:SubjectConfirmation></saml:Subject>
<saml:Conditions NotBefore="{start}" NotOnOrAfter="{end}">{audience}</saml:Conditions>
<saml:AuthnStatement AuthnInstant="{now}"{session}><saml:AuthnContext>
<saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:Password</saml:AuthnContextClassRef>
</saml:AuthnContext></saml:AuthnStatement><saml:AttributeStatement>{attributes}</saml:AttributeStatement></saml:Assertion>"""
RESPONSE = """<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="{id}" Version="2.0" IssueInstant="{now}"{answers}
 Destination="{recipient}"><saml:Issuer xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">{issuer}</saml:Issuer><samlp:Status>
<samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:{status}"/></samlp:Status>{assertion}</samlp:Response>"""
SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
EMAIL = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"


def at(seconds: float = 0.0) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))


def asked_of(url: str) -> str:
    """The ID of the request that a browser is sent with."""
    query = parse_qs(urlsplit(url).query)
    return str(Xml.fromstring(zlib.decompress(base64.b64decode(query["SAMLRequest"][0]), -15)).get("ID"))


def encoded(xml: str) -> str:
    return base64.b64encode(xml.encode()).decode()


@dataclass
class SamlProvider:
    """folder: where its key is. Answers are as they should be unless told otherwise."""

    folder: Path
    entity: str = ENTITY
    certificate: Path = field(init=False)

    def __post_init__(self) -> None:
        self.folder.mkdir(exist_ok=True)
        self.certificate = self.folder / "idp.pem"
        command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=idp"]
        subprocess.run([*command, "-keyout", "idp.key", "-out", "idp.pem"], cwd=self.folder, check=True, capture_output=True)
        (self.folder / "metadata.xml").write_text(self.metadata())

    def metadata(self) -> str:
        pem = self.certificate.read_text()
        return METADATA.format(entity=self.entity, certificate="".join(pem.splitlines()[1:-1]))

    def assertion(self, request: str, sp: str, **more: Any) -> str:
        """An assertion, not signed yet; sp: where our SAML pages are, http://…/login/saml/NAME."""
        said = {
            "id": f"_{uuid.uuid4().hex}", "now": at(), "issuer": self.entity, "format": EMAIL, "name": "ida@example.org",
            "answers": request, "recipient": f"{sp}/acs", "start": at(-5), "end": at(300),
            "session": "", "method": SHA256, "audience": f"{sp}/metadata",
            "groups": ["staff"],
        } | more  # fmt: skip
        values = "".join(f'<saml:AttributeValue xsi:type="xs:string">{escape(each)}</saml:AttributeValue>' for each in said["groups"])
        said["attributes"] = f'<saml:Attribute Name="groups">{values}</saml:Attribute>'
        if said["audience"]:
            said["audience"] = f"<saml:AudienceRestriction><saml:Audience>{said['audience']}</saml:Audience></saml:AudienceRestriction>"
        return ASSERTION.format(**{"signature": SIGNATURE.format(**said), **said})

    def response(self, request: str, sp: str, assertion: str, *, status: str = "Success", recipient: str = "") -> str:
        answers = f' InResponseTo="{request}"' if request else ""
        return RESPONSE.format(
            id=f"_{uuid.uuid4().hex}", now=at(), answers=answers, recipient=recipient or f"{sp}/acs", issuer=self.entity, status=status,
            assertion=assertion,
        )  # fmt: skip

    def signed(self, xml: str) -> str:
        """With the signature's template filled in."""
        (self.folder / "unsigned.xml").write_text(xml)
        command = ["xmlsec1", "--sign", "--privkey-pem", "idp.key,idp.pem", "--output", "signed.xml"]
        command += ["--id-attr:ID", "urn:oasis:names:tc:SAML:2.0:assertion:Assertion", "unsigned.xml"]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return (self.folder / "signed.xml").read_text()

    def answer(self, request: str, sp: str, **more: Any) -> str:
        """A signed answer."""
        return self.signed(self.response(request, sp, self.assertion(request, sp, **more)))
