"""Recordings in an object store (S3 and what speaks like it, GCS, Azure, a folder) by obstore. Knows names and bytes, no recordings."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import IO, Any, Final

from jupyter_govern.config.recording import Recording, Store
from jupyter_govern.config.secrets import SecretReference
from jupyter_govern.errors import ConfigError
from jupyter_govern.stored import WrapKey, as_file, wrap_key
from jupyter_govern_gateway.recorder.storage import Wanted

CONNECT: Final = timedelta(seconds=5)
ANSWER: Final = timedelta(seconds=60)
RETRYING: Final = timedelta(seconds=15)
"""How long one request is tried again; the next turn tries everything again."""
PART_BYTES: Final = 5 * 1024 * 1024
"""What is sent at a time; the least that S3 takes."""


class ObjectStore:
    """Raises ConfigError where the settings cannot be used; nothing is asked of the store then. All methods raise OSError."""

    def __init__(self, settings: Store, directory: Path) -> None:
        try:
            import obstore
            from obstore.exceptions import BaseError
            from obstore.store import from_url
        except ModuleNotFoundError:
            raise ConfigError("needs `pip install jupyter-govern[storage]`", key="gateway.recording.store.url") from None
        self._obstore, self._error = obstore, BaseError
        self.place = settings.url
        try:
            self._store: Any = from_url(settings.url, **_options(settings, directory))
        except (BaseError, ValueError) as problem:
            raise ConfigError(f"cannot be used: {problem}", key="gateway.recording.store") from None

    def put(self, name: str, path: Path) -> None:
        """All of it or nothing."""
        try:
            with path.open("rb") as file:
                self._obstore.put(self._store, name, file, chunk_size=PART_BYTES)
            size = self._obstore.head(self._store, name)["size"]
        except self._error as problem:
            raise OSError(f"the object store did not take it: {problem}") from None
        if size != path.stat().st_size:
            raise OSError(f"the object store has {size} bytes of it")

    def get(self, name: str) -> IO[bytes]:
        """Read as it comes."""
        try:
            return as_file(bytes(part) for part in self._obstore.get(self._store, name))
        except FileNotFoundError:
            raise
        except self._error as problem:
            raise OSError(f"the object store does not give it: {problem}") from None

    def delete(self, name: str) -> None:
        """What is not there is deleted already."""
        try:
            self._obstore.delete(self._store, name)
        except FileNotFoundError:
            return
        except self._error as problem:
            raise OSError(f"the object store does not delete it: {problem}") from None


def _options(settings: Store, directory: Path) -> dict[str, Any]:
    key = "gateway.recording.store"
    client: dict[str, Any] = {"connect_timeout": CONNECT, "timeout": ANSWER}
    options: dict[str, Any] = {"client_options": client, "retry_config": {"max_retries": 2, "retry_timeout": RETRYING}}
    if settings.access_key_id is not None:
        options["access_key_id"] = settings.access_key_id.read(directory, f"{key}.access_key_id")
    if settings.secret_access_key is not None:
        options["secret_access_key"] = settings.secret_access_key.read(directory, f"{key}.secret_access_key")
    if settings.region:
        options["region"] = settings.region
    if settings.endpoint:
        options["endpoint"] = settings.endpoint
        if settings.endpoint.startswith("http:"):  # the configuration allows that for this machine only
            client["allow_http"] = True
    return options


def wanted_storage(settings: Recording, directory: Path) -> Wanted:
    """In which form recordings are to be, from the configuration. Raises ConfigError."""
    encryption = settings.encryption
    key = _wrap_key(encryption.key, directory, "key") if encryption.key is not None else None
    keys = [_wrap_key(each, directory, f"old_keys[{number}]") for number, each in enumerate(encryption.old_keys)]
    wanted = Wanted(
        compressed=settings.compress,
        key=key,
        keys={each.id: each for each in ([*keys, key] if key is not None else keys)},
        elsewhere=ObjectStore(settings.store, directory) if settings.store.url else None,
    )
    if wanted.compressed or wanted.keys or wanted.elsewhere is not None:
        try:
            import zstandard  # noqa: F401
        except ModuleNotFoundError:
            raise ConfigError("needs `pip install jupyter-govern[storage]`", key="gateway.recording.compress") from None
    return wanted


def _wrap_key(reference: SecretReference, directory: Path, name: str) -> WrapKey:
    key = f"gateway.recording.encryption.{name}"
    try:
        return wrap_key(reference.read(directory, key))
    except ValueError as problem:
        raise ConfigError(str(problem), key=key) from None
