"""List sessions, read one statement by statement, verify a recording.

  jupyter govern sessions                       mine; everybody's for auditors
  jupyter govern sessions show ID
  jupyter govern sessions verify ID             exit 1 if the recording was changed
  jupyter govern sessions verify --file x.jsonl the same without a gateway
  jupyter govern sessions verify --all DIR --key signing.pub    all of them, with the log and the signatures

  jupyter govern sessions list --since 1d --touched customers.email      statements: every filter must hold
  jupyter govern sessions export ID|--since 7d … --format jsonl|csv|ocsf|ecs|asciicast   to standard output; goes on record
  jupyter govern sessions replay ID             as people saw it, with long pauses cut; goes on record

  jupyter govern sessions watch ID              an open session as it happens; auditors and administrators, on record
  jupyter govern sessions terminate ID --reason TEXT   end it; the person reads the reason
  jupyter govern sessions hold|release|delete ID --reason TEXT   recordings; administrators. Deletion leaves a signed tombstone

An ID may be cut short as long as it fits one session only.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from jupyter_govern.asciicast import asciicast
from jupyter_govern.client import GatewayClient, GatewayProblem
from jupyter_govern.commands import _place
from jupyter_govern.commands._print import accesses, as_json, cell_text, indented, moment, one_line, pairs, plain, table_text
from jupyter_govern.errors import GovernError
from jupyter_govern.export import FORMATS, heading, line
from jupyter_govern.recording import verify
from jupyter_govern.replay import replay

HEADINGS = ("id", "who", "target", "opened", "closed", "statements", "client", "notebook")
SEARCHED = 500
ASCIICAST = "asciicast"
FORMAT_HELP = "ocsf: Datastore Activity events, ecs: Elastic Common Schema, asciicast: what one SSH session showed"
PAGE = 500
OPERATION_HEADINGS = ("at", "who", "target", "session", "decision", "rules", "rows", "statement")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    _place.add_url(parser)
    parser.set_defaults(action="list", limit=50, notebook="", json=False)
    actions = parser.add_subparsers(metavar="ACTION")
    listing = actions.add_parser("list", help="the newest first (the default)")
    listing.add_argument("--limit", type=int, default=50, metavar="N", help="how many (1 to 500)")
    listing.add_argument("--notebook", default="", metavar="PATH", help="only those that reported this notebook")
    _add_filters(listing)
    listing.add_argument("--json", action="store_true", help="for programs")
    listing.set_defaults(action="list")
    showing = actions.add_parser("show", help="one session, statement by statement")
    showing.add_argument("id", metavar="ID")
    showing.add_argument("--json", action="store_true", help="for programs")
    showing.set_defaults(action="show")
    exporting = actions.add_parser("export", help="statements for other programs, to standard output; goes on record")
    exporting.add_argument("id", nargs="?", default="", metavar="ID")
    _add_filters(exporting)
    exporting.add_argument("--notebook", default="", metavar="PATH", help="only what this notebook is said to have asked")
    exporting.add_argument("--format", choices=(*FORMATS, ASCIICAST), default="jsonl", help=FORMAT_HELP)
    exporting.set_defaults(action="export")
    replaying = actions.add_parser("replay", help="one session as people saw it; goes on record")
    replaying.add_argument("id", metavar="ID")
    replaying.add_argument("--speed", type=_positive, default=1.0, metavar="N", help="N times as fast")
    replaying.add_argument("--max-pause", type=_positive, default=2.0, metavar="SECONDS", help="no pause is longer (default 2)")
    replaying.set_defaults(action="replay")
    watching = actions.add_parser("watch", help="an open session as it happens, for auditors and administrators; goes on record")
    watching.add_argument("id", metavar="ID")
    watching.set_defaults(action="watch")
    for act, text in ACTS.items():
        acting = actions.add_parser(act, help=text)
        acting.add_argument("id", metavar="ID")
        acting.add_argument("--reason", required=True, metavar="TEXT", help="goes on record")
        acting.set_defaults(action=act)
    verifying = actions.add_parser("verify", help="check a recording; exit 1 if it is not whole")
    which = verifying.add_mutually_exclusive_group(required=True)
    which.add_argument("id", nargs="?", default="", metavar="ID")
    which.add_argument("--file", type=Path, metavar="PATH", help="a recording on this machine")
    which.add_argument("--all", type=Path, metavar="DIR", help="a folder of recordings: state_dir/recordings or a copy of it")
    verifying.add_argument("--key", type=Path, action="append", default=[], metavar="PUBFILE", help="public keys of the gateway (PEM)")
    verifying.add_argument("--anchor", type=_anchor, action="append", default=[], metavar="SEQ:HASH", help="a head kept elsewhere")
    verifying.add_argument("--witness", type=Path, action="append", default=[], metavar="FILE", help="signed heads kept elsewhere")
    verifying.set_defaults(action="verify")


def run(args: argparse.Namespace) -> int:
    """Do it."""
    if args.action == "verify" and (args.all is not None or (args.file is not None and args.key)):
        return _verified_offline(args)
    if args.action == "verify" and args.file is not None:
        return _verdict(args.file.stem, asdict(verify(args.file)))
    client = _place.logged_in(args.url)
    match args.action:
        case "list":
            return _operations(client, args) if _filters(args) else _list(client, args)
        case "export":
            return _export(client, args)
        case "replay":
            return _replay(client, args)
        case "watch":
            return _watch(client, args)
        case "terminate" | "hold" | "release" | "delete":
            done = client.act(_whole(client, args.id), args.action, args.reason)
            print(f"{DONE[args.action]} {plain(done['session'])}.")
            return 0
        case "show":
            found = client.session(_whole(client, args.id))
            print(as_json(found) if args.json else told(found))
            return 0
        case _:
            identifier = _whole(client, args.id)
            return _verdict(identifier, client.verify(identifier))


ACTS = {
    "terminate": "end an open session; the person reads the reason (auditors, administrators)",
    "hold": "keep a recording whatever retention says, until it is released (administrators)",
    "release": "take a recording off hold (administrators)",
    "delete": "delete a recording; a signed tombstone stays (administrators)",
}
DONE = {"terminate": "Terminated", "hold": "On hold:", "release": "Released", "delete": "Deleted the recording of"}
AT_ONCE = 1e9

FILTERS = {
    "user": ("U", "who asked"),
    "target": ("T", "on this target"),
    "touched": ("NAME", "customers, public.customers, customers.email"),
    "rule": ("NAME", "this rule had a say"),
    "kind": ("KIND", "select, delete, …"),
    "decision": ("EFFECT", "allow, block or approve"),
    "text": ("WORDS", "all these words are in the statement; word* is a beginning"),
}


def _add_filters(parser: argparse.ArgumentParser) -> None:
    for name in ("since", "until"):
        parser.add_argument(f"--{name}", type=_moment, metavar="WHEN", help="30m, 12h, 7d ago, or a time in ISO form")
    for name, (metavar, text) in FILTERS.items():
        parser.add_argument(f"--{name}", default="", metavar=metavar, help=text)


def _filters(args: argparse.Namespace) -> dict[str, str]:
    return {name: value for name in ("since", "until", *FILTERS) if (value := getattr(args, name, ""))}


def _moment(text: str) -> str:
    units = {"m": 60, "h": 3600, "d": 86400, "w": 604800}
    try:
        if text[-1:] in units and text[:-1].isdigit():
            then = datetime.now(UTC) - timedelta(seconds=int(text[:-1]) * units[text[-1]])
        else:
            then = datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError("wants 30m, 12h, 7d, 2w, or a time such as 2026-11-24T08:00") from None
    return then.isoformat()


def _positive(text: str) -> float:
    number = float(text)
    if not 0 < number < 1e9:
        raise argparse.ArgumentTypeError("wants a number above 0")
    return number


def _found(client: GatewayClient, filters: dict[str, str], most: int | None = None) -> Iterator[dict[str, Any]]:
    """Page by page."""
    cursor, left = "", most
    while left is None or left > 0:
        size = PAGE if left is None else min(left, PAGE)
        page = client.operations(filters | {"limit": str(size)} | ({"cursor": cursor} if cursor else {}))
        yield from page["operations"]
        left = None if left is None else left - size
        if not page["complete"]:
            print("The gateway's index has not read everything yet; ask again later for the rest.", file=sys.stderr)
        cursor = page["cursor"] or ""
        if not cursor:
            return


def _operations(client: GatewayClient, args: argparse.Namespace) -> int:
    filters = _filters(args) | ({"notebook": args.notebook} if args.notebook else {})
    found = list(_found(client, filters, args.limit))
    if args.json:
        print(as_json(found))
        return 0
    rows = [
        (
            moment(each["at"]),
            each["actor"],
            each["target"],
            each["session"],
            each["effect"],
            ", ".join(rule["name"] for rule in each["rules"]),
            "" if each["rows"] is None else each["rows"],
            each["statement"],
        )
        for each in found
    ]
    print(table_text(OPERATION_HEADINGS, rows, "Nothing was found."))
    return 0


def _export(client: GatewayClient, args: argparse.Namespace) -> int:
    filters = _filters(args) | ({"notebook": args.notebook} if args.notebook else {})
    if args.format == ASCIICAST:
        if not args.id:
            raise GovernError("asciicast is of one session: give its ID")
        # a terminal is not driven by it: JSON spells out what is not ASCII
        sys.stdout.writelines(asciicast(client.recording(_whole(client, args.id), "export")))
        return 0
    if args.id:
        filters["session"] = _whole(client, args.id)
    if not filters:
        raise GovernError("say which: an ID, --since 1d, or another filter")
    # a file gets the text as it is; a terminal is not driven by it
    shown = plain if sys.stdout.isatty() else str
    sys.stdout.write(heading(args.format))
    for operation in _found(client, filters | {"purpose": "export"}):
        sys.stdout.write(shown(line(args.format, operation)))
    return 0


def _replay(client: GatewayClient, args: argparse.Namespace) -> int:
    entries = client.recording(_whole(client, args.id), "replay")
    for pause, text in replay(entries, speed=args.speed, max_pause=args.max_pause):
        time.sleep(pause)
        print(text, flush=True)
    return 0


def _watch(client: GatewayClient, args: argparse.Namespace) -> int:
    try:
        for _, text in replay(client.live(_whole(client, args.id)), speed=AT_ONCE):
            print(text, flush=True)
    except KeyboardInterrupt:
        print()
    return 0


def told(found: dict[str, Any]) -> str:
    """A session as a timeline: statements under the notebook cell they came from."""
    session = found["session"]
    lines = [
        f"Session {plain(session['id'])}",
        pairs(
            [
                ("who", session["actor"]),
                ("target", f"{session['target']} ({session['protocol']})"),
                ("client", session["client"]),
                ("opened", moment(session["opened_at"])),
                ("closed", moment(session["closed_at"]) or "still open"),
                ("statements", session["operations"]),
            ]
        ),
    ]
    heading = None
    for operation in found["operations"]:
        where = _heading(operation.get("cell"))
        if where != heading:
            heading = where
            lines += ["", where]
        lines.append(_operation(operation))
    lines += [f"\nnoted {moment(note.get('at'))}  {one_line(_noted(note))}" for note in found.get("notes", [])]
    return "\n".join(lines)


def _heading(cell: dict[str, Any] | None) -> str:
    return f"── {one_line(cell_text(cell))} (reported) ──" if cell else "── not from a notebook ──"


def _operation(operation: dict[str, Any]) -> str:
    decision = operation["decision"] or {}
    rules = ", ".join(f"'{rule['name']}'" for rule in decision.get("rules") or [])
    rows = "" if operation["rows"] is None else f"{operation['rows']} rows"
    spent = "" if operation["ms"] is None else f"{operation['ms']} ms"
    how = "  ".join(
        part for part in (operation["outcome"] or decision.get("effect") or "", rules, operation["tag"] or "", rows, spent) if part
    )
    lines = [f"  {moment(operation['started_at'])[11:]}  {one_line(how)}", indented(operation["statement"], "      ")]
    approval = operation.get("approval")
    if approval:
        by = f" by {approval['by']}" if approval.get("by") else ""
        lines.append(f"      → approval #{approval['number']} {approval['state']}{plain(by)}" + _because(approval.get("reason")))
    if operation["outcome"] == "blocked":
        lines.append(f"      → blocked: {one_line(decision.get('reason'))}")
    if operation["error"]:
        lines.append(f"      → {one_line(operation['error'])}")
    if operation.get("accesses"):
        lines.append(f"      touches {one_line(accesses(operation['accesses']))}")
    return "\n".join(lines)


def _because(reason: Any) -> str:
    return f": {one_line(reason)}" if reason else ""


def _noted(note: dict[str, Any]) -> str:
    about = note.get("about", note.get("kind", ""))
    rest = ", ".join(
        f"{key} {value}" for key, value in note.items() if key not in {"about", "kind", "at"} and value is not None and value != ""
    )
    return f"{about}: {rest}" if rest else str(about)


def _list(client: GatewayClient, args: argparse.Namespace) -> int:
    found = client.sessions(args.limit, args.notebook)
    if args.json:
        print(as_json(found))
        return 0
    rows = [
        (
            each["id"],
            each["actor"],
            each["target"],
            moment(each["opened_at"]),
            moment(each["closed_at"]) or "open",
            each["operations"],
            each["client"],
            each["notebook"],
        )
        for each in found
    ]
    print(table_text(HEADINGS, rows, "There are no sessions."))
    return 0


def _anchor(text: str) -> tuple[int, str]:
    seq, _, head = text.partition(":")
    if not seq.isdigit() or not head:
        raise argparse.ArgumentTypeError("wants SEQ:HASH, as `verify --all` prints it")
    return int(seq), head


def _verified_offline(args: argparse.Namespace) -> int:
    """By the files and public keys alone."""
    try:
        from jupyter_govern.archive import verify_file, verify_folder
        from jupyter_govern.signatures import read_keys
    except ModuleNotFoundError as missing:
        raise GovernError(f"signatures need the Python package {missing.name}: `pip install cryptography`") from None
    keys = read_keys(args.key)
    if args.all is not None:
        report = verify_folder(args.all, keys or None, dict(args.anchor), args.witness)
        what = f"{report.sessions} sessions, {report.entries} entries, {report.signatures} signatures"
        where = f"\nhead {report.seq}:{report.head}" if report.head else ""
    else:
        report = verify_file(args.file, keys)
        what, where = f"{report.entries} entries, {report.signatures} signatures", ""
    for note in report.notes:
        print(f"note: {plain(note)}")
    for problem in report.problems:
        print(plain(problem), file=sys.stderr)
    print(f"{what}: {'nothing was changed' if report.ok else 'NOT whole'}{where}", file=sys.stdout if report.ok else sys.stderr)
    return 0 if report.ok else 1


def _whole(client: GatewayClient, identifier: str) -> str:
    """The session meant by an id that may be cut short."""
    known = [str(each["id"]) for each in client.sessions(SEARCHED)]
    fitting = [each for each in known if each.startswith(identifier)]
    if identifier in known or not fitting:
        return identifier
    if len(fitting) > 1:
        raise GatewayProblem(400, "ambiguous", f"'{identifier}' fits {len(fitting)} sessions.", "Give more of the id.")
    return fitting[0]


def _verdict(name: str, verdict: dict[str, Any]) -> int:
    if verdict["ok"]:
        state = "complete" if verdict.get("complete") else "not closed yet"
        print(f"{plain(name)}: whole, {verdict['entries']} entries, {state}\nhead {verdict['head']}")
        return 0
    print(f"{plain(name)}: NOT whole: {plain(verdict['problem'])} ({verdict['entries']} entries before that are good)", file=sys.stderr)
    return 1
