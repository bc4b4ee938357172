"""`[[identity.oidc]]` and `[[identity.workload]]`: who says who people and workloads are. Shapes only; gateway/…/identity/ does what
they say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, Protocol
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from jupyter_govern.config.secrets import SecretReference
from jupyter_govern.config.strict import LOOPBACK, Name, Strict

Algorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
"""Signatures by a key that only the issuer has. `none` and HS… cannot even be written here."""
SAFE_ALGORITHMS: tuple[Algorithm, ...] = ("RS256", "ES256", "PS256", "EdDSA")
ProviderName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,62}$")]
ClaimPath = Annotated[str, Field(min_length=1, max_length=200)]
Value = Annotated[str, Field(min_length=1, max_length=1000)]
OWN_PARAMETERS = frozenset(
    "response_type client_id redirect_uri scope state nonce code_challenge code_challenge_method response_mode request request_uri".split()
)
"""Parameters of an authorization request that are the gateway's own to set."""


def secure_url(value: str) -> str:
    """https, or http on this machine; nothing that a URL may carry beside host and path. Raises ValueError."""
    parts = urlsplit(value)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        raise ValueError("wants an https:// URL (http:// only on this machine)")
    if not parts.hostname or parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("wants a URL of host and path alone")
    return value


class Issuer(Strict):
    """Whose tokens are believed, and how they are checked."""

    name: ProviderName
    """What it is called in the log and in URLs."""
    issuer: str
    """Its issuer identifier, exactly as its tokens and its discovery document say it. https, or http on this machine."""
    ca: str = ""
    """PEM file to verify it against; the system's authorities if empty. Relative to this file."""
    algorithms: Annotated[tuple[Algorithm, ...], Field(min_length=1)] = SAFE_ALGORITHMS
    """Signature algorithms that its tokens may have."""
    clock_skew_seconds: Annotated[float, Field(ge=0, le=120)] = 30.0
    """How far its clock may be off."""
    @field_validator("issuer")
    @classmethod
    def _https(cls, value: str) -> str:
        return secure_url(value)


class OidcConfig(Issuer):
    """An OpenID Connect provider that people log in at."""

    label: Annotated[str, Field(max_length=80)] = ""
    """What the button on the login page says: the name if empty."""
    client_id: Name
    """The gateway's client there."""
    client_secret: SecretReference | None = None
    """That client's secret; without it the gateway is a public client (it uses PKCE either way)."""
    client_auth: Literal["client_secret_basic", "client_secret_post"] = "client_secret_basic"
    """How the secret is presented."""
    audiences: tuple[Name, ...] = ()
    """Audiences that ID tokens may be for; the client_id if empty. Under a JupyterHub also the hub's client_id."""
    scopes: tuple[Name, ...] = ("openid", "profile", "email")
    """Scopes that are asked for. `openid` is always there; `offline_access` where the provider wants it for refresh tokens."""
    authorize_params: dict[Name, Value] = Field(default_factory=dict)
    """Further parameters of the authorization request, as `access_type = "offline"` for Google."""
    userinfo: bool = False
    """Also ask the userinfo endpoint at each login and check, for providers whose ID tokens lack groups."""
    username_claim: ClaimPath = "sub"
    """The claim that names people: a subject is `prefix` and this value. `email` counts only with email_verified true."""
    prefix: Annotated[str, Field(pattern=r"^([a-z][a-z0-9_-]{0,30}:)?$")] = ""
    """Put before each subject, `okta:`; different for each provider."""
    required_claims: dict[ClaimPath, bool | Value | tuple[Value, ...]] = Field(default_factory=dict)
    """Claims that a token must carry: a value, any one of a list of values, or true/false for a claim that is a boolean.
    `"*"` is any value. A claim that is a list has to contain the value."""
    groups_claim: ClaimPath = "groups"
    """Where groups are: a claim, or a path into one (`realm_access.roles`). A string is one group, a list each of its entries, an
    object its keys."""
    groups_prefix: Annotated[str, Field(max_length=63)] = ""
    """Put before each group."""
    groups_map: dict[Name, Name] = Field(default_factory=dict)
    """Other names for groups: `{ "5f0a-…" = "analysts" }`. The prefix is not put before these."""
    groups_mapped_only: bool = False
    """Leave out groups that groups_map does not name."""
    attributes: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")], ClaimPath] = Field(default_factory=dict)
    """Attributes of people for row filters, from claims: `region = "address.region"` is `:actor.region`."""
    max_age_seconds: Annotated[float, Field(ge=10, le=86400)] = 900.0
    """A login that the provider has not confirmed for so long ends: the longest time until a revocation there is noticed."""

    @field_validator("authorize_params")
    @classmethod
    def _not_ours(cls, value: dict[str, str]) -> dict[str, str]:
        if taken := sorted(OWN_PARAMETERS & set(value)):
            raise ValueError(f"{taken[0]!r} is set by the gateway itself")
        return value

    @model_validator(mode="after")
    def _one_name_per_attribute(self) -> OidcConfig:
        if "subject" in self.attributes:
            raise ValueError("attributes: `:actor.subject` is the name itself")
        return self

    @property
    def accepted_audiences(self) -> tuple[str, ...]:
        return self.audiences or (self.client_id,)

    @property
    def asked_scopes(self) -> tuple[str, ...]:
        return self.scopes if "openid" in self.scopes else ("openid", *self.scopes)


class WorkloadConfig(Issuer):
    """A workload (a CI job, a pod) that comes with an OIDC token of its own and gets a short-lived gateway token for it.

    Its subject in policy and recordings is `service/NAME`.
    """

    audience: Name
    """The audience that its tokens must be for: something that names this gateway."""
    claims: Annotated[dict[ClaimPath, Value | tuple[Value, ...]], Field(min_length=1)]
    """What its tokens must say; each of these: a text, or any one of a list of texts. `*` stands for any characters and `?` for one,
    but not at the beginning of a text. An issuer like GitHub's serves everybody: name the repository and the ref."""
    groups: tuple[Name, ...] = ()
    """Its groups; policy applies to them as to people's."""
    targets: tuple[Name, ...] = ()
    """The targets that its tokens open at most; any if empty. Policy has to allow them all the same."""
    token_seconds: Annotated[float, Field(ge=60, le=900)] = 900.0
    """How long the gateway token lives."""

    @field_validator("claims")
    @classmethod
    def _says_something(cls, value: dict[str, str | tuple[str, ...]]) -> dict[str, str | tuple[str, ...]]:
        for path, wanted in value.items():
            texts = (wanted,) if isinstance(wanted, str) else wanted
            if not texts or any(text[0] in "*?" for text in texts):
                raise ValueError(f"{path!r}: a pattern that starts with * or ? fits strangers too: write out how it has to begin")
        return value


class Named(Protocol):
    """A provider of another kind that people are named by."""

    @property
    def name(self) -> str: ...
    @property
    def prefix(self) -> str: ...


def subjects_stay_apart(issuers: tuple[OidcConfig, ...], others: Sequence[Named] = ()) -> None:
    """Two providers can never name the same subject. Raises ValueError.

    Prefixes differ and end with the only colon they have, so prefixed subjects differ; the one provider without a prefix has those
    of its subjects refused that begin with another's prefix (identity/oidc/claims.py).
    """
    providers: list[Named] = [*issuers, *others]
    for what, values in (("name", [p.name for p in providers]), ("issuer", [p.issuer for p in issuers])):
        if twice := sorted({value for value in values if values.count(value) > 1}):
            raise ValueError(f"two providers have the {what} {twice[0]!r}")
    prefixes = [provider.prefix for provider in providers]
    if twice := sorted({prefix for prefix in prefixes if prefixes.count(prefix) > 1}):
        shared = f"the prefix {twice[0]!r}" if twice[0] else "no prefix"
        raise ValueError(f"two providers have {shared}: their people of the same name would be one person")
