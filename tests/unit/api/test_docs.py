"""Each route and each code of an error is in docs/api.md, each command and option in docs/cli.md."""

from __future__ import annotations

import argparse
import importlib
import re
from pathlib import Path

import pytest

from jupyter_govern.cli import FALLBACK

from .world import World

ROOT = Path(__file__).parents[3]
API = (ROOT / "docs" / "api.md").read_text()
CLI = (ROOT / "docs" / "cli.md").read_text()
SOURCES = ROOT / "gateway" / "jupyter_govern_gateway" / "api"
OURS = ("login", "logout", "connect", "approvals", "sessions", "credential", "config", "revoke", "keys")


async def test_routes(world: World) -> None:
    app = world.api._application()
    for resource in app.router.resources():
        path = re.sub(r"\{(\w+):[^}]*\}+", r"{\1}", resource.canonical)
        if path in {"/logout", "/login/finish"}:  # steps of /login, nothing that one calls
            continue
        assert f"`{path}`" in API or f"{path}`" in API or f"{path}?" in API, path


def test_codes_of_errors() -> None:
    source = "\n".join(path.read_text() for path in SOURCES.rglob("*.py"))
    codes = set(re.findall(r'ApiProblem\(\s*\d{3},\s*"([\w-]+)"', source)) | set(re.findall(r'ApiProblem\((?:\d+), "([\w-]+)"', source))
    assert len(codes) > 12
    assert [code for code in sorted(codes) if f"`{code}`" not in API] == []


@pytest.mark.parametrize("name", FALLBACK)
def test_commands(name: str) -> None:
    assert f"| `{name}" in CLI


@pytest.mark.parametrize("name", OURS)
def test_options(name: str) -> None:
    parser = argparse.ArgumentParser()
    importlib.import_module(FALLBACK[name]).add_arguments(parser)
    for option in options(parser) - {"--help"}:
        assert option in CLI, option


def options(parser: argparse.ArgumentParser) -> set[str]:
    found = {text for action in parser._actions for text in action.option_strings if text.startswith("--")}
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            found |= {option for each in action.choices.values() for option in options(each)}
    return found
