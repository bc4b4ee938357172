"""Random expressions of a wanted type over the relations in scope."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

BASIC = ("i4", "i8", "num", "text", "bool", "date", "jsonb", "texts")
WORDS = ("'a'", "'paid'", "'open'", "'Town 3'", "'t1'", "'%1%'", "'x''y'", "E'q\\'s'", "'Name 4'", "'[redacted]'", "$$dollar$$", "''")
DATES = ("date '2024-01-20'", "date '1900-01-01'", "'2024-02-02'::date", "cast('2023-12-24' as date)")
KEYS = ("'k'", "'city'", "'a'", "'id'", "'email'", "'contact'", "'list'", "0")
LIKE = ("'%1%'", "'[a-m]%'")
CASTS = {"i4": "int", "i8": "bigint", "num": "numeric(30,2)", "text": "text", "bool": "bool", "date": "date", "jsonb": "jsonb",
         "texts": "text[]"}  # fmt: skip

LIMITS = frozenset({
    "row type",  # SELECT c: a record, not the table's own type
    "aliased row",  # to_jsonb(c) FROM customers c(x): keys are the aliases, not the names of the table's type
    "lock",  # FOR SHARE of views that group and of functions: PostgreSQL refuses at another time, or at all
    "full join",  # ON what cannot be hashed: works where PostgreSQL sees that it is an outer join to one side only, which masks hide
})  # fmt: skip
"""What is known to differ between the gateway and PostgreSQL: made with --limits only. Take out what works."""


@dataclass(slots=True)
class Rel:
    """Something in FROM: its alias as spelled, its columns, and whether the alias alone is a row of it."""

    alias: str
    columns: tuple[tuple[str, str], ...]
    row: bool = True
    key: str = ""
    """The primary key's column, if it is a table that has one."""


@dataclass(slots=True)
class Frame:
    rels: list[Rel] = field(default_factory=list)
    outer: Frame | None = None


class Expressions:
    """scalar, table: make a subquery of one column of a type; set by the generator of queries.

    avoid: names of LIMITS that are not made.
    """

    def __init__(self, rng: random.Random, avoid: frozenset[str]) -> None:
        self.rng, self.avoid = rng, avoid
        self.scalar: Callable[[Frame, str, int], str]
        self.table: Callable[[Frame, str, int], str]

    def chance(self, of: float) -> bool:
        return self.rng.random() < of

    def one(self, choices: list[Callable[[], str]]) -> str:
        return self.rng.choice(choices)()

    def references(self, frame: Frame, kind: str) -> list[str]:
        return [self.spell(frame, rel, name) for rel in frame.rels for name, k in rel.columns if k == kind]

    def spell(self, frame: Frame, rel: Rel, name: str) -> str:
        alone = sum(name == other for r in frame.rels for other, _ in r.columns) == 1
        return name if alone and frame.outer is None and self.chance(0.3) else f"{rel.alias}.{name}"

    def column(self, frame: Frame, kind: str) -> str | None:
        if frame.outer is not None and self.chance(0.3) and (found := self.references(frame.outer, kind)):
            return self.rng.choice(found)
        found = self.references(frame, kind)
        return self.rng.choice(found) if found else None

    def row(self, frame: Frame) -> str | None:
        found = [rel.alias for rel in frame.rels if rel.row]
        return self.rng.choice(found) if found else None

    def field(self, frame: Frame) -> str:
        """A column taken out of a whole row."""
        found = [(rel, name) for rel in frame.rels if rel.row for name, kind in rel.columns if kind == "text"]
        if not found:
            return self.literal("text")
        rel, name = self.rng.choice(found)
        ways = [f"({rel.alias}).{name}", f"({rel.alias}.*).{name}"]
        if "function notation" not in self.avoid:
            ways.append(f"{name}({rel.alias})")
        return self.rng.choice(ways)

    def expr(self, frame: Frame, kind: str, depth: int) -> str:
        if kind in ("x", "json"):
            return self.column(frame, kind) or "null::int2"
        if depth <= 0 or self.chance(0.35):
            return self.column(frame, kind) or self.literal(kind)
        pick = self.rng.random()
        if pick < 0.08:
            return self.case(frame, kind, depth - 1)
        if pick < 0.14:
            return f"coalesce({self.expr(frame, kind, depth - 1)}, {self.expr(frame, kind, depth - 1)})"
        if pick < 0.18:
            return self.scalar(frame, kind, depth - 1)
        if pick < 0.21 and kind != "jsonb":
            return f"nullif({self.expr(frame, kind, depth - 1)}, {self.expr(frame, kind, depth - 1)})"
        if pick < 0.24 and kind not in ("jsonb", "bool", "texts"):
            return f"{self.rng.choice(['greatest', 'least'])}({self.expr(frame, kind, depth - 1)}, {self.expr(frame, kind, 0)})"
        if pick < 0.27:
            return f"({self.expr(frame, kind, depth - 1)})::{CASTS[kind]}"
        found = getattr(self, f"_{kind}")(frame, depth - 1)
        return str(found)

    def literal(self, kind: str) -> str:
        rng = self.rng
        match kind:
            case "i4":
                return str(rng.randint(0, 20))
            case "i8":
                return f"{rng.choice([0, 7, 40000000003])}::bigint"
            case "num":
                return rng.choice(["1.5", "20.00", "0.25::numeric", "numeric '10.50'"])
            case "text":
                return rng.choice(WORDS) + "::text"
            case "bool":
                return rng.choice(["true", "true", "true", "true", "false", "(null)::bool"])
            case "date":
                return rng.choice(DATES)
            case "jsonb":
                return rng.choice(["'{\"k\": 1}'::jsonb", "'[1, \"x\"]'::jsonb", "jsonb_build_object('k', 2)"])
            case "texts":
                return rng.choice(["array['t1', 'u2']", "'{a,t2}'::text[]", "array[]::text[]"])
        return "null"

    def case(self, frame: Frame, kind: str, depth: int) -> str:
        other = f" else {self.expr(frame, kind, depth)}" if self.chance(0.7) else ""
        if self.chance(0.3):
            of = self.rng.choice(["i4", "text"])
            head = f"case {self.expr(frame, of, depth)} when {self.expr(frame, of, 0)}"
        else:
            head = f"case when {self.expr(frame, 'bool', depth)}"
        return f"{head} then {self.expr(frame, kind, depth)}{other} end"

    # -- one function per type: what only that type has --------------------------------------------------------------

    def _i4(self, f: Frame, d: int) -> str:
        e = self.expr
        return self.one([
            lambda: f"length({e(f, 'text', d)})",
            lambda: f"({e(f, 'i4', d)} % 7 + {e(f, 'i4', d)} % 5)",
            lambda: f"- ({e(f, 'i4', d)}) % 3",
            lambda: f"cardinality({e(f, 'texts', d)})",
            lambda: f"extract(year from {e(f, 'date', d)})::int",
            lambda: f"position('a' in {e(f, 'text', d)})",
            lambda: f"({e(f, 'date', d)} - {e(f, 'date', 0)})",
            lambda: f"({e(f, 'bool', d)})::int",
            lambda: f"array_length({e(f, 'texts', d)}, 1)",
            lambda: f"num_nulls({e(f, 'text', d)}, {e(f, 'date', 0)})",
            lambda: f"({e(f, 'i8', d)} % 1000)::int",
        ])  # fmt: skip

    def _i8(self, f: Frame, d: int) -> str:
        e = self.expr
        return self.one([
            lambda: f"({e(f, 'i8', d)} / 3)",
            lambda: f"({e(f, 'i8', d)} & 255 | 1)",
            lambda: f"({e(f, 'i4', d)})::int8",
            lambda: f"hashtextextended({e(f, 'text', d)}, 0) % 1000",
            lambda: f"{e(f, 'i8', d)} % 97 + {e(f, 'i4', d)} % 7",
        ])  # fmt: skip

    def _num(self, f: Frame, d: int) -> str:
        e = self.expr
        return self.one([
            lambda: f"round({e(f, 'num', d)}, 1)",
            lambda: f"({e(f, 'num', d)} * 2 + {e(f, 'i4', d)})",
            lambda: f"({e(f, 'num', d)} / nullif({e(f, 'i4', 0)}, 0))",
            lambda: f"abs({e(f, 'i8', d)}::numeric)",
            lambda: f"width_bucket({e(f, 'num', d)}, 0, 100, 5)::numeric",
        ])  # fmt: skip

    def _text(self, f: Frame, d: int) -> str:
        e, row = self.expr, self.row(f)
        kind = self.rng.choice(["i4", "i8", "num", "date", "jsonb", "bool", "texts", "x"])
        choices: list[Callable[[], str]] = [
            lambda: f"{self.rng.choice(['lower', 'upper', 'md5', 'reverse', 'initcap', 'trim'])}({e(f, 'text', d)})",
            lambda: f"({e(f, 'text', d)} || {e(f, 'text', d)})",
            lambda: f"({e(f, 'text', d)} || '-' || {e(f, 'i4', d)})",
            lambda: f"left({e(f, 'text', d)}, 3)",
            lambda: f"substring({e(f, 'text', d)} from 2 for 4)",
            lambda: f"overlay({e(f, 'text', d)} placing '__' from 1 for 2)",
            lambda: f"({e(f, kind, d)})::text",
            lambda: f"cast({e(f, kind, d)} as varchar)",
            lambda: f"({e(f, 'jsonb', d)} ->> {self.rng.choice(KEYS)})",
            lambda: f"({e(f, 'jsonb', d)} #>> '{{contact,email}}')",
            lambda: f"array_to_string({e(f, 'texts', d)}, ',', '-')",
            lambda: f"({e(f, 'texts', d)})[1]",
            lambda: f"to_char({e(f, 'date', d)}, 'YYYY-MM')",
            lambda: f"split_part({e(f, 'text', d)}, ' ', 1) collate \"C\"",
            lambda: f"concat_ws('/', {e(f, 'text', d)}, {e(f, 'i4', 0)}, {e(f, 'date', 0)})",
            lambda: f"format('%s=%s', {e(f, 'text', d)}, {e(f, 'num', 0)})",
            lambda: f"regexp_replace({e(f, 'text', d)}, '[0-9]+', '#')",
            lambda: f"json_value({e(f, 'jsonb', d)}, '$.k')",
            lambda: f"quote_literal({e(f, 'text', d)})",
            lambda: self.field(f),
        ]
        if row is not None:
            choices += [lambda: f"{row}::text", lambda: f"row_to_json({row})::text", lambda: f"(to_jsonb({row}) - 'id')::text"]
        return self.one(choices)

    def _bool(self, f: Frame, d: int) -> str:
        e, rng, row = self.expr, self.rng, self.row(f)
        kind = rng.choice(["i4", "i4", "i8", "num", "text", "text", "date", "jsonb", "texts"])
        op = rng.choice(["=", "=", "<>", "<", ">=", "is distinct from", "is not distinct from"])
        choices: list[Callable[[], str]] = [
            lambda: f"{e(f, kind, d)} {op} {e(f, kind, d)}",
            lambda: f"{e(f, kind, d)} {rng.choice(['between', 'not between symmetric'])} {e(f, kind, 0)} and {e(f, kind, 0)}",
            lambda: f"{e(f, 'text', d)} {rng.choice(['like', 'ilike', 'not like', '~', 'similar to'])} {rng.choice(LIKE)}",
            lambda: f"({e(f, 'bool', d)} {rng.choice(['and', 'or'])} {e(f, 'bool', d)})",
            lambda: f"not ({e(f, 'bool', d)})",
            lambda: f"({e(f, rng.choice(['x', kind]), d)}) is {rng.choice(['', 'not '])}null",
            lambda: f"({e(f, 'bool', d)}) is {rng.choice(['true', 'not false', 'unknown'])}",
            lambda: f"{e(f, kind, d)} {rng.choice(['in', 'not in'])} ({e(f, kind, 0)}, {e(f, kind, 0)})",
            lambda: f"{e(f, kind, d)} {rng.choice(['in', 'not in', '= any', '<> all', '>= some'])} {self.table(f, kind, d)}",
            lambda: f"{e(f, 'text', d)} = any ({e(f, 'texts', d)})",
            lambda: f"{rng.choice(['', 'not '])}exists {self.table(f, kind, d)}",
            lambda: f"({e(f, 'i4', d)}, {e(f, kind, 0)}) {rng.choice(['=', '<', '>='])} ({e(f, 'i4', 0)}, {e(f, kind, d)})",
            lambda: f"{e(f, 'jsonb', d)} ? 'k'",
            lambda: f"{e(f, 'jsonb', d)} @> '{{\"k\": 1}}'",
            lambda: f"{e(f, 'jsonb', d)} @? '$.contact'",
            lambda: f"{e(f, 'texts', d)} && {e(f, 'texts', 0)}",
            lambda: f"({e(f, 'text', d)} is json)",
            lambda: f"(({e(f, 'date', d)}, interval '9 days') overlaps ({e(f, 'date', 0)}, {e(f, 'date', d)}))",
        ]
        if row is not None:
            choices.append(lambda: f"{row} is {rng.choice(['', 'not '])}null")
            if all(kind != "json" for rel in f.rels for _, kind in rel.columns):
                choices.append(lambda: f"{row} is distinct from {row}")
        return f"({self.one(choices)})"

    def _date(self, f: Frame, d: int) -> str:
        e = self.expr
        return self.one([
            lambda: f"({e(f, 'date', d)} + {e(f, 'i4', 0)} % 40)",
            lambda: f"date_trunc('month', {e(f, 'date', d)})::date",
            lambda: f"({e(f, 'date', d)} - interval '1 month')::date",
            lambda: f"make_date(2024, 1 + abs({e(f, 'i4', d)} % 12), 3)",
        ])  # fmt: skip

    def _jsonb(self, f: Frame, d: int) -> str:
        e, row = self.expr, self.row(f)
        kind = self.rng.choice(["i4", "text", "date", "texts", "x", "bool"])
        choices: list[Callable[[], str]] = [
            lambda: f"jsonb_build_object('v', {e(f, kind, d)}, 'w', {e(f, 'text', 0)})",
            lambda: f"to_jsonb({e(f, kind, d)})",
            lambda: f"({e(f, 'jsonb', d)} -> {self.rng.choice(KEYS)})",
            lambda: f"({e(f, 'jsonb', d)} || '{{\"z\": 1}}')",
            lambda: f"json_object('v' value {e(f, kind, d)}, 'w': {e(f, 'i4', 0)} returning jsonb)",
            lambda: f"json_array({e(f, 'i4', d)}, {e(f, 'text', 0)} null on null returning jsonb)",
            lambda: f"jsonb_path_query_first({e(f, 'jsonb', d)}, '$.*')",
            lambda: f"json_query({e(f, 'jsonb', d)}, '$.list' with wrapper)",
        ]
        if row is not None:
            choices += [lambda: f"to_jsonb({row})", lambda: f"to_jsonb({row}.*)"]
        return self.one(choices)

    def _texts(self, f: Frame, d: int) -> str:
        e = self.expr
        return self.one([
            lambda: f"array[{e(f, 'text', d)}, {e(f, 'text', 0)}]",
            lambda: f"string_to_array({e(f, 'text', d)}, ' ')",
            lambda: f"({e(f, 'texts', d)} || {e(f, 'text', d)})",
            lambda: f"({e(f, 'texts', d)})[1:1]",
            lambda: f"array_remove({e(f, 'texts', d)}, {e(f, 'text', 0)})",
            lambda: f"regexp_match({e(f, 'text', d)}, '([a-z]+)(.)')",
        ])  # fmt: skip
