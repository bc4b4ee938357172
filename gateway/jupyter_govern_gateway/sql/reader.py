"""PostgreSQL's own parser (libpg_query through postgast): text in, syntax tree and tokens out. Offsets are bytes of the UTF-8 text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import postgast
from google.protobuf.message import Message
from postgast.errors import PgQueryError

from jupyter_govern.errors import SyntaxProblem

Tree = Any
"""A protobuf message of libpg_query's grammar; the field names are PostgreSQL's own (parsenodes.h)."""


@dataclass(frozen=True, slots=True)
class Token:
    start: int
    stop: int
    text: str


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a text: its tree, and where it stands (bytes)."""

    tree: Tree
    kind: str
    start: int
    stop: int


def read(text: str) -> list[Statement]:
    """The statements of a text. Raises SyntaxProblem in PostgreSQL's own words."""
    if "\0" in text:
        raise SyntaxProblem("a statement cannot contain a NUL character")
    try:
        tree = postgast.parse(text)
    except PgQueryError as error:
        raise SyntaxProblem(error.message, error.cursorpos or 0) from error
    size = len(text.encode())
    statements = []
    for raw in tree.stmts:
        kind = raw.stmt.WhichOneof("node") or ""
        stop = raw.stmt_location + raw.stmt_len if raw.stmt_len else size
        statements.append(Statement(getattr(raw.stmt, kind), kind, raw.stmt_location, stop))
    return statements


def tokens(text: str) -> list[Token]:
    """The tokens of a text, comments left out."""
    raw = text.encode()
    names = postgast.pg_query_pb2.Token
    comments = (names.Value("SQL_COMMENT"), names.Value("C_COMMENT"))
    return [Token(t.start, t.end, raw[t.start : t.end].decode()) for t in postgast.scan(text).tokens if t.token not in comments]


def unwrap(node: Tree) -> Tree:
    """A Node's content; None for an empty one."""
    if node.DESCRIPTOR.name != "Node":
        return node
    which = node.WhichOneof("node")
    return getattr(node, which) if which else None


def kind_of(message: Tree) -> str:
    return str(message.DESCRIPTOR.name)


def children(message: Tree) -> Iterator[tuple[str, Tree]]:
    """The messages inside a message, with the field each stands in; Nodes are unwrapped."""
    for descriptor, value in message.ListFields():
        if descriptor.type != descriptor.TYPE_MESSAGE:
            continue
        for item in (value,) if isinstance(value, Message) else value:
            inner = unwrap(item)
            if inner is not None:
                yield descriptor.name, inner


def strings(nodes: Any) -> list[str]:
    """The texts of a list of String nodes; other nodes become ''."""
    return [node.string.sval if node.WhichOneof("node") == "string" else "" for node in nodes]


def constant(node: Tree) -> str | None:
    """The text of a constant (casts of constants included), or None."""
    inner = unwrap(node)
    if inner is None:
        return None
    if kind_of(inner) == "TypeCast":
        return constant(inner.arg)
    if kind_of(inner) != "A_Const" or inner.isnull:
        return None
    match inner.WhichOneof("val"):
        case "sval":
            return str(inner.sval.sval)
        case "ival":
            return str(inner.ival.ival)
        case "fval":
            return str(inner.fval.fval)
        case "boolval":
            return "true" if inner.boolval.boolval else "false"
        case _:
            return None


def source_names(node: Tree) -> set[str]:
    """What relations, subqueries and CTEs inside are called."""
    found: set[str] = set()
    kind = kind_of(node)
    if kind == "CommonTableExpr":
        found.add(node.ctename)
    elif kind in ("RangeVar", "RangeSubselect", "RangeFunction", "JoinExpr", "RangeTableFunc", "JsonTable"):
        if node.HasField("alias"):
            found.add(node.alias.aliasname)
        elif kind == "RangeVar":
            found.add(node.relname)
    for _, child in children(node):
        found |= source_names(child)
    return found


def column_names(node: Tree) -> tuple[frozenset[str], bool]:
    """The last names of all column references inside, and whether one of them is a star."""
    if kind_of(node) == "ColumnRef":
        return frozenset(strings(node.fields)[-1:]), node.fields[-1].WhichOneof("node") == "a_star"
    names: frozenset[str] = frozenset()
    star = False
    for _, child in children(node):
        inside, starred = column_names(child)
        names, star = names | inside, star or starred
    return names, star
