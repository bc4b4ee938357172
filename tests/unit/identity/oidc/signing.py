"""An issuer's keys for unit tests: real ones, made anew for each run."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from jupyter_govern.config.identity import OidcConfig

NOW = 1_800_000_000.0
ISSUER = "https://idp.example.com"


@cache
def private_key(name: str) -> Any:
    """rsa…, ec…, ed…: one key for each name."""
    if name.startswith("rsa"):
        return rsa.generate_private_key(public_exponent=65537, key_size=1024 if "weak" in name else 2048)
    return ec.generate_private_key(ec.SECP256R1()) if name.startswith("ec") else ed25519.Ed25519PrivateKey.generate()


def jwk(name: str, **more: Any) -> dict[str, Any]:
    """The public half, as an issuer publishes it."""
    names = {"rsa": jwt.algorithms.RSAAlgorithm, "ec": jwt.algorithms.ECAlgorithm, "ed": jwt.algorithms.OKPAlgorithm}
    algorithm = next(found for prefix, found in names.items() if name.startswith(prefix))
    return {**json.loads(algorithm.to_jwk(private_key(name).public_key())), "kid": name, "use": "sig", **more}


def claims(**more: Any) -> dict[str, Any]:
    """What a good ID token says; None leaves a claim out."""
    found = {"iss": ISSUER, "sub": "ana", "aud": "gateway", "iat": NOW - 5, "exp": NOW + 300, "nonce": "n", "groups": ["analysts"]}
    return {key: value for key, value in {**found, **more}.items() if value is not None}


def token(key: str = "rsa", algorithm: str = "RS256", headers: dict[str, Any] | None = None, **more: Any) -> str:
    """A signed one, whatever its claims are."""
    body = json.dumps(claims(**more)).encode()
    return jwt.PyJWS().encode(body, private_key(key), algorithm=algorithm, headers={"kid": key, **(headers or {})})


def config(**more: Any) -> OidcConfig:
    return OidcConfig.model_validate({"name": "idp", "issuer": ISSUER, "client_id": "gateway", **more})
