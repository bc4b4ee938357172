"""Static keys of services: make one, list them, revoke one. For the gateway's administrators.

  jupyter govern keys                                          list them (never the keys themselves)
  jupyter govern keys create etl --expires 90 --target shop    print a new key, this once
  jupyter govern keys revoke 3f2a…                             end a key and its sessions

The gateway's configuration must allow them: `identity.static_keys = true` and an [[identity.service]] of that name.
"""

from __future__ import annotations

import argparse

from jupyter_govern.client import GatewayClient
from jupyter_govern.commands import _place
from jupyter_govern.commands._print import as_json, moment, pairs, plain, table_text
from jupyter_govern.commands._reach import reach

HEADINGS = ("id", "service", "expires", "targets", "from", "made", "by")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    _place.add_url(parser)
    parser.set_defaults(action="list", json=False)
    actions = parser.add_subparsers(metavar="ACTION")
    listing = actions.add_parser("list", help="the keys that live (the default)")
    listing.add_argument("--json", action="store_true", help="for programs")
    listing.set_defaults(action="list")
    making = actions.add_parser("create", help="a new key, printed once")
    making.add_argument("name", metavar="NAME", help="the service, as the gateway's configuration calls it")
    making.add_argument("--expires", type=int, required=True, metavar="DAYS", help="how long it lives (1 to 366)")
    making.add_argument("--target", action="append", default=[], metavar="TARGET", help="the only target it opens; may be given again")
    making.add_argument("--from", dest="networks", action="append", default=[], metavar="CIDR", help="the only addresses it is taken from")
    making.add_argument("--json", action="store_true", help="for programs")
    making.set_defaults(action="create")
    revoking = actions.add_parser("revoke", help="end a key and the sessions opened with it")
    revoking.add_argument("id", metavar="ID")
    revoking.set_defaults(action="revoke")


def run(args: argparse.Namespace) -> int:
    """Do it."""
    client = _place.logged_in(args.url)
    match args.action:
        case "create":
            return _create(client, args)
        case "revoke":
            ended = client.revoke_key(args.id)
            print(f"Revoked the key {plain(args.id)}; {len(ended['sessions'])} sessions ended.")
            return 0
    keys = client.keys()
    if args.json:
        print(as_json(keys))
        return 0
    rows = [
        (
            key["id"],
            key["service"],
            moment(key["expires_at"]),
            ", ".join(key["targets"]) or "any",
            ", ".join(key["networks"]) or "anywhere",
            moment(key["issued_at"]),
            key["issued_by"],
        )
        for key in keys
    ]
    print(table_text(HEADINGS, rows, "There are no keys."))
    return 0


def _create(client: GatewayClient, args: argparse.Namespace) -> int:
    made = client.make_key(args.name, args.expires, args.target, args.networks)
    if args.json:
        print(as_json(made))
        return 0
    where = reach(client, made["targets"][0]) if made["targets"] else None
    rows: list[tuple[str, object]] = [("key", made["token"]), ("id", made["id"]), ("user", made["subject"])]
    rows += [("targets", ", ".join(made["targets"]) or "any"), ("from", ", ".join(made["networks"])), ("until", moment(made["expires_at"]))]
    rows += [("host", where.host), ("port", where.port), ("ca", where.ca_file)] if where else []
    print(pairs(rows))
    print("The key is shown this once: put it where the service keeps its secrets.")
    return 0
