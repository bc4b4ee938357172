"""Every setting of govern.toml. Strict: an unknown key is an error. The descriptions end up in the JSON Schema.

Shapes only: nothing is read from disk or environment here, and nothing is decided.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from jupyter_govern.config.export import Export
from jupyter_govern.config.hub import JupyterHubConfig
from jupyter_govern.config.identity import OidcConfig, WorkloadConfig, subjects_stay_apart
from jupyter_govern.config.recording import Recording
from jupyter_govern.config.saml import SamlConfig
from jupyter_govern.config.secrets import SecretReference
from jupyter_govern.config.shapes import Listen, NetworkText, TargetName
from jupyter_govern.config.ssh import SshListener, SshTarget
from jupyter_govern.config.strict import LOOPBACK, Name, Strict, Words
from jupyter_govern.model import MaskFormat, Verb


class PostgresqlListener(Listen):
    listen: str = "127.0.0.1:6432"
    """Where PostgreSQL clients connect; port 0 takes any free one."""
    cleartext_in_tls: bool = False
    """Ask for the token in clear inside TLS instead of by SCRAM-SHA-256, for clients that know no SCRAM."""


class ApiListener(Listen):
    listen: str = "127.0.0.1:8600"
    """Where the HTTP API and the gateway's own pages are; port 0 takes any free one."""
    public_url: str = ""
    """How people's browsers reach it, if not by the address above. Approvals link here."""
    proxies: tuple[NetworkText, ...] = ()
    """Addresses or networks of the reverse proxies before the API. Where a request comes from one of them, its X-Forwarded-For says whose
    it is: for rates, for tokens that are bound to addresses, and for the record. Without this, all clients of a proxy count as one."""


class Tls(Strict):
    """The certificate of all listeners. Without one, a local authority in state_dir/tls makes one and renews it; without this section
    the API speaks plain HTTP, on this machine only."""

    certificate: str = ""
    """PEM file with the certificate chain."""
    key: str = ""
    """PEM file with the private key, not encrypted."""
    ca: str = ""
    """PEM file that clients should verify against; told to kernels."""
    names: tuple[Annotated[str, Field(pattern=r"^[A-Za-z0-9.:*-]{1,253}$")], ...] = ()
    """Further host names and addresses by which clients reach the gateway, for a certificate of the local authority."""

    @model_validator(mode="after")
    def _whole(self) -> Tls:
        if bool(self.certificate) != bool(self.key):
            raise ValueError("certificate and key go together: give both, or neither for one of the local authority")
        if self.certificate and self.names:
            raise ValueError("names are for a certificate of the local authority: a certificate of your own has its names already")
        if self.ca and not self.certificate:
            raise ValueError("ca is for a certificate of your own: that of the local authority is known")
        return self


class Gateway(Strict):
    state_dir: str = "state"
    """Recordings, tokens, generated keys; made with mode 0700. Relative to this file."""
    hash_key: SecretReference | None = None
    """Key of `hash` masks. Without it one is generated in state_dir/hash.key."""
    auditors: tuple[Name, ...] = ()
    """Groups whose members see everybody's sessions."""
    admins: tuple[Name, ...] = ()
    """Groups whose members may revoke people and make static keys; nobody may where it is empty."""
    max_statement_bytes: Annotated[int, Field(ge=1024, le=1 << 24)] = 1 << 20
    """Longer statements are refused."""
    drain_seconds: Annotated[float, Field(ge=0, le=3600)] = 30.0
    """How long running statements may still take when the gateway stops or restarts; sessions that run nothing end at once."""
    postgresql: PostgresqlListener = PostgresqlListener()
    """The PostgreSQL listener."""
    ssh: SshListener | None = None
    """The SSH listener; there is none without this section."""
    api: ApiListener = ApiListener()
    """The HTTP API and pages."""
    tls: Tls | None = None
    """TLS of the listeners."""
    recording: Recording = Recording()
    """What recordings keep."""
    export: tuple[Export, ...] = ()
    """Other systems that are told of operations."""


class LocalIdentityConfig(Strict):
    """Local accounts, for laptops and the demo."""

    accounts: str = "accounts.json"
    """File with argon2 hashes and groups; relative to this file."""


class ServiceConfig(Strict):
    """A program that connects by itself, with a static key. Its subject in policy and recordings is `service/NAME`."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,62}$")]
    """What it is called."""
    groups: tuple[Name, ...] = ()
    """Its groups; policy applies to them as to people's."""
    targets: tuple[Name, ...] = ()
    """The targets that its keys may open at most; any if empty. Policy has to allow them all the same."""


class IdentityConfig(Strict):
    local: LocalIdentityConfig | None = None
    """Local accounts. They are there without this section too, unless an identity provider is configured."""
    static_keys: bool = False
    """Whether services may have static keys (`jupyter govern keys`). Turned off, all of them stop working."""
    service: tuple[ServiceConfig, ...] = ()
    """Services that may have static keys."""
    oidc: tuple[OidcConfig, ...] = ()
    """OpenID Connect providers that people log in at; several may be there at once."""
    workload: tuple[WorkloadConfig, ...] = ()
    """Workloads that come with OIDC tokens of their own."""
    saml: tuple[SamlConfig, ...] = ()
    """SAML 2.0 providers that people log in at; beside the others."""
    jupyterhub: JupyterHubConfig | None = None
    """The gateway as a service of a JupyterHub."""

    @property
    def accounts(self) -> str | None:
        """The file with local accounts; None where there are none."""
        if self.local is not None:
            return self.local.accounts
        return None if self.oidc or self.saml else LocalIdentityConfig().accounts

    @property
    def prefixes(self) -> tuple[str, ...]:
        """What the subjects of all providers begin with."""
        return (*(each.prefix for each in self.oidc), *(each.prefix for each in self.saml))

    @model_validator(mode="after")
    def _apart(self) -> IdentityConfig:
        subjects_stay_apart(self.oidc, self.saml)
        if self.jupyterhub is not None and self.jupyterhub.oidc not in [provider.name for provider in self.oidc]:
            raise ValueError(f"jupyterhub.oidc: no [[identity.oidc]] is called {self.jupyterhub.oidc!r}")
        return self


class Target(Strict):
    """A PostgreSQL database."""

    name: TargetName
    """What people call it: `%%govsql NAME`, `psql dbname=NAME`."""
    kind: Literal["postgresql"]
    """Its protocol."""
    host: Name
    """Where it is."""
    port: Annotated[int, Field(ge=1, le=65535)] = 5432
    """Its port."""
    database: Name
    """Database to connect to."""
    user: Name
    """The gateway's own role there."""
    password: SecretReference | None = None
    """That role's password; people never see it."""
    tls: Literal["verify-full", "require", "disable"] = "verify-full"
    """TLS to the target. `disable` only on loopback, or with tls_insecure_because."""
    tls_insecure_because: str = ""
    """Why unverified or unencrypted traffic to this target is acceptable; it is logged at each start."""
    ca: str = ""
    """PEM file to verify the target against; the system's authorities if empty."""
    tls_certificate: str = ""
    """PEM file with the certificate chain that the gateway shows the target (mutual TLS)."""
    tls_key: SecretReference | None = None
    """Its private key (PEM, not encrypted)."""
    protocol: Literal["3.2", "3.0"] = "3.2"
    """The newest protocol to ask the target for; older servers answer with their own. `3.0` where an old pooler stands before it."""

    @model_validator(mode="after")
    def _mutual(self) -> Target:
        if bool(self.tls_certificate) != (self.tls_key is not None):
            raise ValueError("tls_certificate and tls_key go together")
        if self.tls_certificate and (self.tls == "disable" or self.host.startswith("/")):
            raise ValueError("a client certificate needs TLS to the target")
        return self

    @model_validator(mode="after")
    def _loud(self) -> Target:
        if self.tls != "verify-full" and self.host not in LOOPBACK and not self.host.startswith("/") and not self.tls_insecure_because:
            raise ValueError(f'tls = "{self.tls}" to a host that is not this machine needs tls_insecure_because = "…"')
        return self


class Who(Strict):
    """People: any of these users or members of any of these groups."""

    groups: tuple[Name, ...] = ()
    """Groups."""
    users: tuple[Name, ...] = ()
    """Subjects."""

    @model_validator(mode="after")
    def _somebody(self) -> Who:
        if not self.groups and not self.users:
            raise ValueError("names nobody: give groups or users, or leave it out for everyone")
        return self


class On(Strict):
    """What a rule is about. A key that is absent means any; all given keys must hold."""

    targets: tuple[Name, ...] | None = None
    """Target names; `*` and `?` are wildcards."""
    verbs: tuple[Verb, ...] | None = None
    """connect, read, write, define, execute, transfer, view."""
    resources: tuple[Name, ...] | None = None
    """`schema.relation`, wildcards allowed: `public.*`."""
    kinds: tuple[Name, ...] | None = None
    """Statement kinds: `select`, `delete`, `drop`, …: see docs/policy.md."""
    traits: tuple[Name, ...] | None = None
    """Statement traits: `without-where`, `program`, `server-file`, …: see docs/policy.md."""
    columns: tuple[Name, ...] | None = None
    """`schema.relation.column`, wildcards allowed: what a mask hides; in other rules, with `verbs = ["write"]`, what is written."""
    functions: tuple[Name, ...] | None = None
    """Functions that are called, `name` or `schema.name`, wildcards allowed: `pg_sleep`, `pg_catalog.lo_*`; in views and functions too."""
    estimated_rows_over: Annotated[int, Field(ge=0)] | None = None
    """For `block`, `approve` and `limit`: the statement gives or changes more rows than this by the estimate of the target's planner,
    or the target makes none."""

    @model_validator(mode="after")
    def _not_empty(self) -> On:
        for key in ("targets", "verbs", "resources", "kinds", "traits", "columns", "functions"):
            if getattr(self, key) == ():
                raise ValueError(f"{key} is an empty list, which nothing fits: leave it out for any")
        for column in self.columns or ():
            if column.count(".") != 2:
                raise ValueError(f"columns: {column!r} is not schema.relation.column")
        return self


class MaskConfig(Strict):
    format: MaskFormat
    """null, redact, partial or hash: see docs/masking.md."""
    keep: Annotated[int, Field(ge=0, le=64)] = 4
    """For `partial`: characters at the end that stay readable (at most half of them)."""
    path: tuple[Name, ...] = ()
    """For json and jsonb columns: the keys that lead to what is hidden; the rest of the document stays."""


class LimitConfig(Strict):
    rows: Annotated[int, Field(ge=0)] = 0
    """Rows a result may have; 0 is no bound."""
    seconds: Annotated[float, Field(ge=0)] = 0.0
    """Seconds a statement may run; 0 is no bound."""
    bytes: Annotated[int, Field(ge=0)] = 0
    """SSH: bytes of a command's output, or of a file that is transferred; 0 is no bound."""


class Rule(Strict):
    """One rule. Rules do not depend on their order: the strictest wins, masks unite, nothing allowed is blocked."""

    name: Name
    """Shown to the person a statement is refused to."""
    because: Words
    """Why this rule exists; shown too."""
    effect: Literal["allow", "block", "approve", "mask", "limit", "filter", "detect"]
    """What it does."""
    who: Who | None = None
    """Whom it is about; everyone if absent."""
    except_who: Who | None = None
    """Who is exempt from it."""
    on: On = On()
    """What it is about."""
    hint: str = ""
    """What to do instead; shown with a refusal."""
    mask: MaskConfig | None = None
    """For `mask`."""
    limit: LimitConfig | None = None
    """For `limit`."""
    rows: Annotated[str, Field(max_length=4000)] = ""
    """For `filter`: the condition that rows of on.resources must meet to exist for these people, in SQL; `:actor.NAME` is an
    attribute of the person, `:actor.subject` the name. Columns, constants, operators and PostgreSQL's own functions."""
    content: tuple[Name, ...] = ()
    """For `detect`: what to hide in any text that is returned: card, email, iban, phone, us_ssn, key, or a `[[detector]]`."""
    approvers: Who | None = None
    """For `approve`: who may answer."""
    expires_seconds: Annotated[float, Field(gt=0, le=86400)] = 900.0
    """For `approve`: how long a statement waits."""

    @model_validator(mode="after")
    def _fits_effect(self) -> Rule:
        needs = {"mask": "mask", "limit": "limit", "approve": "approvers"}
        for effect, key in needs.items():
            if (self.effect == effect) != (getattr(self, key) is not None):
                raise ValueError(f'effect = "{self.effect}" {"needs" if self.effect == effect else "does not take"} `{key}`')
        if (self.effect == "detect") != bool(self.content):
            raise ValueError(f'effect = "{self.effect}" {"needs" if self.effect == "detect" else "does not take"} `content`')
        if self.effect == "detect" and (self.on.verbs or self.on.kinds or self.on.traits or self.on.resources or self.on.functions):
            raise ValueError("a detector looks at all text that a target returns: it takes on.targets only")
        if (self.effect == "filter") != bool(self.rows):
            raise ValueError(f'effect = "{self.effect}" {"needs" if self.effect == "filter" else "does not take"} `rows`')
        if self.effect == "filter" and (not self.on.resources or self.on.verbs or self.on.kinds or self.on.traits or self.on.functions):
            raise ValueError("a filter takes on.targets and on.resources only, and needs the latter")
        if self.effect == "filter" and any(resource.count(".") != 1 for resource in self.on.resources or ()):
            raise ValueError("on.resources of a filter are schema.relation")
        if self.effect == "mask" and not self.on.columns:
            raise ValueError('effect = "mask" needs on.columns')
        if self.effect in ("filter", "detect") and self.on.columns:
            raise ValueError(f"a {self.effect} takes no on.columns")
        if self.effect in ("allow", "block", "approve", "limit") and self.on.columns and self.on.verbs != ("write",):
            raise ValueError('on.columns of a rule that is no mask are columns that are written: it needs verbs = ["write"]')
        if self.on.estimated_rows_over is not None and self.effect not in ("block", "approve", "limit"):
            raise ValueError(f"a rule with effect = {self.effect!r} takes no on.estimated_rows_over")
        if self.effect == "mask" and (self.on.verbs or self.on.kinds or self.on.traits or self.on.resources or self.on.functions):
            raise ValueError("a mask follows its columns everywhere: it takes on.targets and on.columns only")
        return self


DETECTORS = ("card", "email", "iban", "key", "phone", "us_ssn")
"""Detectors of content that are built in."""


class Detector(Strict):
    """A detector of content of your own, for rules with `effect = "detect"`."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,62}$")]
    """What rules call it."""
    pattern: Annotated[str, Field(min_length=1, max_length=1000)]
    """Regular expression of what is hidden; it must not match the empty text."""


class Config(Strict):
    """govern.toml."""

    gateway: Gateway = Gateway()
    """The gateway itself."""
    identity: IdentityConfig = IdentityConfig()
    """Who people are."""
    target: tuple[Annotated[Target | SshTarget, Field(discriminator="kind")], ...] = ()
    """Governed systems; `kind` says what else they have."""
    rule: tuple[Rule, ...] = ()
    """Policy."""
    detector: tuple[Detector, ...] = ()
    """Detectors of content of your own."""

    @property
    def postgresql_targets(self) -> tuple[Target, ...]:
        return tuple(target for target in self.target if isinstance(target, Target))

    @property
    def ssh_targets(self) -> tuple[SshTarget, ...]:
        return tuple(target for target in self.target if isinstance(target, SshTarget))

    @model_validator(mode="after")
    def _names(self) -> Config:
        named = {
            "target": [target.name for target in self.target],
            "rule": [rule.name for rule in self.rule],
            "service": [each.name for each in self.identity.service] + [each.name for each in self.identity.workload],
            "export": [export.name for export in self.gateway.export],
            "detector": [*DETECTORS, *(detector.name for detector in self.detector)],
        }
        for what, names in named.items():
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ValueError(f"two {what}s are called {twice[0]!r}")
        if self.ssh_targets and self.gateway.ssh is None:
            raise ValueError("there are targets of kind ssh, but no [gateway.ssh] to reach them by")
        known = {*DETECTORS, *(detector.name for detector in self.detector)}
        for rule in self.rule:
            if unknown := sorted(set(rule.content) - known):
                raise ValueError(f"rule {rule.name!r}: no detector is called {unknown[0]!r}; there are {', '.join(sorted(known))}")
        return self
