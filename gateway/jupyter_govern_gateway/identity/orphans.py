"""After a start: logins by a way that is not configured any more, or whose provider is another now, end. Nobody would recheck them, and
whoever has their person's name next would have their tokens too."""

from __future__ import annotations

from collections.abc import Mapping

from jupyter_govern.config.model import IdentityConfig
from jupyter_govern_gateway.identity.hub.exchange import BY
from jupyter_govern_gateway.identity.service import Identity


def ways(config: IdentityConfig, entity_ids: Mapping[str, str]) -> dict[str, str]:
    """The issuer behind `oidc/NAME`, `saml/NAME` and `jupyterhub`. entity_ids: of the SAML providers, by name."""
    found = {f"oidc/{each.name}": each.issuer for each in config.oidc} | {f"saml/{name}": each for name, each in entity_ids.items()}
    return found | ({BY: found[f"oidc/{config.jupyterhub.oidc}"]} if config.jupyterhub is not None else {})


def end_orphans(identity: Identity, known: Mapping[str, str]) -> None:
    """known: what `ways` says. Raises RecordingFailed."""
    for login in identity.tokens_of("login"):
        way = BY if login.issued_by.startswith(f"{BY}/") else login.issued_by
        person = identity.people.find(login.subject)
        if way not in known or person is None or person.source != known[way]:
            identity.revoke(login.id, by="the gateway", reason="the identity provider is no longer configured")
    if BY not in known:
        identity.people.lose_hub_groups()
