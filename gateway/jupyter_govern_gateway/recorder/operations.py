"""Operations in the index: how entries become rows, and how rows are searched. Knows SQLite and the entry format, no HTTP.

`names` holds what one looks for exactly: rules, statement kinds, and what was touched. A relation is there as `public.customers`
and as `customers`, a column as `public.customers.email` and `customers.email`; `customers.*` stands for "may have touched all".
"""

from __future__ import annotations

import json
import re
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

MAX_STATEMENT: Final = 16 * 1024
"""Characters of a statement in the index; the recording has all of it."""
OPERATIONS_SCHEMA = """
create table operations (
  number integer primary key, session text not null, seq integer not null, operation text not null, at text not null,
  actor text not null, target text not null, statement text not null, statement_cut integer not null, outcome text not null,
  effect text not null, reason text not null, policy text not null, rules text not null, kinds text not null, accesses text not null,
  notebook text not null, cell text, approval text, tag text, rows integer, bytes integer, ms real, error text,
  unique (session, operation));
create index operations_by_time on operations (at, session, seq);
create index operations_by_actor on operations (actor, at, session, seq);
create table names (kind text not null, name text not null, number integer not null, primary key (kind, name, number)) without rowid;
create table ends (position integer primary key autoincrement, number integer not null, at text not null);
create virtual table statements using fts5
  (statement, content = 'operations', content_rowid = 'number', tokenize = "unicode61 tokenchars '_'");
create index names_by_number on names (number);
"""
COLUMNS = (
    "session", "seq", "operation", "at", "actor", "target", "statement", "statement_cut", "outcome", "effect", "reason", "policy",
    "rules", "kinds", "accesses", "notebook", "cell", "approval", "tag", "rows", "bytes", "ms", "error",
)  # fmt: skip
_JSON = ("rules", "kinds", "accesses", "cell", "approval")


class Reader:
    """Puts the entries of one recording into the tables, within the caller's transaction."""

    def __init__(self, database: sqlite3.Connection, session: str, path: Path) -> None:
        self._database, self._session, self._path = database, session, path
        row = database.execute("select actor, target from sessions where id = ?", (session,)).fetchone() or ("", "")
        self._actor, self._target = str(row[0]), str(row[1])
        self._new, self._notebook = 0, ""
        self.ended: list[tuple[str, int, int]] = []

    def take(self, entry: dict[str, Any]) -> None:
        """One entry; raises KeyError and the like where it is none of ours."""
        match entry["type"]:
            case "session-open":
                self._open(entry)
            case "operation":
                self._operation(entry)
            case "approval":
                approval = {key: entry[key] for key in ("number", "state", "by", "reason", "approvers") if key in entry}
                self._database.execute(
                    "update operations set approval = json_patch(coalesce(approval, '{}'), ?) where session = ? and operation = ?",
                    (_text(approval), self._session, entry["operation"]),
                )
            case "end":
                self._database.execute(
                    "update operations set tag = ?, rows = ?, bytes = ?, ms = ?, error = ? where session = ? and operation = ?",
                    (*(entry.get(key) for key in ("tag", "rows", "bytes", "ms", "error")), self._session, entry["operation"]),
                )
                self._over(entry)
                self.ended.append((entry["at"], entry.get("rows") or 0, entry.get("bytes") or 0))
            case "session-close":
                self._database.execute(
                    "update sessions set closed_at = ?, reason = ?, head = ? where id = ?",
                    (entry["at"], entry["reason"], entry["hash"], self._session),
                )
            case "signature":
                self._database.execute("update sessions set head = ? where id = ?", (entry["hash"], self._session))

    def _over(self, entry: dict[str, Any]) -> None:
        """It has ended: exports take it from here on, in this order."""
        self._database.execute(
            "insert into ends (number, at) select number, ? from operations where session = ? and operation = ?",
            (entry["at"], self._session, entry["operation"]),
        )

    def finish(self, read_bytes: int) -> None:
        """Everything up to there is in the tables."""
        self._database.execute(
            "update sessions set read_bytes = ?, read_operations = read_operations + ?, "
            "operations = max(operations, read_operations + ?), notebook = case when ? = '' then notebook else ? end where id = ?",
            (read_bytes, self._new, self._new, self._notebook, self._notebook, self._session),
        )

    def _open(self, entry: dict[str, Any]) -> None:
        self._actor, self._target = entry["actor"]["subject"], entry["target"]
        self._database.execute(
            "insert into sessions (id, actor, target, protocol, client, opened_at, path) values (?, ?, ?, ?, ?, ?, ?) "
            "on conflict (id) do nothing",
            (self._session, self._actor, self._target, entry["protocol"], entry["client"], entry["at"], str(self._path)),
        )

    def _operation(self, entry: dict[str, Any]) -> None:
        facts, decision, cell = entry["facts"], entry["decision"], entry.get("cell")
        rules, statement = decision["rules"], entry["statement"].encode("utf-8", "replace").decode()
        values = (
            self._session, entry["seq"], entry["operation"], entry["at"], self._actor, self._target,
            statement[:MAX_STATEMENT], len(statement) > MAX_STATEMENT, entry["outcome"], decision["effect"], decision["reason"],
            decision["policy"], _text(rules), _text(facts["kinds"]), _text(facts["accesses"]), cell["notebook"] if cell else "",
            _text(cell) if cell else None,
        )  # fmt: skip
        made = self._database.execute(
            f"insert into operations ({', '.join(COLUMNS[: len(values)])}) values ({', '.join('?' * len(values))}) "
            "on conflict (session, operation) do nothing",
            values,
        )
        if made.rowcount != 1:
            return
        number = made.lastrowid
        self._new += 1
        self._notebook = cell["notebook"] if cell else self._notebook
        names = {("rule", rule["name"]) for rule in rules} | {("kind", kind) for kind in facts["kinds"]}
        for access in facts["accesses"]:
            names |= {("touched", name) for name in touched(access["resource"], access["columns"])}
        self._database.executemany("insert or ignore into names (kind, name, number) values (?, ?, ?)", [(*name, number) for name in names])
        self._database.execute("insert into statements (rowid, statement) values (?, ?)", (number, statement[:MAX_STATEMENT]))
        if entry["outcome"] == "blocked":
            self._over(entry)


def touched(resource: str, columns: list[str] | None) -> set[str]:
    """The names under which an access is found."""
    relations = {resource, resource.partition(".")[2] or resource}
    parts = ["*"] if columns is None else columns
    return relations | {f"{relation}.{part}" for relation in relations for part in parts}


def forget(database: sqlite3.Connection, session: str) -> None:
    """Take a session out of all tables, words of its statements included."""
    mine = "select number from operations where session = ?"
    database.execute(
        "insert into statements (statements, rowid, statement) select 'delete', number, statement from operations where session = ?",
        (session,),
    )
    database.execute(f"delete from ends where number in ({mine})", (session,))
    database.execute(f"delete from names where number in ({mine})", (session,))
    database.execute("delete from operations where session = ?", (session,))
    database.execute("delete from sessions where id = ?", (session,))


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What to look for; "" means anything. Times are ISO in UTC as in the recordings, `until` is exclusive."""

    actor: str = ""
    target: str = ""
    session: str = ""
    since: str = ""
    until: str = ""
    touched: str = ""
    rule: str = ""
    kind: str = ""
    decision: str = ""
    notebook: str = ""
    text: str = ""


Position = tuple[str, str, int]
"""Where a page ended: at, session, seq. Stays true when the index is made anew."""


def query(search: Search, after: Position | None, limit: int) -> tuple[str, tuple[Any, ...]]:
    """The newest first, behind `after`; values never become part of the text."""
    where, values = ["1 = 1"], list[Any]()
    for column, value in (
        ("actor", search.actor), ("target", search.target), ("session", search.session), ("notebook", search.notebook),
        ("effect", search.decision),
    ):  # fmt: skip
        if value:
            where.append(f"{column} = ?")
            values.append(value)
    if search.since:
        where.append("at >= ?")
        values.append(search.since)
    if search.until:
        where.append("at < ?")
        values.append(search.until)
    for kind, names in (("rule", [search.rule]), ("kind", [search.kind]), ("touched", _may_touch(search.touched))):
        if names[0]:
            where.append(f"number in (select number from names where kind = ? and name in ({', '.join('?' * len(names))}))")
            values += [kind, *names]
    if search.text:
        where.append("number in (select rowid from statements where statements match ?)")
        values.append(_words(search.text))
    if after is not None:
        where.append("(at, session, seq) < (?, ?, ?)")
        values += after
    text = f"select {', '.join(COLUMNS)} from operations where {' and '.join(where)} order by at desc, session desc, seq desc limit ?"
    return text, (*values, limit)


def ended_after(position: int, since: str, limit: int) -> tuple[str, tuple[Any, ...]]:
    """Operations in the order in which they ended: (position, ended at, columns as for `as_object`)."""
    columns = ", ".join(f"operations.{each}" for each in COLUMNS)
    text = (
        f"select position, ends.at, {columns} from ends join operations using (number) "
        "where position > ? and ends.at >= ? order by position limit ?"
    )
    return text, (position, since, limit)


def as_object(row: tuple[Any, ...]) -> dict[str, Any]:
    """A row as the API shows it."""
    found = dict(zip(COLUMNS, row, strict=True))
    found.update({key: json.loads(found[key]) for key in _JSON if found[key] is not None})
    found["statement_cut"] = bool(found["statement_cut"])
    return found


def _may_touch(name: str) -> list[str]:
    """`customers.email` is also touched by what may have touched every column of `customers`."""
    head, dot, _ = name.rpartition(".")
    return [name, f"{head}.*"] if dot else [name]


def _words(text: str) -> str:
    """Each word must be there; a word that ends in * is a beginning. Nothing of FTS5's own language gets through."""
    words = [(word.rstrip("*"), "*" if word.endswith("*") else "") for word in re.sub(r"[\0\"]", " ", text).split()]
    return " ".join(f'"{word}"{star}' for word, star in words if word) or '""'


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"))
