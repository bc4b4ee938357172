"""TOML → Config, with errors that name the file, the dotted key, and what was probably meant."""

from __future__ import annotations

import difflib
import tomllib
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from jupyter_govern.config.model import Config, Target
from jupyter_govern.config.ssh import SshTarget
from jupyter_govern.errors import ConfigError

SECRET_WORDS = ("password", "hash_key", "signing_key", "tls_key", "client_secret", "token", "private_key")
KINDS: dict[str, type[BaseModel]] = {"postgresql": Target, "ssh": SshTarget}


def load(path: Path) -> Config:
    """Read a configuration. Raises ConfigError with the first problem."""
    config, problems = examine(path)
    if config is None:
        raise problems[0]
    return config


def examine(path: Path) -> tuple[Config | None, list[ConfigError]]:
    """The configuration, or every problem it has."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        return None, [ConfigError(f"cannot be read: {getattr(error, 'strerror', None) or error}", path=str(path))]
    return parse(text, str(path))


def parse(text: str, path: str) -> tuple[Config | None, list[ConfigError]]:
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return None, [ConfigError(f"is not TOML: {error}", path=path)]
    try:
        return Config.model_validate(raw), []
    except ValidationError as error:
        return None, [_problem(item, path) for item in error.errors(include_url=False, include_input=True)]


def _problem(item: Any, path: str) -> ConfigError:
    location = item["loc"]
    key = _dotted(tuple(part for at, part in enumerate(location) if not _is_kind(location, at)))
    if item["type"] == "union_tag_not_found":
        return ConfigError("field required", path=path, key=f"{key}.kind")
    if item["type"] == "union_tag_invalid":
        return ConfigError(f"there are the kinds {', '.join(sorted(KINDS))}", path=path, key=f"{key}.kind")
    if item["type"] == "extra_forbidden":
        return ConfigError(f"is not a setting{_meant(location)}", path=path, key=key)
    if location and location[-1] in SECRET_WORDS:
        # the input may be the secret itself: never quote it
        what = 'wants a reference: { env = "NAME" }, { file = "path" } or { store = "SCHEME:WHERE" }, never the secret itself'
        return ConfigError(what, path=path, key=key)
    message = item["msg"].removeprefix("Value error, ")
    return ConfigError(message[:1].lower() + message[1:], path=path, key=key)


def _is_kind(location: tuple[int | str, ...], at: int) -> bool:
    """Whether this part is no key, but says which kind of target a [[target]] was read as."""
    return at == 2 and location[0] == "target" and location[at] in KINDS


def _dotted(location: tuple[int | str, ...]) -> str:
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def _meant(location: tuple[int | str, ...]) -> str:
    """The known setting that is nearest to an unknown one."""
    model: type[BaseModel] | None = Config
    for at, part in enumerate(location[:-1]):
        if isinstance(part, str) and model is not None:
            model = KINDS[part] if _is_kind(location, at) else _inner(model, part)
    known = list(model.model_fields) if model is not None else []
    near = difflib.get_close_matches(str(location[-1]), known, n=1)
    if near:
        return f"; did you mean {near[0]!r}?"
    return f"; known here: {', '.join(known)}" if known else ""


def _inner(model: type[BaseModel], field: str) -> type[BaseModel] | None:
    found = model.model_fields.get(field)
    if found is None:
        return None
    candidates: list[Any] = [found.annotation]
    while candidates:
        kind = candidates.pop()
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return kind
        candidates.extend(get_args(kind))
    return None
