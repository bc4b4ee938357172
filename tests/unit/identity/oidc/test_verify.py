"""What an ID token must be to be believed; each attack is refused for its own reason."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from hypothesis import given
from hypothesis import strategies as st

from jupyter_govern_gateway.identity.oidc.errors import TokenRefused
from jupyter_govern_gateway.identity.oidc.verify import verify
from tests.unit.identity.oidc.signing import NOW, claims, config, jwk, private_key, token


def refusal(text: str, *, keys: Any = None, settings: dict[str, Any] | None = None, **options: Any) -> str:
    """Why this token is refused."""
    with pytest.raises(TokenRefused) as caught:
        verify(text, keys if keys is not None else [jwk("rsa")], config(**(settings or {})), NOW, **{"nonce": "n", **options})
    assert text not in str(caught.value)
    return caught.value.why


def b64(value: Any) -> str:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def test_a_good_token_says_who_somebody_is() -> None:
    found = verify(token(auth_time=NOW - 60, sid="s1"), [jwk("rsa")], config(), NOW, nonce="n")
    assert (found.provider, found.subject, found.issuer_subject, found.groups) == ("idp", "ana", "ana", frozenset({"analysts"}))
    assert (found.expires_at, found.auth_time, found.sid) == (NOW + 300, NOW - 60, "s1")


@pytest.mark.parametrize(("key", "algorithm"), [("rsa", "RS256"), ("rsa", "PS256"), ("ec", "ES256"), ("ed", "EdDSA")])
def test_the_algorithms_of_the_list_are_taken(key: str, algorithm: str) -> None:
    assert verify(token(key, algorithm), [jwk("rsa"), jwk("ec"), jwk("ed")], config(), NOW, nonce="n").subject == "ana"


def test_alg_none_is_refused() -> None:
    for name in ("none", "None", "NONE", ""):
        assert refusal(f"{b64({'alg': name, 'kid': 'rsa'})}.{b64(claims())}.") == "algorithm"


def test_a_public_key_is_no_secret_for_hs256() -> None:
    pem = private_key("rsa").public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    head, body = b64({"alg": "HS256", "kid": "rsa"}), b64(claims())
    for secret in (pem, json.dumps(jwk("rsa")).encode()):
        signature = b64(jwt.algorithms.HMACAlgorithm(hashlib.sha256).sign(f"{head}.{body}".encode(), secret))
        assert refusal(f"{head}.{body}.{signature}") == "algorithm"


def test_keys_in_the_header_are_never_looked_at() -> None:
    own = jwk("rsa-attacker", kid="rsa")
    for header in ({"jwk": own}, {"jku": "https://evil.example/keys"}, {"x5u": "https://evil.example/c"}, {"x5c": ["AA"]}):
        assert refusal(token("rsa-attacker", headers={"kid": "rsa", **header})) == "signature"
        assert refusal(token("rsa-attacker", headers=header)) == "unknown-key"


def test_a_key_serves_only_its_own_algorithm_and_use() -> None:
    assert refusal(token("rsa", "PS256"), keys=[jwk("rsa", alg="RS256")]) == "unknown-key"
    assert refusal(token("rsa"), keys=[jwk("rsa", use="enc")]) == "unknown-key"
    assert refusal(token("ec", "ES256", headers={"kid": "rsa"})) == "unknown-key"
    assert refusal(token("rsa", "RS512")) == "algorithm"


def test_a_weak_key_is_refused() -> None:
    with pytest.warns(jwt.InsecureKeyLengthWarning):
        text = token("rsa-weak")
    assert refusal(text, keys=[jwk("rsa-weak")]) == "unknown-key"


def test_without_a_kid_the_issuer_may_have_one_key_only() -> None:
    text = jwt.encode(claims(), private_key("rsa"), algorithm="RS256")
    assert verify(text, [jwk("rsa"), jwk("ec")], config(), NOW, nonce="n").subject == "ana"
    assert refusal(text, keys=[jwk("rsa"), jwk("rsa-2")]) == "unknown-key"


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"iss": "https://idp.example.com/"}, "issuer"),
        ({"iss": ["https://idp.example.com"]}, "issuer"),
        ({"aud": "another"}, "audience"),
        ({"aud": []}, "audience"),
        ({"aud": {"gateway": 1}}, "audience"),
        ({"aud": ["gateway", "another"]}, "authorized-party"),
        ({"aud": ["gateway", "another"], "azp": "another"}, "authorized-party"),
        ({"azp": "another"}, "authorized-party"),
        ({"exp": NOW - 31}, "expired"),
        ({"exp": "never"}, "malformed"),
        ({"exp": True}, "malformed"),
        ({"exp": float("inf")}, "malformed"),
        ({"exp": None}, "missing-claim"),
        ({"iat": None}, "missing-claim"),
        ({"aud": None}, "missing-claim"),
        ({"iss": None}, "missing-claim"),
        ({"sub": None}, "missing-claim"),
        ({"sub": 7}, "missing-claim"),
        ({"nbf": NOW + 31}, "not-yet-valid"),
        ({"iat": NOW + 31}, "issued-in-future"),
        ({"nonce": "other"}, "nonce"),
        ({"nonce": None}, "nonce"),
        ({"nonce": ["n"]}, "malformed"),
        ({"sid": 3}, "malformed"),
    ],
)
def test_each_wrong_claim_is_refused_for_its_own_reason(more: dict[str, Any], why: str) -> None:
    assert refusal(token(**more)) == why


def test_the_clock_may_be_off_a_little() -> None:
    assert verify(token(exp=NOW - 29, iat=NOW + 29, nbf=NOW + 29), [jwk("rsa")], config(), NOW, nonce="n").subject == "ana"
    assert refusal(token(exp=NOW - 1), settings={"clock_skew_seconds": 0}) == "expired"


def test_several_audiences_need_an_azp_of_ours() -> None:
    text = token(aud=["gateway", "another"], azp="gateway")
    assert verify(text, [jwk("rsa")], config(), NOW, nonce="n").subject == "ana"


def test_at_hash_ties_the_access_token() -> None:
    digest = hashlib.sha256(b"access").digest()
    text = token(at_hash=b64(digest[:16]))
    assert verify(text, [jwk("rsa")], config(), NOW, nonce="n", access_token="access").subject == "ana"
    assert refusal(text, access_token="another") == "access-token-hash"


def test_userinfo_of_somebody_else_is_refused_and_the_token_wins() -> None:
    assert refusal(token(), more={"sub": "ben", "groups": ["admins"]}) == "subject"
    found = verify(token(), [jwk("rsa")], config(), NOW, nonce="n", more={"sub": "ana", "groups": ["admins"]})
    assert found.groups == {"analysts"}


def test_required_claims() -> None:
    wanted = {"required_claims": {"hd": "example.com", "email_verified": True, "roles.list": ("a", "b")}}
    good = {"hd": "example.com", "email_verified": True, "roles": {"list": ["b", "c"]}}
    assert verify(token(**good), [jwk("rsa")], config(**wanted), NOW, nonce="n").subject == "ana"
    wrongs: list[dict[str, Any]] = [{"hd": "evil.com"}, {"hd": None}, {"email_verified": "true"}, {"email_verified": 1}]
    for wrong in (*wrongs, {"roles": {"list": []}}, {"roles": "b"}):
        assert refusal(token(**{**good, **wrong}), settings=wanted) == "required-claim"


def test_a_changed_byte_is_a_wrong_signature() -> None:
    head, _, signature = token().split(".")
    assert refusal(f"{head}.{b64(claims(sub='root'))}.{signature}") == "signature"


@given(st.one_of(st.text(max_size=80), st.builds(lambda a, b, c: f"{b64(a)}.{b64(b)}.{b64(c)}", *[st.binary(max_size=40)] * 3)))
def test_garbage_is_malformed(text: str) -> None:
    with pytest.raises(TokenRefused):
        verify(text, [jwk("rsa")], config(), NOW)


def test_a_token_of_no_reasonable_size_is_not_read() -> None:
    assert refusal("a" * 70_000) == "malformed"
    assert refusal(f"{b64({'alg': 'RS256', 'kid': 'rsa'})}.{b64(b'[' * 40_000)}.AA") in {"malformed", "signature"}
