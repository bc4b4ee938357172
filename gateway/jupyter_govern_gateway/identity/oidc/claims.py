"""Claims of a verified token → subject, groups, attributes. Pure; what cannot be read is refused, never skipped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, Protocol

from jupyter_govern.characters import is_odd
from jupyter_govern_gateway.identity.oidc.errors import TokenRefused
from jupyter_govern_gateway.identity.tokens import SERVICE

MAX_SUBJECT: Final = 200
MAX_GROUPS: Final = 2000
MAX_GROUP: Final = 200
MAX_ATTRIBUTE: Final = 1000
Claims = Mapping[str, Any]


class Naming(Protocol):
    """How a provider's claims name people and groups: OidcConfig, SamlConfig."""

    @property
    def username_claim(self) -> str: ...
    @property
    def prefix(self) -> str: ...
    @property
    def groups_claim(self) -> str: ...
    @property
    def groups_prefix(self) -> str: ...
    @property
    def groups_map(self) -> dict[str, str]: ...
    @property
    def groups_mapped_only(self) -> bool: ...
    @property
    def attributes(self) -> dict[str, str]: ...


def claim_at(claims: Claims, path: str) -> Any:
    """The claim of that name, or what a dotted path leads to; None where there is nothing.

    A name that is there as it stands wins over a path: `https://example.com/groups` has dots too.
    """
    if path in claims:
        return claims[path]
    for at, character in enumerate(path):
        if character == "." and isinstance(inner := claims.get(path[:at]), Mapping):
            found = claim_at(inner, path[at + 1 :])
            if found is not None:
                return found
    return None


def subject_of(claims: Claims, config: Naming, other_prefixes: Iterable[str] = ()) -> str:
    """`prefix` and the username claim. Raises TokenRefused for what cannot be told from somebody else's name."""
    value = claim_at(claims, config.username_claim)
    if not isinstance(value, str) or not value or len(value) > MAX_SUBJECT:
        raise TokenRefused("subject", f"the claim {config.username_claim!r} is no name of 1 to {MAX_SUBJECT} characters")
    if value != value.strip() or any(is_odd(c) or c in "\n\t" for c in value):
        raise TokenRefused("subject", f"the claim {config.username_claim!r} has characters that cannot be seen as themselves")
    if config.username_claim == "email" and claims.get("email_verified") is not True:
        # an address that nobody verified is whatever somebody wrote into a profile
        raise TokenRefused("subject", "the provider does not say that the e-mail address is verified")
    subject = config.prefix + value
    if subject.startswith((SERVICE, *(prefix for prefix in other_prefixes if prefix != config.prefix and prefix))):
        raise TokenRefused("subject", "the name begins like one of a service or of another provider")
    return subject


def groups_of(claims: Claims, config: Naming) -> frozenset[str]:
    """Policy groups. An absent claim is no groups; one that is only referred to or cannot be read is refused."""
    if config.groups_claim in _referred(claims) or claims.get("hasgroups") is True:
        # too many to fit (Entra ID): taken for none, what policy forbids a group would be allowed
        raise TokenRefused("groups", "the provider sent a reference instead of the groups: have it send fewer, or application roles")
    found = list(_names(claim_at(claims, config.groups_claim), config.groups_claim))
    if len(found) > MAX_GROUPS:
        raise TokenRefused("groups", f"there are more than {MAX_GROUPS} groups")
    mapped = {config.groups_map[name] for name in found if name in config.groups_map}
    if config.groups_mapped_only:
        return frozenset(mapped)
    return frozenset(mapped | {config.groups_prefix + name for name in found if name not in config.groups_map})


def attributes_of(claims: Claims, config: Naming) -> tuple[tuple[str, str], ...]:
    """What row filters may read. An absent claim is an absent attribute, which matches no row."""
    found = {}
    for name, path in config.attributes.items():
        value = claim_at(claims, path)
        if value is None:
            continue
        if isinstance(value, bool):
            value = "true" if value else "false"
        if not isinstance(value, str | int) or len(str(value)) > MAX_ATTRIBUTE:
            raise TokenRefused("attributes", f"the claim {path!r} is no text or number of at most {MAX_ATTRIBUTE} characters")
        found[name] = str(value)
    return tuple(sorted(found.items()))


def check_required(claims: Claims, required: Mapping[str, bool | str | tuple[str, ...]]) -> None:
    """Raises TokenRefused where a required claim is absent or is something else."""
    for path, wanted in required.items():
        value = claim_at(claims, path)
        if value is None:
            raise TokenRefused("required-claim", f"the claim {path!r} is missing")
        if not _fits(value, wanted):
            raise TokenRefused("required-claim", f"the claim {path!r} is not what is required")


def _fits(value: Any, wanted: bool | str | tuple[str, ...]) -> bool:
    if isinstance(wanted, bool) or isinstance(value, bool):
        return value is wanted
    choices = (wanted,) if isinstance(wanted, str) else wanted
    present = {str(each) for each in value} if isinstance(value, list | tuple) else {str(value)}
    return ("*" in choices and bool(present)) or not present.isdisjoint(choices)


def _names(value: Any, path: str) -> Iterable[str]:
    """A string is one name, a list each of its entries, an object its keys."""
    if value is None:
        return
    if isinstance(value, str):
        if not value or len(value) > MAX_GROUP:
            raise TokenRefused("groups", f"the claim {path!r} has a group that is no name of 1 to {MAX_GROUP} characters")
        yield value
    elif isinstance(value, Mapping):
        for key in value:
            yield from _names(key, path)
    elif isinstance(value, list):
        for each in value:
            if isinstance(each, Mapping):
                raise TokenRefused("groups", f"the claim {path!r} is a list of objects: name the claim that has their names")
            yield from _names(each, path)
    else:
        raise TokenRefused("groups", f"the claim {path!r} is neither text nor list nor object")


def _referred(claims: Claims) -> frozenset[str]:
    names = claims.get("_claim_names")
    return frozenset(names) if isinstance(names, Mapping) else frozenset()
