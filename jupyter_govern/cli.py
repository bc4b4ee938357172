"""`jupyter govern`: finds a command's module, gives it its arguments, and turns our errors into one clear line.

Commands come from the entry-point group `jupyter_govern.commands`; until the distribution is installed the table below stands in.
A command is a module with `add_arguments(parser)`, `run(args) -> int` and a docstring whose first line is its help. This
file knows none of them from inside and imports only the one that is asked for.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import importlib
import importlib.util
import os
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, entry_points, version
from typing import Protocol, cast

from jupyter_govern.errors import ConfigError, GovernError

GROUP = "jupyter_govern.commands"
PROG = "jupyter govern"
INTERRUPTED = 130
FALLBACK = {
    "gateway": "jupyter_govern_gateway.commands.gateway",
    "check": "jupyter_govern_gateway.commands.check",
    "explain": "jupyter_govern_gateway.commands.explain",
    "demo": "jupyter_govern.demo.command",
    "login": "jupyter_govern.commands.login",
    "logout": "jupyter_govern.commands.logout",
    "connect": "jupyter_govern.commands.connect",
    "approvals": "jupyter_govern.commands.approvals",
    "sessions": "jupyter_govern.commands.sessions",
    "credential": "jupyter_govern.commands.credential",
    "config": "jupyter_govern.commands.config",
    "revoke": "jupyter_govern.commands.revoke",
    "keys": "jupyter_govern.commands.keys",
    "trust": "jupyter_govern.commands.trust",
}
EXTRAS = {"jupyter_govern_gateway": "gateway", "jupyter_govern.demo": "demo"}


class Command(Protocol):
    """What a command's module offers."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the command's arguments."""

    def run(self, args: argparse.Namespace) -> int:
        """Do it; the result is the exit code."""


def main(argv: Sequence[str] | None = None) -> int:
    """The console script: never a stack trace for an error that we raise on purpose."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        return _dispatch(arguments)
    except KeyboardInterrupt:
        print(file=sys.stderr)
        return INTERRUPTED
    except GovernError as problem:
        return _say(problem)
    except BrokenPipeError:
        # the reader (`| head`) went away: the interpreter must not complain of it once more at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def commands() -> dict[str, str]:
    """Each command's name and the module it lives in."""
    found = {point.name: point.value.partition(":")[0] for point in entry_points(group=GROUP)}
    return {**FALLBACK, **found}


def _dispatch(arguments: list[str]) -> int:
    table = commands()
    name = arguments[0] if arguments else "--help"
    if name in {"-h", "--help", "help"}:
        print(_help(table))
        return 0 if arguments else 2
    if name in {"-V", "--version"}:
        print(f"jupyter-govern {_version()}")
        return 0
    if name not in table:
        return _unknown(name, table)
    module = _load(name, table[name])
    if module is None:
        return 2
    parser = argparse.ArgumentParser(
        prog=f"{PROG} {name}",
        description=(sys.modules[table[name]].__doc__ or "").strip(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    module.add_arguments(parser)
    return module.run(parser.parse_args(arguments[1:]))


def _load(name: str, path: str) -> Command | None:
    try:
        return cast(Command, importlib.import_module(path))
    except ModuleNotFoundError as missing:
        extra = next((extra for package, extra in EXTRAS.items() if path.startswith(package)), "")
        also = f" Install it with: pip install 'jupyter-govern[{extra}]'" if extra else ""
        print(f"{PROG} {name}: {missing.name} is not installed here.{also}", file=sys.stderr)
        return None


def _unknown(name: str, table: dict[str, str]) -> int:
    near = difflib.get_close_matches(name, table, n=1)
    meant = f" Did you mean '{near[0]}'?" if near else ""
    print(f"{PROG}: there is no command '{name}'.{meant}\n", file=sys.stderr)
    print(_help(table), file=sys.stderr)
    return 2


def _help(table: dict[str, str]) -> str:
    lines = [f"usage: {PROG} COMMAND [ARGUMENTS]", "", "A gateway between people and production data.", "", "commands:"]
    width = max(map(len, table))
    lines += [f"  {name:<{width}}  {_summary(path)}".rstrip() for name, path in sorted(table.items())]
    return "\n".join([*lines, "", f"`{PROG} COMMAND --help` says more about one of them."])


def _summary(path: str) -> str:
    """The first line of a module's docstring, read without running the module."""
    try:
        spec = importlib.util.find_spec(path)
        if spec is None or spec.origin is None:
            return ""
        with open(spec.origin, encoding="utf-8") as source:
            text = ast.get_docstring(ast.parse(source.read())) or ""
    except (ImportError, OSError, SyntaxError):
        return ""
    return text.partition("\n")[0]


def _say(problem: GovernError) -> int:
    print(f"{PROG}: {problem}", file=sys.stderr)
    hint = getattr(problem, "hint", "")
    if hint:
        print(f"  {hint}", file=sys.stderr)
    return 2 if isinstance(problem, ConfigError) else 1


def _version() -> str:
    try:
        return version("jupyter-govern")
    except PackageNotFoundError:
        return "(not installed)"


if __name__ == "__main__":
    sys.exit(main())
