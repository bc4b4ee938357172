"""Ed25519 signatures over the head of a recording: what they say, and their verification with public keys alone.

A `signature` entry says of the entry before it: "this gateway had written so far". What is signed is the name of the recording,
the number of that entry and its hash, so that no signature fits anywhere else. Needs `cryptography`; recording.py does not.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from jupyter_govern.errors import ConfigError

Keys = Mapping[str, Ed25519PublicKey]
_PEM = re.compile(rb"-----BEGIN [A-Z ]+-----.*?-----END [A-Z ]+-----", re.DOTALL)


def message(name: str, seq: int, head: str) -> bytes:
    """What is signed: entry number `seq` of the recording `name` has the hash `head`."""
    return b"jupyter-govern head 1\0" + f"{name}\0{seq}\0{head}".encode()


def key_id(key: Ed25519PublicKey) -> str:
    """The short name of a key in entries: the beginning of the SHA-256 of its 32 bytes."""
    return hashlib.sha256(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()[:16]


def read_keys(paths: Iterable[Path]) -> dict[str, Ed25519PublicKey]:
    """Public keys by their ids, from PEM files with one or more of them (old ones stay accepted). Raises ConfigError."""
    found = {}
    for path in paths:
        try:
            blocks = _PEM.findall(path.read_bytes())
            keys = [load_pem_public_key(block) for block in blocks]
        except (OSError, ValueError, UnsupportedAlgorithm) as error:
            raise ConfigError(f"no public key can be read from it ({type(error).__name__})", path=str(path)) from error
        if not keys or not all(isinstance(key, Ed25519PublicKey) for key in keys):
            raise ConfigError("wants Ed25519 public keys in PEM form", path=str(path))
        found.update({key_id(key): key for key in keys if isinstance(key, Ed25519PublicKey)})
    return found


def problem_of(entry: Mapping[str, Any], name: str, keys: Keys) -> str:
    """Why this `signature` entry does not count, or ""."""
    key = keys.get(str(entry.get("key")))
    if key is None:
        return f"is signed with the key {entry.get('key')!r}, which is not among the accepted ones"
    try:
        key.verify(bytes.fromhex(str(entry.get("signature"))), message(name, int(entry["seq"]) - 1, str(entry["prev"])))
    except (InvalidSignature, ValueError):
        return "has a signature that does not fit"
    return ""
