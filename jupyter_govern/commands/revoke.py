"""End all logins, credentials and open sessions of a person. For the gateway's administrators.

  jupyter govern revoke ana --reason "left the company"

Who may still log in may do so again: take the account away first. `service/NAME` ends all keys of a service.
"""

from __future__ import annotations

import argparse

from jupyter_govern.commands import _place
from jupyter_govern.commands._print import plain


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    _place.add_url(parser)
    parser.add_argument("user", metavar="USER")
    parser.add_argument("--reason", default="", metavar="TEXT", help="told to the person and put on record")


def run(args: argparse.Namespace) -> int:
    """Revoke."""
    ended = _place.logged_in(args.url).revoke(args.user, args.reason)
    sessions = [plain(each) for each in ended["sessions"]]
    print(f"Revoked {plain(args.user)}: {ended['tokens']} tokens, {len(sessions)} sessions, {ended['streams']} event streams ended.")
    for session in sessions:
        print(f"  session {session}")
    return 0
