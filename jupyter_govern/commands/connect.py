"""Run psql (or another PostgreSQL client) on a target through the gateway.

  jupyter govern connect shop
  jupyter govern connect shop -- psql -c 'select 1'
  jupyter govern connect shop -- pg_dump --schema-only

The client gets a token that lives ten minutes and can connect only, in its environment and never on a command line. --env
prints the same as shell exports.
"""

from __future__ import annotations

import argparse
import difflib
import os
import shlex
import sys
from typing import Any

from jupyter_govern.client import GatewayClient, GatewayProblem
from jupyter_govern.commands import _place

STALE = (
    "PGHOSTADDR",
    "PGSERVICE",
    "PGSERVICEFILE",
    "PGSSLCRL",
    "PGSSLCRLDIR",
    "PGSSLCERT",
    "PGSSLKEY",
    "PGREQUIREAUTH",
    "PGSSLNEGOTIATION",
)
"""What may stand in the environment from elsewhere and would send the client, or the token, somewhere else."""
NOT_FOUND = 127


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    _place.add_url(parser)
    parser.add_argument("--env", action="store_true", help="print shell exports and run nothing; they hold a token")
    parser.add_argument("target", metavar="TARGET")
    parser.add_argument("command", nargs=argparse.REMAINDER, metavar="-- COMMAND", help="the client and its arguments; psql if absent")


def run(args: argparse.Namespace) -> int:
    """Become the client."""
    command = args.command[1:] if args.command[:1] == ["--"] else args.command
    if command and command[0].startswith("-"):
        print(f"jupyter govern connect: {command[0]}: options go before TARGET, the client's own behind `-- CLIENT`.", file=sys.stderr)
        return 2
    client = _place.logged_in(args.url)
    settings = connection(client, args.target)
    if args.env:
        print("\n".join(f"export {name}={shlex.quote(value)}" for name, value in settings.items()))
        return 0
    return become(command or ["psql"], settings)


def connection(client: GatewayClient, name: str) -> dict[str, str]:
    """libpq's environment for a target; raises GatewayProblem."""
    targets = {str(target["name"]): target for target in client.targets()}
    found = targets.get(name)
    if found is None:
        near = difflib.get_close_matches(name, targets, n=1)
        hint = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(targets) or 'none'}."
        raise GatewayProblem(404, "not-found", f"there is no target '{name}'.", hint)
    where: dict[str, Any] | None = found.get("connect")
    if not where:
        raise GatewayProblem(503, "unavailable", "the gateway does not listen for PostgreSQL clients.")
    token = client.kernel_token("jupyter-govern-connect")
    settings = {
        "PGHOST": str(where["host"]),
        "PGPORT": str(where["port"]),
        "PGUSER": str(where["user"]),
        "PGDATABASE": str(where["dbname"]),
        "PGSSLMODE": str(where.get("sslmode") or "verify-full"),
        "PGPASSWORD": str(token["token"]),
        "PGGSSENCMODE": "disable",
    }
    if where.get("ca_file"):
        settings["PGSSLROOTCERT"] = str(where["ca_file"])
    return settings


def become(command: list[str], settings: dict[str, str]) -> int:
    """Replace this process by the client; returns only where that is not possible."""
    environment = {key: value for key, value in os.environ.items() if key not in STALE} | settings
    sys.stdout.flush()
    try:
        os.execvpe(command[0], command, environment)  # noqa: S606 (no shell, on purpose)
    except FileNotFoundError:
        print(f"jupyter govern connect: there is no program '{command[0]}' here.", file=sys.stderr)
    except OSError as problem:
        print(f"jupyter govern connect: '{command[0]}' cannot be run: {problem.strerror}.", file=sys.stderr)
    return NOT_FOUND
