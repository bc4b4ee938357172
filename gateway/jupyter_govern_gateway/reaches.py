"""How the gateway reaches its targets: addresses for sessions, connection strings for the catalog reader, with the secrets of both.

Read at start and again on rotation. `addresses` and `conninfos` are the same objects for good and change as a whole: a session that opens
sees the old secrets or the new ones. No secret is in a message or a representation.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from psycopg.conninfo import make_conninfo

from jupyter_govern.config.model import Config, Target
from jupyter_govern.config.secrets import SecretReference
from jupyter_govern_gateway.net.targets import TargetAddress, target_address
from jupyter_govern_gateway.secret_file import SecretFile

SOONEST: Final = 5.0
"""Seconds: no secret is read more often by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetReach:
    """One target with what opens it. seconds: how long that holds, 0 if nobody says."""

    address: TargetAddress
    conninfo: str = field(repr=False)
    key: SecretFile | None
    seconds: float
    digest: bytes = field(repr=False)
    """Of all secrets and the certificate: whether they changed."""


class TargetReaches:
    """Nothing is known before read()."""

    def __init__(self, targets: Sequence[Target], directory: Path) -> None:
        self._targets, self._directory = tuple(targets), directory
        self.addresses: dict[str, TargetAddress] = {}
        self.conninfos: dict[str, str] = {}
        self._keys: list[SecretFile] = []
        self._retired: list[SecretFile] = []
        self._digests: dict[str, bytes] = {}
        self.seconds = 0.0
        """In how many seconds the first secret ends; 0 for never."""

    def read(self) -> None:
        """Read all secrets and take them over. Raises ConfigError."""
        self.adopt(self.fetch())

    def fetch(self) -> list[TargetReach]:
        """All of them anew, without taking them over: slow, call it in a thread. Raises ConfigError, and then there is nothing to close."""
        found: list[TargetReach] = []
        try:
            for target in self._targets:
                found.append(reach_of(target, self._directory))
        except BaseException:
            _close(each.key for each in found)
            raise
        return found

    def adopt(self, found: Iterable[TargetReach]) -> list[str]:
        """Take them over; the names of the targets whose secrets or certificates are others now."""
        found = tuple(found)
        changed = [each.address.name for each in found if self._digests.get(each.address.name) != each.digest]
        self._digests = {each.address.name: each.digest for each in found}
        self.addresses.update({each.address.name: each.address for each in found})
        self.conninfos.update({each.address.name: each.conninfo for each in found})
        _close(self._retired)  # those before stay for now: a connection may just be reading one
        self._retired, self._keys = self._keys, [each.key for each in found if each.key is not None]
        ends = [each.seconds for each in found if each.seconds > 0]
        self.seconds = max(SOONEST, min(ends)) if ends else 0.0
        return changed

    def close(self) -> None:
        """Forget the keys."""
        _close([*self._retired, *self._keys])


def reach_of(target: Target, directory: Path) -> TargetReach:
    """Read a target's secrets. Raises ConfigError."""
    password, password_seconds = _secret(target.password, directory, f"target.{target.name}.password")
    key, key_seconds = _secret(target.tls_key, directory, f"target.{target.name}.tls_key")
    file = SecretFile(key) if key else None
    try:
        address = target_address(target, directory, password=password, key=file.path if file is not None else "")
    except BaseException:
        _close([file])
        raise
    ends = [seconds for seconds in (password_seconds, key_seconds) if seconds > 0]
    shown = (directory / target.tls_certificate).read_bytes() if key else b""
    digest = hashlib.sha256(b"\0".join([password.encode(), key.encode(), shown])).digest()
    conninfo = _conninfo(target, directory, password, file)
    return TargetReach(address=address, conninfo=conninfo, key=file, seconds=min(ends, default=0.0), digest=digest)


def unverified(config: Config) -> list[Target]:
    """Targets of which somebody had to say why it is acceptable."""
    return [target for target in config.postgresql_targets if target.tls_insecure_because]


def said_unverified(target: Target) -> str:
    """The same for a person."""
    what = "is reached in clear" if target.tls == "disable" else "is not verified"
    return f'target {target.name} {what} (tls = "{target.tls}"): {target.tls_insecure_because}'


def _secret(reference: SecretReference | None, directory: Path, key: str) -> tuple[str, float]:
    if reference is None:
        return "", 0.0
    secret = reference.resolve(directory, key)
    return secret.text, secret.seconds


def _conninfo(target: Target, directory: Path, password: str, key: SecretFile | None) -> str:
    verifies = target.tls == "verify-full"
    return make_conninfo(
        host=target.host,
        port=target.port,
        user=target.user,
        dbname=target.database,
        password=password or None,
        sslmode=target.tls,
        sslrootcert=(str(directory / target.ca) if target.ca else "system") if verifies else None,
        sslcert=str(directory / target.tls_certificate) if key is not None else None,
        sslkey=key.path if key is not None else None,
        ssl_min_protocol_version="TLSv1.2" if target.tls != "disable" else None,
    )


def _close(files: Iterable[SecretFile | None]) -> None:
    for file in files:
        if file is not None:
            file.close()
