"""Secrets by reference: `{ env = "NAME" }`, `{ file = "path" }` or `{ store = "vault:…" }`. A secret itself is never in the TOML,
nor in an error."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import BaseModel, ConfigDict, model_validator

from jupyter_govern.config import stores
from jupyter_govern.config.stores import Secret
from jupyter_govern.errors import ConfigError


class SecretReference(BaseModel):
    """Where a secret is: exactly one of env, file and store."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    env: str = ""
    """Name of an environment variable."""
    file: str = ""
    """A file whose content, without the last line break, is the secret; relative to this file."""
    store: str = ""
    """`SCHEME:WHERE` in a secret store: `vault:secret/data/shop#password`, `aws:shop#password`, or of a plug-in."""

    @model_validator(mode="after")
    def _one(self) -> SecretReference:
        if sum(map(bool, (self.env, self.file, self.store))) != 1:
            raise ValueError('give exactly one of env = "NAME", file = "path" and store = "SCHEME:WHERE"')
        if self.store and not stores.LOCATOR.fullmatch(self.store):
            raise ValueError('store wants SCHEME:WHERE, for example "vault:secret/data/shop#password"')
        return self

    def read(self, directory: Path, key: str) -> str:
        """The secret's text. Raises ConfigError, which names where it should be and never what it is."""
        return self.resolve(directory, key).text

    def resolve(self, directory: Path, key: str) -> Secret:
        """The secret, and how long it holds. Raises ConfigError; a store may take seconds."""
        if not self.store:
            return Secret(text=self._local(directory, key))
        try:
            return stores.read(self.store)
        except stores.StoreProblem as problem:
            raise ConfigError(f"the secret {self.store} cannot be read: {problem}", key=key) from None

    def _local(self, directory: Path, key: str) -> str:
        if self.env:
            value = os.environ.get(self.env, "")
            if not value:
                raise ConfigError(f"the environment variable {self.env} is not set", key=key)
            return value
        path = directory / self.file
        try:
            value = path.read_text().rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"the secret file {path} cannot be read ({type(error).__name__})", key=key) from error
        if not value:
            raise ConfigError(f"the secret file {path} is empty", key=key)
        return value
