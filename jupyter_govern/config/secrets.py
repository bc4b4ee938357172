"""Secrets by reference: `{ env = "NAME" }` or `{ file = "path" }`. A secret itself is never in the TOML, nor in an error."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import BaseModel, ConfigDict, model_validator

from jupyter_govern.errors import ConfigError


class SecretReference(BaseModel):
    """Where a secret is: exactly one of env and file."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    env: str = ""
    """Name of an environment variable."""
    file: str = ""
    """A file whose content, without the last line break, is the secret; relative to this file."""

    @model_validator(mode="after")
    def _one(self) -> SecretReference:
        if bool(self.env) == bool(self.file):
            raise ValueError('give exactly one of env = "NAME" and file = "path"')
        return self

    def read(self, directory: Path, key: str) -> str:
        """The secret. Raises ConfigError, which names where it should be and never what it is."""
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
