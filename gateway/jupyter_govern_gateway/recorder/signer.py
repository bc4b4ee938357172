"""The key with which this gateway signs the heads of its recordings. The key never leaves this object."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from jupyter_govern import private_files
from jupyter_govern.errors import ConfigError
from jupyter_govern.signatures import key_id, message

PUBLIC = "signing.pub"
PRIVATE = "signing.key"


class Signer:
    """pem: an Ed25519 private key (PKCS #8). Raises ConfigError, which never quotes it."""

    def __init__(self, pem: bytes, key: str = "gateway.recording.signing_key") -> None:
        try:
            private = load_pem_private_key(pem, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise ConfigError(f"the signing key cannot be read ({type(error).__name__})", key=key) from None
        if not isinstance(private, Ed25519PrivateKey):
            raise ConfigError("the signing key must be an Ed25519 key: `openssl genpkey -algorithm ed25519`", key=key)
        self._private = private
        self.id = key_id(private.public_key())
        self.public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def fields(self, name: str, seq: int, head: str) -> dict[str, str]:
        """A `signature` entry's own fields."""
        return {"key": self.id, "signature": self._private.sign(message(name, seq, head)).hex()}

    def publish(self, state_dir: Path) -> None:
        """Add the public key to state_dir/signing.pub, behind those that were used before."""
        path = state_dir / PUBLIC
        known = b""
        with suppress(FileNotFoundError):
            known = path.read_bytes()
        if self.public not in known:
            path.write_bytes(known + self.public)


def own_signer(state_dir: Path) -> Signer:
    """The signer with the key in state_dir, which is made once, readable by its owner only."""
    path = state_dir / PRIVATE
    if not path.exists():
        pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        private_files.replace(path, pem, durably=True)
    return Signer(path.read_bytes(), key=str(path))
