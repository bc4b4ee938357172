"""Revoke the token that `jupyter govern login` kept, and forget it; what was opened with it ends."""

from __future__ import annotations

import argparse
import sys

from jupyter_govern.client import GatewayProblem
from jupyter_govern.commands import _place


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    _place.add_url(parser)


def run(args: argparse.Namespace) -> int:
    """Log out. Out is out on this machine, also where the gateway does not answer."""
    try:
        client = _place.logged_in(args.url)
    except GatewayProblem:
        forgot = not args.url and _place.forget()
        print("The login kept here is forgotten." if forgot else "You are not logged in.")
        return 0
    ended: list[str] = []
    try:
        ended = client.drop_token().get("sessions") or []
    except GatewayProblem as problem:
        if problem.status != 401:
            print(f"The token could not be revoked: {problem} It ends by itself.", file=sys.stderr)
    _place.forget()
    print(f"Logged out at {client.url}." + (f" {len(ended)} open sessions ended with it." if ended else ""))
    return 0
