"""Log in at the gateway and keep the token on this machine.

With --user a password is asked for (or read from standard input). Without it, a browser confirms a code, after a login at the
identity provider where one is configured: the password then never passes this program. It is opened here where there is one.

A CI job or a pod logs in with the OIDC token that its platform gave it:

  jupyter govern login --workload-token-file /var/run/secrets/govern/token
  printf %s "$GOVERN_ID_TOKEN" | jupyter govern login --workload-token-file -
"""

from __future__ import annotations

import argparse
import getpass
import os
import sys
import time
import webbrowser
from typing import Any
from urllib.parse import urlsplit

from jupyter_govern.client import GatewayClient, GatewayProblem
from jupyter_govern.commands import _place
from jupyter_govern.commands._print import moment, plain

SLOW_DOWN_SECONDS = 5.0
MAX_PASSWORD = 1024
MAX_TOKEN = 64 * 1024


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    _place.add_url(parser)
    parser.add_argument("--user", default="", metavar="NAME", help="log in with a password as this person")
    parser.add_argument("--password-stdin", action="store_true", help="read the password from standard input (with --user)")
    parser.add_argument("--no-browser", action="store_true", help="open no browser here: only show where to go")
    text = "log in as a workload with the OIDC token in this file (- for standard input)"
    parser.add_argument("--workload-token-file", default="", metavar="FILE", help=text)
    parser.add_argument("--service", default="", metavar="NAME", help="which [[identity.workload]] is meant, where several fit")


def run(args: argparse.Namespace) -> int:
    """Log in."""
    if args.password_stdin and not args.user:
        print("jupyter govern login: --password-stdin needs --user NAME.", file=sys.stderr)
        return 2
    if args.workload_token_file and args.user:
        print("jupyter govern login: --workload-token-file is no way to log in as a person.", file=sys.stderr)
        return 2
    place = _place.find_to_log_in(args.url)
    client = place.client()
    try:
        answer = _log_in(args, client, place.url)
    except OSError as problem:
        print(f"jupyter govern login: {args.workload_token_file} cannot be read: {problem.strerror}.", file=sys.stderr)
        return 2
    kept = {key: answer[key] for key in ("token", "subject", "expires_at")} | {"url": place.url}
    where = _place.keep(kept)
    groups = ", ".join(answer.get("groups") or []) or "no groups"
    print(f"Logged in at {place.url} as {plain(answer['subject'])} ({plain(groups)}) until {moment(answer['expires_at'])}.")
    print(f"The token is kept in {plain(where)}; `jupyter govern logout` revokes it.")
    return 0


def _log_in(args: argparse.Namespace, client: GatewayClient, url: str) -> dict[str, Any]:
    if args.workload_token_file:
        answer = client.exchange(_workload_token(args.workload_token_file), service=args.service)
        return answer | {"token": answer["access_token"]}
    return client.log_in(args.user, _password(args, url)) if args.user else _by_device(client, opens=not args.no_browser)


def _workload_token(path: str) -> str:
    if path == "-":
        return sys.stdin.read(MAX_TOKEN).strip()
    with open(path, encoding="ascii", errors="replace") as file:
        return file.read(MAX_TOKEN).strip()


def _password(args: argparse.Namespace, url: str) -> str:
    if args.password_stdin:
        return sys.stdin.readline(MAX_PASSWORD + 2).rstrip("\r\n")
    return getpass.getpass(f"Password of {args.user} at {url}: ")


def _by_device(client: GatewayClient, *, opens: bool) -> dict[str, Any]:
    device = client.start_device("cli")
    page = str(device["verification_uri_complete"])
    print(f"Open  {plain(page)}\nand confirm the code  {plain(device['user_code'])}\n", flush=True)
    if opens and _has_browser() and _is_of(page, client.url):
        webbrowser.open(page)
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


def _has_browser() -> bool:
    """Whether somebody sits at this very machine: a program that is piped, or runs at the far end of SSH, opens nothing."""
    return sys.stdout.isatty() and not os.environ.get("SSH_CONNECTION")


def _is_of(page: str, url: str) -> bool:
    """Whether the page is the gateway's own: what answers does not choose what opens here."""
    return page.isprintable() and urlsplit(page)[:2] == urlsplit(url)[:2]
