"""A token, keys and rules → what it says, or why it is refused. Pure: no network, no clock.

PyJWT checks the signature, under an algorithm of a fixed list, with a key of the issuer's own key set. What a token's header says
of keys (`jwk`, `jku`, `x5u`, `x5c`) is never looked at.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import jwt

from jupyter_govern.config.identity import Issuer, OidcConfig
from jupyter_govern_gateway.identity.oidc.claims import attributes_of, check_required, groups_of, subject_of
from jupyter_govern_gateway.identity.oidc.errors import TokenRefused

MAX_TOKEN: Final = 64 * 1024
Jwk = Mapping[str, Any]
_HASH: Final = {"256": hashlib.sha256, "384": hashlib.sha384, "512": hashlib.sha512}


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A person, as a verified ID token says. Times are seconds since the epoch; 0 where the token says nothing.

    subject: as policy and recordings name the person. issuer_subject: the provider's own `sub`. sid: the provider's session.
    """

    provider: str
    issuer: str
    subject: str
    issuer_subject: str
    groups: frozenset[str]
    attributes: tuple[tuple[str, str], ...]
    issued_at: float
    expires_at: float
    auth_time: float
    sid: str


def key_id(token: str) -> str:
    """The `kid` that a token claims, "" for none; it only chooses among the issuer's own keys. Raises TokenRefused."""
    kid = _header(token).get("kid", "")
    if not isinstance(kid, str):
        raise TokenRefused("malformed", "its header has a kid that is no text")
    return kid


def verified_claims(token: str, keys: Sequence[Jwk], rules: Issuer, audiences: Sequence[str], now: float) -> dict[str, Any]:
    """Signature, issuer, audience, times: what every token of an issuer must have right. Raises TokenRefused."""
    header = _header(token)
    algorithm = header.get("alg")
    if algorithm not in rules.algorithms:
        raise TokenRefused("algorithm", "it is signed by an algorithm that is not allowed here")
    claims = _signed(token, _key(keys, header, str(algorithm)), str(algorithm))
    if claims.get("iss") != rules.issuer:
        raise TokenRefused("issuer", "it is of another issuer")
    _check_audience(claims, audiences)
    _check_times(claims, rules.clock_skew_seconds, now)
    return claims


def verify(
    token: str,
    keys: Sequence[Jwk],
    config: OidcConfig,
    now: float,
    *,
    nonce: str | None = None,
    access_token: str | None = None,
    more: Mapping[str, Any] | None = None,
    other_prefixes: Sequence[str] = (),
) -> Identity:
    """Who an ID token says somebody is. Raises TokenRefused.

    nonce: what this login sent; None only where the token was not asked for here (a refresh, a hub's login).
    more: claims of the userinfo endpoint; its `sub` must be the same, and the token's own claims win.
    other_prefixes: the prefixes of all providers, which this one's names must not begin with.
    """
    audiences = config.accepted_audiences
    claims = verified_claims(token, keys, config, audiences, now)
    if not isinstance(claims.get("sub"), str) or not claims["sub"]:
        raise TokenRefused("missing-claim", "it has no sub")
    _check_party(claims, audiences)
    check_required(claims, config.required_claims)
    if nonce is not None and not hmac.compare_digest(_text(claims, "nonce").encode(), nonce.encode()):
        raise TokenRefused("nonce", "it was made for another login")
    if access_token is not None and "at_hash" in claims:
        _check_hash(claims, access_token, str(_header(token)["alg"]))
    if more is not None:
        if more.get("sub") != claims["sub"]:
            raise TokenRefused("subject", "the userinfo endpoint speaks of somebody else")
        claims = {**more, **claims}
    return Identity(
        provider=config.name,
        issuer=config.issuer,
        subject=subject_of(claims, config, other_prefixes),
        issuer_subject=claims["sub"],
        groups=groups_of(claims, config),
        attributes=attributes_of(claims, config),
        issued_at=_time(claims, "iat"),
        expires_at=_time(claims, "exp"),
        auth_time=_time(claims, "auth_time"),
        sid=_text(claims, "sid"),
    )


def _header(token: str) -> dict[str, Any]:
    if not isinstance(token, str) or len(token) > MAX_TOKEN:
        raise TokenRefused("malformed", "it is no signed token of a reasonable size")
    try:
        return jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError, RecursionError):
        raise TokenRefused("malformed", "it is no signed token") from None


def _key(keys: Sequence[Jwk], header: Mapping[str, Any], algorithm: str) -> jwt.PyJWK:
    """The issuer's one key that may have signed this; only a key for signatures, and only under its own algorithm."""
    kid = header.get("kid")
    fit = [key for key in keys if (kid is None or key.get("kid") == kid) and key.get("use", "sig") == "sig"]
    fit = [key for key in fit if key.get("alg", algorithm) == algorithm and key.get("kty") == _key_type(algorithm)]
    if len(fit) != 1:
        raise TokenRefused("unknown-key", "it is signed with a key that the issuer does not publish" if not fit else "it names no key")
    try:
        return jwt.PyJWK(dict(fit[0]), algorithm=algorithm)
    except (jwt.PyJWTError, ValueError, TypeError, KeyError):
        raise TokenRefused("unknown-key", "the issuer's key cannot be used") from None


def _key_type(algorithm: str) -> str:
    return "EC" if algorithm.startswith("ES") else "OKP" if algorithm == "EdDSA" else "RSA"


def _signed(token: str, key: jwt.PyJWK, algorithm: str) -> dict[str, Any]:
    """The claims under a good signature. The rest is checked here by hand, against a clock that is given."""
    options: Any = {"verify_signature": True, "enforce_minimum_key_length": True, "require": ["iss", "aud", "exp", "iat"]}
    options |= dict.fromkeys(("verify_exp", "verify_nbf", "verify_iat", "verify_aud", "verify_iss", "verify_sub", "verify_jti"), False)
    try:
        return jwt.decode(token, key, algorithms=[algorithm], options=options)
    except jwt.MissingRequiredClaimError as missing:
        raise TokenRefused("missing-claim", f"it has no {missing.claim}") from None
    except jwt.InvalidAlgorithmError:
        raise TokenRefused("algorithm", "it is signed by an algorithm that is not its key's") from None
    except jwt.InvalidSignatureError:
        raise TokenRefused("signature", "its signature is wrong") from None
    except jwt.InvalidKeyError:
        raise TokenRefused("unknown-key", "the issuer's key is too weak") from None
    except (jwt.PyJWTError, ValueError, RecursionError):
        raise TokenRefused("malformed", "it is no signed token") from None


def _check_audience(claims: Mapping[str, Any], audiences: Sequence[str]) -> None:
    for_whom = _audience(claims)
    if not set(for_whom) & set(audiences):
        raise TokenRefused("audience", "it is for somebody else")


def _check_party(claims: Mapping[str, Any], audiences: Sequence[str]) -> None:
    """OpenID Connect Core 3.1.3.7: with several audiences an azp is needed; an azp that is there has to be one of ours."""
    party = claims.get("azp")
    if party is None and len(_audience(claims)) > 1:
        raise TokenRefused("authorized-party", "it is for several audiences and does not say who asked for it")
    if party is not None and party not in audiences:
        raise TokenRefused("authorized-party", "somebody else asked for it")


def _audience(claims: Mapping[str, Any]) -> list[str]:
    value = claims["aud"]
    found = [value] if isinstance(value, str) else value
    if not isinstance(found, list) or not found or not all(isinstance(each, str) for each in found):
        raise TokenRefused("audience", "its audience is neither text nor a list of texts")
    return found


def _check_times(claims: Mapping[str, Any], skew: float, now: float) -> None:
    if _time(claims, "exp") <= now - skew:
        raise TokenRefused("expired", "it has expired")
    if "nbf" in claims and _time(claims, "nbf") > now + skew:
        raise TokenRefused("not-yet-valid", "it is not valid yet")
    if _time(claims, "iat") > now + skew:
        raise TokenRefused("issued-in-future", "it was issued in the future: compare the clocks")


def _check_hash(claims: Mapping[str, Any], access_token: str, algorithm: str) -> None:
    """OpenID Connect Core 3.1.3.6: the left half of the access token's hash under the signature's own hash."""
    digest = _HASH.get(algorithm[-3:], hashlib.sha512)(access_token.encode()).digest()
    expected = base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=")
    if not hmac.compare_digest(_text(claims, "at_hash").encode(), expected):
        raise TokenRefused("access-token-hash", "it came with another access token")


def _time(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name, 0)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1 << 40:
        raise TokenRefused("malformed", f"its {name} is no time")
    return float(value)


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name, "")
    if not isinstance(value, str):
        raise TokenRefused("malformed", f"its {name} is no text")
    return value
