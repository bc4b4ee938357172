"""Random SELECTs. Everything comes from one seeded random.Random, so a seed is a statement."""

from __future__ import annotations

import random
from dataclasses import dataclass

from .expressions import BASIC, CASTS, Frame
from .schema import TABLES, Columns
from .sources import Sources

AGGREGATES = {
    "i8": ("count(*)", "count({x})", "count(distinct {x})", "sum({i4})", "count({row})"),
    "num": ("sum({num})", "avg({i4})", "sum({i8})", "max({num})", "round(stddev({i4}), 6)", "sum(distinct {i4})::numeric"),
    "i4": ("max({i4})", "min({i4})", "bit_or({i4})", "percentile_disc(0.5) within group (order by {i4})"),
    "text": ("min({text})", "max({text})", "string_agg({text}, ',' order by {text})", "string_agg(distinct {text}, '+')"),
    "date": ("max({date})", "min({date})"),
    "bool": ("bool_or({bool})", "every({bool})"),
    "texts": ("array_agg({text} order by {text})", "array_agg(distinct {text})"),
    "jsonb": ("jsonb_agg({x} order by {x}::text)", "jsonb_object_agg({i4}, 1 order by 1) filter (where {i4} is not null)",
              "json_arrayagg({x} order by {x}::text returning jsonb)", "jsonb_agg({row} order by {row}::text)"),
}  # fmt: skip
OVER = ("row_number()", "rank()", "dense_rank()", "count(*)", "sum({i4})", "ntile(3)", "min({i4})")
BOUNDS = ("", "", " limit 7", " offset 2", " limit 5 offset 1", " fetch first 4 rows only", " fetch first 3 rows with ties")
SET = ("union all", "union", "intersect", "except", "union distinct", "intersect all", "except all")


@dataclass(frozen=True, slots=True)
class Query:
    sql: str
    columns: Columns
    ordered: bool = False


class Queries(Sources):
    def __init__(self, rng: random.Random, path: str, avoid: frozenset[str]) -> None:
        super().__init__(rng, path, avoid)
        self.scalar, self.table = self._scalar, self._table

    def statement(self) -> Query:
        """A whole statement."""
        pick = self.rng.random()
        if pick < 0.03:
            table = self.pick_table()
            return Query(f"{self.rng.choice(['table', 'TABLE  '])} {self.spelled(table)}", table.columns)
        if pick < 0.06:
            return self._recursive()
        if pick < 0.07:
            return self._kinds_of_rows()
        if pick < 0.09:
            frame = Frame()
            sql = self.from_clause(frame, 1)
            star = self.rng.choice(["*", f"{frame.rels[0].alias}.*", f"{frame.rels[-1].alias}.*, 1 as one"])
            return Query(f"select {star} from {sql}{self._where(frame, 2)}", ())
        return self.query(self.rng.choice([1, 2, 2, 3]), top=True)

    def _kinds_of_rows(self) -> Query:
        """Where a row of a partitioned table or of a family is stored; queries without columns; fields of all."""
        sql = self.rng.choice([
            "select tableoid::regclass, card from payments",
            "select p.tableoid = 'staff'::regclass as is_staff, p.name from people p",
            "select count(*), tableoid::regclass::text from people* group by tableoid",
            "select from customers where vip",
            "select x.* from (table customers) x(a, b, c) order by a",
            "with w as (table orders) table w",
            "table orders union all table only orders order by 1, 2 limit 9",
            "values ((select max(email) from customers)), ('x'), ((select name from staff order by id limit 1))",
            "select (select o from orders o order by id limit 1) is null, array(select email from customers order by 1)",
            "select c from (select email, phone from customers) c",
            "select (c).* from customers c",
            "select customers.*, customers.email as email from customers natural join (values (1), (2)) v(id)",
            "select coalesce(c.email, 'none') from public.customers as c where c.id in (select id from vip) for share of c",
            "/* a */ select -- b\n email /* c /* d */ */ from\n customers -- e",
            "select U&\"\\0065mail\" from customers",
            "select \"email\" from \"public\".\"customers\" \"c\"",
            *([] if "schema in a column" in self.avoid else [
                "select public.customers.email from public.customers",
                "select public.orders.account, o.* from public.orders, other.orders o where o.id = public.orders.id",
            ]),
        ])  # fmt: skip
        return Query(sql, ())

    # -- subqueries ----------------------------------------------------------------------------------------------------

    def subquery(self, depth: int, outer: Frame | None) -> tuple[str, Columns]:
        done = self.query(depth, outer=outer)
        return done.sql, done.columns

    def _scalar(self, frame: Frame, kind: str, depth: int) -> str:
        """One row: an aggregate, or the first by a total order."""
        if frame.outer is not None or depth < -1:
            return self.column(frame, kind) or self.literal(kind)
        inner = Frame(outer=frame)
        sql = self.from_clause(inner, min(depth, 0) - 1)
        where = self._where(inner, 1)
        if kind in ("i4", "text", "date", "num", "i8") and self.chance(0.5):
            value = self.aggregate(inner, kind)
            return f"(select {value} from {sql}{where})"
        if kind == "texts" and self.chance(0.5):
            value = self.expr(inner, "text", 0)
            return f"array(select {value} from {sql}{where} order by {value})"
        value = self.expr(inner, kind, 1)
        return f"(select {value} from {sql}{where} order by 1 limit 1)"

    def _table(self, frame: Frame, kind: str, depth: int) -> str:
        if frame.outer is not None or depth < -1:
            return f"({self.values([kind])})"
        inner = Frame(outer=frame)
        sql = self.from_clause(inner, min(depth, 0) - 1)
        return f"(select {self.expr(inner, kind, 0)} from {sql}{self._where(inner, 1)})"

    def _where(self, frame: Frame, depth: int) -> str:
        return f" where {self.expr(frame, 'bool', depth)}" if self.chance(0.45) else ""

    # -- queries -------------------------------------------------------------------------------------------------------

    def query(self, depth: int, *, outer: Frame | None = None, types: list[str] | None = None, top: bool = False) -> Query:
        with_clause, before = "", len(self.ctes)
        if depth > 0 and self.chance(0.3 if top else 0.1):
            with_clause = self._with(depth)
        is_set = depth > 0 and types is None and self.chance(0.15)
        done = self._set(depth, outer) if is_set else self._select(depth, outer, types, top)
        del self.ctes[before:]
        return Query(with_clause + done.sql, done.columns, done.ordered)

    def _with(self, depth: int) -> str:
        parts = []
        for _ in range(self.rng.randint(1, 2)):
            done = self.query(depth - 1)
            shadow = self.chance(0.15)
            name = self.rng.choice([t.name for t in TABLES]) if shadow else self.new("w")
            if any(name == other for other, _ in self.ctes):
                continue
            columns, named = done.columns, ""
            if self.chance(0.3):
                columns = tuple((self.new("c"), kind) for _, kind in columns)
                named = f"({', '.join(n for n, _ in columns)})"
            word = self.rng.choice(["", "", "materialized ", "not materialized "])
            parts.append(f"{name}{named} as {word}({done.sql})")
            self.ctes.append((name, columns))
        return f"with {', '.join(parts)} " if parts else ""

    def _set(self, depth: int, outer: Frame | None) -> Query:
        types = self.rng.choices([k for k in BASIC if k != "jsonb"], k=self.rng.randint(1, 3))
        parts = [self.query(depth - 1, outer=outer, types=types) for _ in range(self.rng.choice([2, 2, 3]))]
        sql = f"({parts[0].sql})"
        for part in parts[1:]:
            sql += f" {self.rng.choice(SET)} ({part.sql})"
        tail, ordered = self._tail(len(types))
        return Query(sql + tail, parts[0].columns, ordered)

    def _tail(self, count: int) -> tuple[str, bool]:
        """ORDER BY all columns, so that LIMIT takes the same rows everywhere."""
        if self.chance(0.5):
            return "", False
        ways = (self.rng.choice(["", " desc", " asc nulls first", " desc nulls last"]) for _ in range(count))
        order = " order by " + ", ".join(f"{i + 1}{way}" for i, way in enumerate(ways))
        return order + self.rng.choice(BOUNDS), True

    def _select(self, depth: int, outer: Frame | None, types: list[str] | None, top: bool) -> Query:
        frame = Frame(outer=outer)
        source = self.from_clause(frame, depth - 1)
        where = self._where(frame, depth)
        kinds = types or self.rng.choices([*BASIC, "i4", "text", "text", "x", "json"], k=self.rng.randint(1, 4))
        if self.chance(0.25):
            return self._grouped(frame, source, where, kinds, depth, top, exact=types is not None)
        values = [self.expr(frame, kind, depth) for kind in kinds]
        if types is not None:
            values = [f"({value})::{CASTS[kind]}" for value, kind in zip(values, kinds, strict=True)]
        elif self.chance(0.2):
            values.append(self._window(frame))
            kinds = [*kinds, "i8w"]
        elif "row type" not in self.avoid and top and self.chance(0.06) and (row := self.row(frame)):
            values.append(self.rng.choice([row, f"({row}).{frame.rels[0].columns[0][0]}", f"row({row}.*)", f"array_agg({row}) over ()"]))
            kinds = [*kinds, "json"]
        names = [self.new("o") for _ in kinds]
        items = [v if top and self.chance(0.3) else f"{v} {self.rng.choice(['', 'as '])}{n}" for v, n in zip(values, names, strict=True)]
        distinct, tail, ordered = "", "", False
        if "json" not in kinds:
            tail, ordered = self._tail(len(kinds))
            distinct = self.rng.choice(["", "", "", "", "", "distinct ", "all "])
            if self.chance(0.08) and (on := self.column(frame, self.rng.choice(BASIC))):
                distinct, ordered = f"distinct on ({on}) ", True
                tail = f" order by {on}, " + ", ".join(str(i + 1) for i in range(len(kinds)))
        lock = ""
        views = {"mails_of", "people_of", *(t.name for t in TABLES if t.kind != "table")} if "lock" in self.avoid else set()
        if (
            top
            and not distinct
            and not any(view in source.lower() for view in views)
            and "over" not in "".join(values)
            and self.chance(0.03)
        ):
            lock = self.rng.choice([" for update", " for share", f" for key share of {self.rng.choice(frame.rels).alias} skip locked"])
        named = tuple((n, k.removesuffix("w")) for n, k in zip(names, kinds, strict=True))
        return Query(f"select {distinct}{', '.join(items)} from {source}{where}{tail}{lock}", named, ordered)

    def _window(self, frame: Frame) -> str:
        rows = [rel.alias + "::text" if rel.row else ", ".join(f"{rel.alias}.{n}::text" for n, _ in rel.columns) for rel in frame.rels]
        part = f"partition by {self.expr(frame, self.rng.choice(['i4', 'text', 'bool']), 1)} " if self.chance(0.6) else ""
        order = f"order by {self.expr(frame, self.rng.choice(['i4', 'text', 'date']), 1)}, {', '.join(rows)}"
        bounds = self.rng.choice(["", "", " rows between 1 preceding and 1 following", " groups 1 preceding exclude ties"])
        call = self.rng.choice(OVER).format(i4=self.expr(frame, "i4", 1))
        only = f" filter (where {self.expr(frame, 'bool', 1)})" if call.startswith(("sum", "count", "min")) and self.chance(0.3) else ""
        return f"({call}{only} over ({part}{order}{bounds}))::int8"

    def aggregate(self, frame: Frame, kind: str) -> str:
        row = self.row(frame) or "1"
        parts = {k: self.expr(frame, k, 1) for k in BASIC}
        parts["x"] = self.expr(frame, self.rng.choice(["text", "i4", "date", "x"]), 0)
        template = self.rng.choice(AGGREGATES[kind])
        call = template
        for name, text in [*parts.items(), ("row", row)]:
            call = call.replace("{" + name + "}", text)
        if "filter" not in template and "round" not in template and "::" not in template and self.chance(0.2):
            call += f" filter (where {self.expr(frame, 'bool', 1)})"
        return call

    def _grouped(self, frame: Frame, source: str, where: str, kinds: list[str], depth: int, top: bool, *, exact: bool) -> Query:
        keys = [(self.expr(frame, k, 1), k) for k in self.rng.choices(["i4", "text", "date", "bool", "i8", "x"], k=self.rng.randint(0, 2))]
        keys = [(text, kind) for text, kind in keys if any(rel.alias + "." in text for rel in frame.rels)]
        values: list[tuple[str, str]] = []
        for kind in kinds:
            kind = kind if kind in AGGREGATES else "i8"
            own = [text for text, k in keys if k == kind]
            values.append((self.rng.choice(own) if own and self.chance(0.6) else self.aggregate(frame, kind), kind))
        if not exact and keys and self.chance(0.5):
            values.insert(0, keys[0])
        if exact:
            values = [(f"({text})::{CASTS[kind]}", kind) for text, kind in values]
        texts = list(dict.fromkeys(text for text, _ in keys))
        group = ""
        if texts:
            inside = ", ".join(texts)
            group = " group by " + self.rng.choice([
                inside, inside, inside, f"rollup ({inside})", f"cube ({inside})", f"grouping sets (({inside}), ())",
                f"grouping sets ({', '.join(f'({t})' for t in texts)})", f"distinct {inside}",
            ])  # fmt: skip
            if not exact and self.chance(0.1):
                values.append((f"grouping({texts[0]})", "i4"))
        elif "dependent columns" not in self.avoid and top and self.chance(0.3):
            # by the key alone: the other columns depend on it
            rel = frame.rels[0]
            if rel.key:
                group = f" group by {rel.alias}.{rel.columns[0][0]}"
                if not exact:
                    values.append((f"{rel.alias}.{rel.columns[-1][0]}", rel.columns[-1][1]))
        having = f" having {self.aggregate(frame, 'i8')} > {self.rng.randint(0, 3)}" if self.chance(0.25) else ""
        names = [self.new("o") for _ in values]
        items = [text if top and self.chance(0.3) else f"{text} as {n}" for (text, _), n in zip(values, names, strict=True)]
        tail, ordered = self._tail(len(values)) if all(kind != "json" for _, kind in values) else ("", False)
        named = tuple((n, k) for n, (_, k) in zip(names, values, strict=True))
        return Query(f"select {', '.join(items)} from {source}{where}{group}{having}{tail}", named, ordered)

    def _recursive(self) -> Query:
        """Walks a tree; text of something masked goes along."""
        table, key, up, text = self.rng.choice([
            ("public.regions", "id", "parent", "name"), ("staff", "id", "boss", "name"),
            ("customers", "id", "referrer", self.rng.choice(["email", "name", "phone", "note"])),
        ])  # fmt: skip
        name = self.rng.choice(["t", "t", "walk", "staff" if table != "staff" else "customers"])
        extra = self.rng.choice([" search depth first by k set seq", " cycle k set is_cycle using path", "", ""])
        union = self.rng.choice(["union all", "union"])
        step = self.rng.choice(["t.txt || '/' || x.{text}", "x.{text}"]).format(text=text)
        sql = (
            f"with recursive {name}(k, txt, depth) as (select {key}, {text}::text, 0 from {table} where {up} is null {union} "
            f"select x.{key}, ({step})::text, t.depth + 1 from {table} x join {name} t on x.{up} = t.k where t.depth < 6){extra} "
            f"select * from {name}{self.rng.choice(['', ' where depth > 1', f' join {table} y on y.{key} = k'])}"
        )
        return Query(sql, ())
