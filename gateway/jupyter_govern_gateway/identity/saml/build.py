"""The SAML providers of govern.toml → logins. Imported only where there are some: pysaml2 is an optional extra."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from jupyter_govern.config.model import IdentityConfig
from jupyter_govern_gateway.identity.saml.partner import Partner
from jupyter_govern_gateway.identity.saml.service import SamlLogins
from jupyter_govern_gateway.identity.service import Identity
from jupyter_govern_gateway.recorder.log import GatewayLog


def saml_logins(
    config: IdentityConfig, *, directory: Path, identity: Identity, log: GatewayLog, clock: Callable[[], float]
) -> SamlLogins:
    """Raises ConfigError. Logins of providers that are gone, or are others now, end."""
    partners = {each.name: Partner(each, directory) for each in config.saml}
    for token in identity.tokens_of("login"):
        kind, _, name = token.issued_by.partition("/")
        person = identity.people.find(token.subject)
        known = partners.get(name)
        if kind == "saml" and (known is None or person is None or person.source != known.pinned.entity_id):
            identity.revoke(token.id, by="the gateway", reason="the identity provider is no longer configured")
    return SamlLogins(partners=partners, prefixes=config.prefixes, identity=identity, log=log, clock=clock)
