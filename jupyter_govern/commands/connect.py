"""Run psql (or another PostgreSQL client) on a target through the gateway.

  jupyter govern connect shop
  jupyter govern connect shop -- psql -c 'select 1'
  jupyter govern connect shop -- pgcli
  jupyter govern connect shop -- pg_dump --schema-only
  eval "$(jupyter govern connect shop -- env)"

The client gets a token that lives ten minutes, opens this target only and can connect only: in its environment, never on a
command line, in no file. `-- env` (or --env before TARGET) prints the same as shell exports.
"""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from pathlib import PurePath

from jupyter_govern.client import GatewayClient
from jupyter_govern.commands import _place
from jupyter_govern.commands._reach import reach

STALE = (
    "PGHOSTADDR",
    "PGPASSFILE",
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
WORKLOAD = "gov_workload_"


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
    if args.env or command == ["env"]:
        print("\n".join(f"export {name}={shlex.quote(value)}" for name, value in settings.items()))
        return 0
    if command and PurePath(command[0]).name == "pgcli":
        settings["PYTHON_KEYRING_BACKEND"] = "keyring.backends.null.Keyring"  # else it would keep the token in the keyring
    return become(command or ["psql"], settings)


def connection(client: GatewayClient, name: str) -> dict[str, str]:
    """libpq's environment for a target; raises GatewayProblem."""
    where = reach(client, name)
    # a workload's token is one that only connects already; a person's login asks for such a one
    token = client.token
    if not token.startswith(WORKLOAD):
        token = str(client.kernel_token("jupyter-govern-connect", target=where.target)["token"])
    return {
        "PGHOST": where.host,
        "PGPORT": where.port,
        "PGUSER": where.user,
        "PGDATABASE": where.target,
        "PGSSLMODE": where.sslmode,
        "PGSSLROOTCERT": where.ca_file,
        "PGPASSWORD": token,
        "PGGSSENCMODE": "disable",
    }


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
