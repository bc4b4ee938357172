"""Print a short-lived credential for one target, for DBeaver and other clients that ask for a password.

  jupyter govern credential shop
  jupyter govern credential shop --for 600 --here
  jupyter govern credential web1 --ssh           an SSH certificate and an entry for ssh_config: then `ssh govern-web1`
  PGPASSWORD=$(jupyter govern credential shop --password) psql service=govern-shop

It opens that target only, connects only, and ends at its time with the sessions that were opened with it; also when you log
out. Whoever has it can connect as you: it is printed once and kept nowhere.
"""

from __future__ import annotations

import argparse
from urllib.parse import urlencode

from jupyter_govern.commands import _place
from jupyter_govern.commands._print import as_json, moment, pairs
from jupyter_govern.commands._reach import PUBLIC, reach
from jupyter_govern.commands._ssh import ssh_entry

SECONDS = 3600


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    _place.add_url(parser)
    parser.add_argument("target", metavar="TARGET")
    parser.add_argument("--for", dest="seconds", type=int, default=SECONDS, metavar="SECONDS", help="how long it lives (10 to 43200; 3600)")
    parser.add_argument("--here", action="store_true", help="only from the address by which this machine reaches the gateway")
    shape = parser.add_mutually_exclusive_group()
    shape.add_argument("--json", action="store_true", help="for programs")
    shape.add_argument("--ssh", action="store_true", help="a certificate for ssh, scp, sftp and rsync, and how to use it")
    shape.add_argument("--password", action="store_true", help="the password and nothing else")


def run(args: argparse.Namespace) -> int:
    """Get one and print it."""
    client = _place.logged_in(args.url)
    if args.ssh:
        print(ssh_entry(client, args.target, args.seconds, ["here"] if args.here else []), end="")
        return 0
    where = reach(client, args.target)
    got = client.credential(where.target, args.seconds, ["here"] if args.here else [])
    if args.password:
        print(got["token"])
        return 0
    authority = {} if where.ca_file == PUBLIC else {"sslrootcert": where.ca_file}
    jdbc = f"jdbc:postgresql://{where.host}:{where.port}/{where.target}?{urlencode({'sslmode': where.sslmode, **authority})}"
    said = {
        "host": where.host,
        "port": where.port,
        "database": where.target,
        "user": where.user,
        "password": got["token"],
        "sslmode": where.sslmode,
        "ca": where.ca_file,
        "jdbc": jdbc,
    }
    print(as_json(said | {"expires_at": got["expires_at"]}) if args.json else pairs([*said.items(), ("until", moment(got["expires_at"]))]))
    return 0
