"""List approvals, look at one, approve or deny it.

  jupyter govern approvals                      what waits for me, and what of mine waits
  jupyter govern approvals show 12
  jupyter govern approvals approve 12           shows it, then asks
  jupyter govern approvals deny 12 --reason "use the staging copy"

Without a terminal, `approve` needs --digest: the digest (or at least its first 12 digits) of what was looked at.
"""

from __future__ import annotations

import argparse
import sys
from typing import Any

from jupyter_govern.client import GatewayClient
from jupyter_govern.commands import _place
from jupyter_govern.commands._print import accesses, as_json, cell_text, indented, left_until, moment, one_line, pairs, plain, table_text

SHORTEST_DIGEST = 12
HEADINGS = ("#", "state", "who", "target", "time left", "you may", "statement")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    _place.add_url(parser)
    parser.set_defaults(action="list", state="pending", json=False)
    actions = parser.add_subparsers(metavar="ACTION")
    listing = actions.add_parser("list", help="list them (the default)")
    listing.add_argument("--all", dest="state", action="store_const", const="all", help="decided ones too")
    listing.add_argument("--json", action="store_true", help="for programs")
    listing.set_defaults(action="list")
    showing = actions.add_parser("show", help="show one with everything an answer should rest on")
    showing.add_argument("--json", action="store_true", help="for programs")
    showing.set_defaults(action="show")
    approving = actions.add_parser("approve", help="let it run")
    approving.add_argument("--digest", default="", metavar="HEX", help="approve only this; then nothing is asked")
    denying = actions.add_parser("deny", help="refuse it")
    for each, name in ((showing, "show"), (approving, "approve"), (denying, "deny")):
        each.add_argument("number", type=_number, metavar="N")
        each.set_defaults(action=name)
    for each in (approving, denying):
        each.add_argument("--reason", default="", metavar="TEXT", help="recorded, and shown to who asked")


def run(args: argparse.Namespace) -> int:
    """Do it."""
    client = _place.logged_in(args.url)
    match args.action:
        case "list":
            return _list(client, args)
        case "show":
            approval = client.approval(args.number)
            print(as_json(approval) if args.json else told(approval))
            return 0
        case "approve":
            return _approve(client, args)
        case _:
            approval = client.approval(args.number)
            return _settled(client.decide(args.number, "deny", digest=approval["digest"], reason=args.reason))


def told(approval: dict[str, Any]) -> str:
    """An approval in full."""
    actor = approval["actor"]
    left = f" ({left_until(approval['expires_at'])} left)" if approval["state"] == "pending" else ""
    lines = [
        f"Approval #{approval['number']}: {approval['state']}",
        pairs(
            [
                ("who", f"{actor['subject']} ({', '.join(actor['groups'])})"),
                ("target", approval["target"]),
                ("rule", approval["rule"]),
                ("because", approval["because"]),
                ("touches", accesses(approval["accesses"])),
                ("kinds", ", ".join([*approval["kinds"], *approval.get("traits", [])])),
                ("cell", _reported(approval["cell"])),
                ("asked", moment(approval["created_at"])),
                ("expires", moment(approval["expires_at"]) + left),
                ("approvers", approval.get("approvers")),
                ("decided by", approval.get("decided_by")),
                ("reason", approval.get("reason")),
                ("digest", approval["digest"]),
            ]
        ),
        "\nstatement:",
        indented(approval["statement"]),
    ]
    if approval["parameters"]:
        lines.append("\nparameters:")
        lines += [f"    ${n} = {'NULL' if v is None else plain(v)}" for n, v in enumerate(approval["parameters"], 1)]
    return "\n".join(lines)


def _reported(cell: dict[str, Any] | None) -> str:
    return f"{cell_text(cell)} (reported, not proven)" if cell else ""


def _list(client: GatewayClient, args: argparse.Namespace) -> int:
    found = client.approvals(args.state)
    if args.json:
        print(as_json(found))
        return 0
    rows = [
        (
            each["number"],
            each["state"],
            each["actor"]["subject"],
            each["target"],
            left_until(each["expires_at"]) if each["state"] == "pending" else "",
            "decide" if each["may_decide"] else "wait" if each["state"] == "pending" else "",
            each["statement"],
        )
        for each in found
    ]
    print(table_text(HEADINGS, rows, "Nothing waits for approval."))
    return 0


def _approve(client: GatewayClient, args: argparse.Namespace) -> int:
    approval = client.approval(args.number)
    if args.digest:
        if len(args.digest) < SHORTEST_DIGEST or not approval["digest"].startswith(args.digest.lower()):
            print(f"jupyter govern approvals: #{args.number} does not have that digest; nothing was decided.", file=sys.stderr)
            return 1
    else:
        print(told(approval))
        if not sys.stdin.isatty():
            print("jupyter govern approvals: without a terminal, give --digest of what you looked at.", file=sys.stderr)
            return 2
        if input("\nApprove exactly this? [y/N] ").strip().lower() not in {"y", "yes"}:
            print("Nothing was decided.")
            return 1
    return _settled(client.decide(args.number, "approve", digest=approval["digest"], reason=args.reason))


def _settled(approval: dict[str, Any]) -> int:
    print(f"Approval #{approval['number']} of {one_line(approval['actor']['subject'])} is {approval['state']}.")
    return 0


def _number(text: str) -> int:
    number = text.removeprefix("#")
    if not (number.isascii() and number.isdigit() and len(number) <= 15):
        raise argparse.ArgumentTypeError(f"{text!r} is not an approval's number")
    return int(number)
