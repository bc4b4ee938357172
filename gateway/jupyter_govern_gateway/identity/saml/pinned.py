"""The metadata of a SAML provider: exactly one provider, and only certificates that are pinned. Read at the start."""

from __future__ import annotations

import base64
import hashlib
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from defusedxml import DefusedXmlException
from defusedxml import ElementTree as Xml

from jupyter_govern.config.saml import SamlConfig
from jupyter_govern.errors import ConfigError

MAX_METADATA: Final = 1024 * 1024
SECONDS: Final = 15.0
METADATA: Final = "{urn:oasis:names:tc:SAML:2.0:metadata}"
SIGNATURE: Final = "{http://www.w3.org/2000/09/xmldsig#}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pinned:
    """entity_id: of the one provider in `xml`."""

    entity_id: str
    xml: str


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """The configured address says it, or nobody."""


def read_metadata(config: SamlConfig, directory: Path) -> Pinned:
    """Raises ConfigError."""
    key = f"identity.saml.{config.name}.idp_metadata"
    try:
        data = _fetch(config.idp_metadata) if "://" in config.idp_metadata else (directory / config.idp_metadata).read_bytes()
        root = Xml.fromstring(data[: MAX_METADATA + 1], forbid_dtd=True)
    except (OSError, ValueError, Xml.ParseError, DefusedXmlException, urllib.error.URLError) as problem:
        raise ConfigError(f"cannot be read: {getattr(problem, 'strerror', None) or problem}", key=key) from None
    found = [entity for entity in root.iter(f"{METADATA}EntityDescriptor") if entity.find(f"{METADATA}IDPSSODescriptor") is not None]
    if len(found) != 1 or not found[0].get("entityID"):
        raise ConfigError(f"holds {len(found)} identity providers: it must be exactly one", key=key)
    prints = {hashlib.sha256(certificate).hexdigest() for certificate in _signing(found[0])}
    if not prints:
        raise ConfigError("holds no certificate that the provider signs with", key=key)
    if config.idp_fingerprints and (unknown := sorted(prints - set(config.idp_fingerprints))):
        raise ConfigError(f"brings a certificate that is not in idp_fingerprints: {unknown[0]}", key=key)
    return Pinned(entity_id=str(found[0].get("entityID")), xml=Xml.tostring(found[0], encoding="unicode"))


def _signing(entity: Any) -> list[bytes]:
    keys = [key for key in entity.iterfind(f"{METADATA}IDPSSODescriptor/{METADATA}KeyDescriptor") if key.get("use", "signing") == "signing"]
    texts = [text.text or "" for key in keys for text in key.iter(f"{SIGNATURE}X509Certificate")]
    return [base64.b64decode("".join(text.split())) for text in texts]


def _fetch(url: str) -> bytes:
    opener = urllib.request.build_opener(_NoRedirects())  # https is verified by the system's authorities
    with opener.open(url, timeout=SECONDS) as answer:
        return bytes(answer.read(MAX_METADATA + 1))
