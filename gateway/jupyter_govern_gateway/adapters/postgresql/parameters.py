"""What a client may set at start-up. Each parameter is a SET that comes before the session, so each is written as one here
and judged like one; nothing reaches the target that was not.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from jupyter_govern_gateway.adapters.postgresql.naming import DEFAULT_SEARCH_PATH, read_search_path
from jupyter_govern_gateway.adapters.postgresql.startup import Turned
from jupyter_govern_gateway.codecs.postgresql.encodings import codec_for

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*\Z")
_IDENTITY: Final = frozenset({"role", "session_authorization"})
_FALSE: Final = frozenset({"false", "off", "no", "0", "f", "n"})
MAX_PARAMETERS: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What the client asked for. `settings` go to the target once every statement of `statements` is allowed."""

    database: str
    settings: dict[str, str]
    statements: tuple[str, ...]
    codec: str
    search_path: tuple[str, ...]
    is_kernel: bool


def read_wishes(parameters: dict[str, str]) -> Wishes:
    """Raises Turned for what no session may have."""
    settings: dict[str, str] = {}
    is_kernel = False
    for name, value in _all_settings(parameters):
        key = name.lower()
        if key == "govern.client":
            is_kernel = value == "kernel"
        elif key.startswith("govern."):
            raise Turned("42501", f'parameter "{name}" belongs to the gateway')
        elif key in _IDENTITY:
            raise Turned("42501", f'parameter "{name}" would change who you are at the target')
        elif not _NAME.match(name):
            raise Turned("42704", f'unrecognized configuration parameter "{name[:100]}"')
        else:
            settings[key] = value
    if len(settings) > MAX_PARAMETERS:
        raise Turned("54000", f"more than {MAX_PARAMETERS} start-up parameters")
    # whatever the target's role or database has: statements are read so, and RESET comes back to it
    settings.setdefault("standard_conforming_strings", "on")
    codec = codec_for(settings.setdefault("client_encoding", "UTF8").strip("'"))
    if codec is None:
        raise Turned("0A000", f"client_encoding {settings['client_encoding']} is not supported by the gateway", hint="Use UTF8.")
    path = read_search_path(settings["search_path"]) if "search_path" in settings else DEFAULT_SEARCH_PATH
    if path is None:
        raise Turned("22023", "invalid value for parameter search_path")
    return Wishes(
        database=parameters.get("database", "") or parameters["user"],
        settings=settings,
        statements=tuple(_set_statement(name, value, path) for name, value in settings.items()),
        codec=codec,
        search_path=path,
        is_kernel=is_kernel,
    )


def _all_settings(parameters: dict[str, str]) -> list[tuple[str, str]]:
    """In the server's order: `options` first, so that a parameter of its own wins."""
    replication = parameters.get("replication", "false").lower()
    if replication not in _FALSE:
        raise Turned("0A000", "replication connections are not supported by the gateway")
    plain = [(n, v) for n, v in parameters.items() if n not in ("user", "database", "options", "replication")]
    return read_options(parameters.get("options", "")) + plain


def read_options(text: str) -> list[tuple[str, str]]:
    """The settings of a command line as `options` holds it: `-c name=value`, `-cname=value`, `--name=value`."""
    words = split_options(text)
    found: list[tuple[str, str]] = []
    while words:
        word = words.pop(0)
        if word == "-c" and words:
            word = words.pop(0)
        elif word.startswith(("-c", "--")) and len(word) > 2:
            word = word[2:]
        else:
            raise Turned("42601", f"the gateway does not pass on the option {word[:100]!r}", hint="Use -c name=value.")
        name, equals, value = word.partition("=")
        if not equals:
            raise Turned("42601", f"option {word[:100]!r} needs a value")
        # the server takes - for _ in names here
        found.append((name.replace("-", "_"), value))
    return found


def split_options(text: str) -> list[str]:
    """Words at white space; a backslash takes the next character as it is."""
    words: list[str] = []
    word: list[str] | None = None
    characters = iter(text)
    for c in characters:
        if c in " \t\n\r\v\f":
            if word is not None:
                words.append("".join(word))
            word = None
            continue
        word = word if word is not None else []
        word.append(next(characters, "") if c == "\\" else c)
    if word is not None:
        words.append("".join(word))
    return words


def _set_statement(name: str, value: str, path: tuple[str, ...]) -> str:
    quoted = ".".join('"' + part + '"' for part in name.split("."))
    if name == "search_path":
        values = ", ".join('"' + schema.replace('"', '""') + '"' for schema in path) or "''"
    else:
        values = "'" + value.replace("'", "''") + "'"
    return f"SET {quoted} TO {values}"
