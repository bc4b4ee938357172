"""Local accounts: argon2id hashes in a JSON file. For laptops and the demo; organisations bring an identity provider.

{"users": {"ana": {"hash": "$argon2id$...", "groups": ["analysts"], "attributes": {"region": "emea"}}}}, mode 0600; the attributes
may be left out. Read anew whenever the file changes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from jupyter_govern import private_files
from jupyter_govern.config.model import IdentityConfig
from jupyter_govern.errors import ConfigError

_HASHER: Final = PasswordHasher()
_NOBODY: Final = _HASHER.hash("nobody has this password")
"""Verified where the name is unknown, so that it takes as long as a wrong password."""


def write_accounts(path: Path, people: Mapping[str, tuple[str, list[str]]]) -> None:
    """Write an accounts file: {name: (password, groups)}."""
    users = {name: {"hash": _HASHER.hash(password), "groups": sorted(groups)} for name, (password, groups) in people.items()}
    private_files.replace(path, json.dumps({"users": users}, indent=1))


def accounts_file(config: IdentityConfig, directory: Path) -> Path | None:
    """Where the local accounts are; None where there are none."""
    return directory / config.accounts if config.accounts is not None else None


class LocalAccounts:
    """Raises ConfigError where the file is missing or not what it should be. Without a path there are no accounts."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._read_at = -1
        self._users: dict[str, dict[str, Any]] = {}
        self._refresh()

    def check(self, name: str, password: str) -> frozenset[str] | None:
        """The groups of this person, or None. Takes some 50 ms of CPU: call it in a thread."""
        self._refresh()
        user = self._users.get(name)
        try:
            _HASHER.verify(user["hash"] if user else _NOBODY, password)
        except (VerificationError, InvalidHashError):
            return None
        return frozenset(user["groups"]) if user else None

    def groups(self, name: str) -> frozenset[str] | None:
        """The groups of this person as the file has them now; None if there is no such person any more."""
        self._refresh()
        user = self._users.get(name)
        return frozenset(user["groups"]) if user else None

    def attributes(self, name: str) -> tuple[tuple[str, str], ...]:
        """What the file says of this person beside the groups: row filters read it."""
        user = self._users.get(name)
        return tuple(sorted(user.get("attributes", {}).items())) if user else ()

    def _refresh(self) -> None:
        if self._path is None:
            return
        try:
            changed_at = self._path.stat().st_mtime_ns
            if changed_at == self._read_at:
                return
            users = json.loads(self._path.read_text())["users"]
            for name, user in users.items():
                if not isinstance(user["hash"], str) or not all(isinstance(group, str) for group in user["groups"]):
                    raise TypeError(f"user {name!r} needs a hash and a list of groups")
                if not all(isinstance(value, str) for value in user.get("attributes", {}).values()):
                    raise TypeError(f"attributes of user {name!r} must be texts")
        except OSError as error:
            raise ConfigError(f"cannot be read: {error.strerror}", path=str(self._path), key="identity.local.accounts") from error
        except (ValueError, KeyError, TypeError) as error:
            raise ConfigError(f"is not an accounts file: {error}", path=str(self._path), key="identity.local.accounts") from error
        self._users, self._read_at = users, changed_at
