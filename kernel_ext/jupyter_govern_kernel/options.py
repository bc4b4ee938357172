"""The `%govsql` line, read into a Request: target, options, the name to assign to, and the SQL.

Pure: knows no IPython and no database. The SQL begins at the first word that is neither an option, the target nor
`name <<`, and keeps every byte from there on.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass

HELP = """\
%%govsql TARGET [options] [name <<]        SQL on the lines below
%govsql TARGET [options] [name <<] SQL     SQL on the same line; `frame = %govsql TARGET SQL` works too

The statement goes to TARGET through the gateway: it is decided, masked, recorded, and waits for approval where a rule
says so. `%govtargets` lists what you may reach. `:name` in the SQL is the Python variable of that name, sent as a real
parameter (never pasted into the text; `\\:name` is a plain colon). A transaction begun with BEGIN stays open from cell
to cell.

options
  -n, --rows N       show N rows of the result (default 10; the frame holds all of them)
  --decimal          keep numeric values as decimal.Decimal (default: float64, as pandas.read_sql does)
  --plain            give a plain Table, also where pandas is installed
  -q, --quiet        no notices and no command tags; errors and waiting approvals stay
  --notebook PATH    the notebook to report as the origin, where nothing else tells it (default: $GOVERN_NOTEBOOK)
  -h, --help         this text
"""
DEFAULT_ROWS = 10

_FLAGS = {"--decimal": "decimal", "--plain": "plain", "-q": "quiet", "--quiet": "quiet", "-h": "help", "--help": "help"}
_VALUED = {"-n": "rows", "--rows": "rows", "--notebook": "notebook"}
_WORD = re.compile(r"[ \t]*(\S+)")
_ASSIGN = re.compile(r"\s*([A-Za-z_]\w*)\s*<<(?!<)")
_OPTION = re.compile(r"--?[A-Za-z][\w-]*(?:=.*)?")


class UsageProblem(ValueError):
    """The magic was called in a way it does not understand; the text says what to write instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What one magic call asks for. `sql` is as the person wrote it; `assign` is "" where nothing is assigned."""

    target: str = ""
    sql: str = ""
    assign: str = ""
    rows: int = DEFAULT_ROWS
    decimal: bool = False
    plain: bool = False
    quiet: bool = False
    notebook: str = ""
    help: bool = False


def parse_request(line: str, cell: str | None = None) -> Request:
    """Read a magic's line (and the cell below it, None for the line magic); raises UsageProblem."""
    found: dict[str, str] = {}
    target, rest = "", line
    while match := _WORD.match(rest):
        word = match[1]
        if _OPTION.fullmatch(word):
            rest = _take_option(word, rest[match.end() :], found)
        elif not target and not word.startswith("--"):
            target, rest = word, rest[match.end() :]
        else:
            break
    sql = (rest if cell is None else f"{rest}\n{cell}" if rest.strip() else cell).rstrip()
    assign = ""
    if match := _ASSIGN.match(sql):
        assign, sql = match[1], sql[match.end() :]
    request = _build(target, assign, sql.lstrip(), found)
    if not request.help:
        _require(request, cell)
    return request


def _take_option(word: str, rest: str, found: dict[str, str]) -> str:
    """Note one option in `found`; returns the line after it (and after its value)."""
    name, equals, value = word.partition("=")
    if name in _FLAGS and not equals:
        found[_FLAGS[name]] = "yes"
        return rest
    if name not in _VALUED:
        near = difflib.get_close_matches(name, [*_FLAGS, *_VALUED], n=1)
        hint = f" Did you mean {near[0]}?" if near else " (An SQL comment needs a space after its dashes here.)"
        raise UsageProblem(f"unknown option {name}.{hint} `%govsql --help` lists all.")
    if not equals:
        match = _WORD.match(rest)
        if match is None:
            raise UsageProblem(f"{name} needs a value: `{name} VALUE`.")
        value, rest = match[1], rest[match.end() :]
    found[_VALUED[name]] = value
    return rest


def _build(target: str, assign: str, sql: str, found: dict[str, str]) -> Request:
    rows = found.get("rows", str(DEFAULT_ROWS))
    if not rows.isascii() or not rows.isdigit():
        raise UsageProblem(f"--rows wants a number of rows, not {rows!r}.")
    return Request(
        target=target,
        assign=assign,
        sql=sql,
        rows=int(rows),
        notebook=found.get("notebook", ""),
        decimal="decimal" in found,
        plain="plain" in found,
        quiet="quiet" in found,
        help="help" in found,
    )


def _require(request: Request, cell: str | None) -> None:
    form = "%govsql TARGET SQL" if cell is None else "%%govsql TARGET, and the SQL on the lines below"
    if not request.target:
        raise UsageProblem(f"which target? Write {form}. `%govtargets` lists the targets you may reach.")
    if not request.sql.strip():
        raise UsageProblem(f"no SQL for {request.target!r}. Write {form}.")
