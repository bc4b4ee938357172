"""The logins at providers that live: which gateway token each is (`login`), and the refresh token that keeps it.

On disk refresh and ID tokens are encrypted with a key of the gateway's own; they never leave the gateway otherwise.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from cryptography.fernet import Fernet, InvalidToken

from jupyter_govern.errors import ConfigError
from jupyter_govern_gateway.identity.people import read_json_list, write_private_json

SECRETS: Final = ("refresh_token", "id_token")


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """id: of the gateway's `login` token. sid: the provider's session. checked_at: when the provider confirmed it last."""

    id: str
    provider: str
    issuer: str
    subject: str
    issuer_subject: str
    sid: str
    checked_at: float
    refresh_token: str
    id_token: str


class Logins:
    """key: a Fernet key."""

    def __init__(self, path: Path, key: bytes) -> None:
        self._path, self._fernet = path, Fernet(key)
        self._by_id: dict[str, Login] = {}
        for row in read_json_list(path, "logins"):
            try:
                login = Login(**{**row, **{name: self._fernet.decrypt(row[name].encode()).decode() for name in SECRETS}})
            except (InvalidToken, KeyError, TypeError, AttributeError) as error:
                raise ConfigError("is damaged or of another key: remove it, and everybody logs in again", path=str(path)) from error
            self._by_id[login.id] = login

    def put(self, login: Login) -> None:
        """Add or replace. Raises RecordingFailed."""
        self._by_id[login.id] = login
        self._save()

    def drop(self, *ids: str) -> None:
        gone = [self._by_id.pop(each, None) for each in ids]
        if any(gone):
            self._save()

    def drop_unsaved(self, identifier: str) -> None:
        """Take back what `put` could not write."""
        self._by_id.pop(identifier, None)

    def find(self, identifier: str) -> Login | None:
        return self._by_id.get(identifier)

    def all(self) -> list[Login]:
        return list(self._by_id.values())

    def _save(self) -> None:
        rows = [
            asdict(each) | {name: self._fernet.encrypt(getattr(each, name).encode()).decode() for name in SECRETS}
            for each in self._by_id.values()
        ]
        write_private_json(self._path, {"version": 1, "logins": rows})
