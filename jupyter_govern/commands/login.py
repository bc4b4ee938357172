"""Log in at the gateway and keep the token on this machine.

With --user a password is asked for (or read from standard input). Without it, a browser confirms a code: the password
then never passes this program.
"""

from __future__ import annotations

import argparse
import getpass
import sys
import time
from typing import Any

from jupyter_govern.client import GatewayClient, GatewayProblem
from jupyter_govern.commands import _place
from jupyter_govern.commands._print import moment, plain

SLOW_DOWN_SECONDS = 5.0
MAX_PASSWORD = 1024


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    _place.add_url(parser)
    parser.add_argument("--user", default="", metavar="NAME", help="log in with a password as this person")
    parser.add_argument("--password-stdin", action="store_true", help="read the password from standard input (with --user)")


def run(args: argparse.Namespace) -> int:
    """Log in."""
    if args.password_stdin and not args.user:
        print("jupyter govern login: --password-stdin needs --user NAME.", file=sys.stderr)
        return 2
    place = _place.find_to_log_in(args.url)
    client = place.client()
    answer = client.log_in(args.user, _password(args, place.url)) if args.user else _by_device(client)
    kept = {key: answer[key] for key in ("token", "subject", "expires_at")} | {"url": place.url}
    where = _place.keep(kept)
    groups = ", ".join(answer.get("groups") or []) or "no groups"
    print(f"Logged in at {place.url} as {plain(answer['subject'])} ({plain(groups)}) until {moment(answer['expires_at'])}.")
    print(f"The token is kept in {plain(where)}; `jupyter govern logout` revokes it.")
    return 0


def _password(args: argparse.Namespace, url: str) -> str:
    if args.password_stdin:
        return sys.stdin.readline(MAX_PASSWORD + 2).rstrip("\r\n")
    return getpass.getpass(f"Password of {args.user} at {url}: ")


def _by_device(client: GatewayClient) -> dict[str, Any]:
    device = client.start_device("cli")
    print(f"Open  {plain(device['verification_uri_complete'])}\nand confirm the code  {plain(device['user_code'])}\n", flush=True)
    interval, ends = max(float(device.get("interval") or 5), 0.1), time.monotonic() + float(device["expires_in"])
    while time.monotonic() < ends:
        time.sleep(interval)
        try:
            return client.device_token(device["device_code"])
        except GatewayProblem as problem:
            if problem.code == "slow_down":
                interval += SLOW_DOWN_SECONDS
            elif problem.code != "authorization_pending":
                raise
    raise GatewayProblem(400, "expired_token", "nobody confirmed the code in time.", "Run `jupyter govern login` again.")
