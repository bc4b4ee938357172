"""`[[identity.saml]]`: SAML 2.0 identity providers. Shapes only; gateway/…/identity/saml/ does what they say."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator, model_validator

from jupyter_govern.config.identity import ClaimPath, ProviderName, secure_url
from jupyter_govern.config.strict import Name, Strict

Fingerprint = Annotated[str, Field(pattern=r"^[0-9A-Fa-f]{2}(:?[0-9A-Fa-f]{2}){31}$")]
NAME_ID = "NameID"


class SamlConfig(Strict):
    """A SAML identity provider that people log in at, from the gateway's login page."""

    name: ProviderName
    """What it is called in the log and in URLs."""
    label: Annotated[str, Field(max_length=80)] = ""
    """What the button on the login page says: the name if empty."""
    idp_metadata: Name
    """The provider's metadata: a file, relative to this one, or an https URL, which is read at the start."""
    idp_fingerprints: tuple[Fingerprint, ...] = ()
    """SHA-256 of the certificates that it may sign with. Needed with a URL: what is read from there cannot bring another key."""
    entity_id: Annotated[str, Field(max_length=500)] = ""
    """Our own entity ID there; the address of our metadata if empty."""
    username_attribute: Annotated[str, Field(max_length=200)] = ""
    """The attribute that names people, by Name or FriendlyName; the NameID if empty, which then must not be transient."""
    prefix: Annotated[str, Field(pattern=r"^([a-z][a-z0-9_-]{0,30}:)?$")] = ""
    """Put before each subject, `corp:`; different for each provider."""
    groups_attribute: ClaimPath = "groups"
    """The attribute with groups, by Name or FriendlyName."""
    groups_prefix: Annotated[str, Field(max_length=63)] = ""
    """Put before each group."""
    groups_map: dict[Name, Name] = Field(default_factory=dict)
    """Other names for groups: `{ "CN=Analysts,OU=…" = "analysts" }`. The prefix is not put before these."""
    groups_mapped_only: bool = False
    """Leave out groups that groups_map does not name."""
    attributes: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")], ClaimPath] = Field(default_factory=dict)
    """Attributes of people for row filters, from attributes of the assertion: `region = "region"` is `:actor.region`."""
    clock_skew_seconds: Annotated[int, Field(ge=0, le=120)] = 30
    """How far its clock may be off."""
    session_seconds: Annotated[float, Field(ge=60, le=86400)] = 28800.0
    """How long a login lasts at most; less where the provider says so. It cannot be asked again: this is when a revocation there counts."""

    @field_validator("idp_fingerprints")
    @classmethod
    def _plain(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(each.replace(":", "").lower() for each in value)

    @model_validator(mode="after")
    def _pinned(self) -> SamlConfig:
        if "://" in self.idp_metadata:
            secure_url(self.idp_metadata)
            if not self.idp_fingerprints:
                raise ValueError("idp_metadata from a URL needs idp_fingerprints: the certificates that it may bring")
        if "subject" in self.attributes:
            raise ValueError("attributes: `:actor.subject` is the name itself")
        return self

    @property
    def username_claim(self) -> str:
        return self.username_attribute or NAME_ID

    @property
    def groups_claim(self) -> str:
        return self.groups_attribute
