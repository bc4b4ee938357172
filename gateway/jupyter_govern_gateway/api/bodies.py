"""Reading what a client sent: a JSON object with exactly the fields that are declared, or an error that names the field."""

from __future__ import annotations

import asyncio
import difflib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from jupyter_govern_gateway.api.bounds import BODY_SECONDS
from jupyter_govern_gateway.api.problems import ApiProblem, bad_request

MAX_FORM_FIELDS = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A string field: its length in characters, the closed set it is from, and whether it may be left out (then "")."""

    longest: int
    shortest: int = 0
    among: tuple[str, ...] = ()
    optional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A whole number; `default` where it is left out."""

    least: int
    most: int
    default: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """A list of strings; empty where it is left out."""

    most: int
    longest: int


Declared = Text | Number | Texts


async def read_json(request: web.Request, fields: Mapping[str, Declared]) -> dict[str, Any]:
    """The body as declared; raises ApiProblem."""
    if request.content_type != "application/json":
        raise ApiProblem(415, "unsupported-media-type", "the body must be JSON, sent as application/json.")
    raw = await read_body(request)
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        raise bad_request("the body is not JSON.") from None
    if not isinstance(body, dict):
        raise bad_request("the body must be a JSON object.")
    return check(body, fields)


def check(body: Mapping[str, object], fields: Mapping[str, Declared]) -> dict[str, Any]:
    """Exactly the declared fields, each as declared."""
    for key in body:
        if key not in fields:
            near = difflib.get_close_matches(key, fields, n=1)
            raise bad_request(f"unknown field '{key[:64]}'." + (f" Did you mean '{near[0]}'?" if near else ""))
    return {name: _value(name, body.get(name), declared) for name, declared in fields.items()}


def _value(name: str, value: object, declared: Declared) -> Any:
    match declared:
        case Text():
            return _field(name, value, declared)
        case Number(least=least, most=most, default=default):
            if value is None:
                return default
            if type(value) is not int or not least <= value <= most:
                raise bad_request(f"the field '{name}' must be a whole number from {least} to {most}.")
            return value
        case Texts(most=most, longest=longest):
            if value is None:
                return []
            if not isinstance(value, list) or len(value) > most:
                raise bad_request(f"the field '{name}' must be a list of at most {most} strings.")
            return [_field(name, each, Text(shortest=1, longest=longest)) for each in value]


def _field(name: str, value: object, declared: Text) -> str:
    if value is None:
        if declared.optional:
            return ""
        raise bad_request(f"the field '{name}' is missing.")
    if not isinstance(value, str):
        raise bad_request(f"the field '{name}' must be a string.")
    if declared.among and value not in declared.among:
        raise bad_request(f"the field '{name}' must be one of {', '.join(declared.among)}.")
    if not declared.shortest <= len(value) <= declared.longest:
        raise bad_request(f"the field '{name}' must have {declared.shortest} to {declared.longest} characters.")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise bad_request(f"the field '{name}' is not Unicode text.") from None
    return value


async def read_body(request: web.Request) -> bytes:
    """The whole body, within the size that the server set and the time it has to arrive."""
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await request.read()
    except TimeoutError:
        raise ApiProblem(408, "request-timeout", "the body did not arrive in time.") from None


async def read_form(request: web.Request) -> dict[str, str]:
    """A page's form; of a field that is there twice, the last counts."""
    if request.content_type != "application/x-www-form-urlencoded":
        raise ApiProblem(415, "unsupported-media-type", "a form was expected.")
    try:
        text = (await read_body(request)).decode()
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FORM_FIELDS, errors="strict"))
    except ValueError:
        raise bad_request("the form could not be read.") from None


def query_number(request: web.Request, name: str, default: int, most: int) -> int:
    """A number of the query string, from 1 to `most`."""
    text = request.query.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 10 and 1 <= int(text) <= most):
        raise bad_request(f"'{name}' must be a number from 1 to {most}.")
    return int(text)


def path_number(request: web.Request) -> int:
    """The {number} of a path, which the route has already limited to digits."""
    return int(request.match_info["number"])
