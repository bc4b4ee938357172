"""One SAML provider and our side of it, on pysaml2: requests out, answers in, our metadata.

Blocking (xmlsec1 is a program): call `read` in a thread. Whatever the library raises is a refusal.
"""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT
from saml2.client import Saml2Client
from saml2.config import SPConfig
from saml2.metadata import entity_descriptor

from jupyter_govern.config.saml import SamlConfig
from jupyter_govern.errors import ConfigError
from jupyter_govern_gateway.identity.saml.assertion import Asserted, Expected, read_assertion
from jupyter_govern_gateway.identity.saml.errors import AnswerRefused
from jupyter_govern_gateway.identity.saml.library import NoMemory, refusal
from jupyter_govern_gateway.identity.saml.pinned import Pinned, read_metadata

SHA1: Final = "#rsa-sha1", "#dsa-sha1", "#hmac-sha1", "xmldsig#sha1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request on its way: its ID, and where the browser goes with it."""

    request_id: str
    url: str


class Partner:
    """Raises ConfigError where metadata or xmlsec1 is missing. base_url: how browsers reach the gateway."""

    def __init__(self, config: SamlConfig, directory: Path) -> None:
        self.config = config
        self.pinned: Pinned = read_metadata(config, directory)
        self._xmlsec = shutil.which("xmlsec1") or ""
        if not self._xmlsec:
            raise ConfigError("needs the program xmlsec1 (Debian: apt-get install xmlsec1)", key=f"identity.saml.{config.name}")
        self._clients: dict[str, Saml2Client] = {}

    def entity_id(self, base_url: str) -> str:
        return self.config.entity_id or f"{base_url}/login/saml/{self.config.name}/metadata"

    def acs_url(self, base_url: str) -> str:
        return f"{base_url}/login/saml/{self.config.name}/acs"

    def ask(self, base_url: str) -> Asked:
        """A new request. No RelayState: where a login leads is kept here, not sent around."""
        request_id, info = self._client(base_url).prepare_for_authenticate(
            entityid=self.pinned.entity_id, binding=BINDING_HTTP_REDIRECT, response_binding=BINDING_HTTP_POST
        )
        return Asked(request_id=request_id, url=dict(info["headers"])["Location"])

    def read(self, answer: str, request_id: str, base_url: str) -> Asserted:
        """What the provider says in answer to that request. Raises AnswerRefused."""
        try:
            response = self._client(base_url).parse_authn_request_response(answer, BINDING_HTTP_POST, {request_id: ""})
        except Exception as problem:  # the library raises bare Exceptions too: none of them may be anything but a refusal
            raise refusal(problem) from None
        if response is None or len(response.assertions) != 1:
            raise AnswerRefused("signature", "the library takes no assertion from it")
        assertion = response.assertions[0]
        _check_signature(assertion)
        if response.in_response_to != request_id:
            raise AnswerRefused("unsolicited", "it answers another request")
        expected = Expected(
            issuer=self.pinned.entity_id,
            audience=self.entity_id(base_url),
            recipient=self.acs_url(base_url),
            request_id=request_id,
            now=time.time(),
            skew=self.config.clock_skew_seconds,
        )
        return read_assertion(assertion, expected)

    def metadata(self, base_url: str) -> str:
        """What an operator gives the provider."""
        return str(entity_descriptor(self._client(base_url).config))

    def _client(self, base_url: str) -> Saml2Client:
        if base_url not in self._clients:
            self._clients = {base_url: Saml2Client(config=self._settings(base_url), identity_cache=NoMemory())}
        return self._clients[base_url]

    def _settings(self, base_url: str) -> SPConfig:
        service = {
            "endpoints": {"assertion_consumer_service": [(self.acs_url(base_url), BINDING_HTTP_POST)]},
            "allow_unsolicited": False,
            "authn_requests_signed": False,
            "want_assertions_signed": True,
            "want_response_signed": False,
        }
        settings: dict[str, Any] = {
            "entityid": self.entity_id(base_url),
            "service": {"sp": service},
            "metadata": {"inline": [self.pinned.xml]},
            "xmlsec_binary": self._xmlsec,
            "accepted_time_diff": self.config.clock_skew_seconds,
            "allow_unknown_attributes": True,
        }
        return SPConfig().load(settings)


def _check_signature(assertion: Any) -> None:
    """Signed itself, by an algorithm that still holds. The library has verified it by then."""
    if assertion.signature is None:
        raise AnswerRefused("signature", "the assertion is not signed")
    info = assertion.signature.signed_info
    used = [info.signature_method.algorithm, *(reference.digest_method.algorithm for reference in info.reference)]
    if any(algorithm.endswith(SHA1) for algorithm in used):
        raise AnswerRefused("signature", "signed with SHA-1")
