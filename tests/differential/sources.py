"""Random FROM items: tables, views, subqueries, functions, VALUES, CTEs, and joins of them."""

from __future__ import annotations

import random

from .expressions import BASIC, Expressions, Frame, Rel
from .schema import OTHER, TABLES, Columns, Table

Cte = tuple[str, Columns]
JOINS = ("join", "inner join", "left join", "left outer join", "right join", "full join", "cross join")


class Sources(Expressions):
    """path: the first schema of the search_path. Subqueries come from subquery(), which queries.py has."""

    def __init__(self, rng: random.Random, path: str, avoid: frozenset[str]) -> None:
        super().__init__(rng, avoid)
        self.path, self.serial, self.ctes = path, 0, list[Cte]()

    def subquery(self, depth: int, outer: Frame | None) -> tuple[str, Columns]:
        raise NotImplementedError

    def new(self, letter: str = "a") -> str:
        self.serial += 1
        return f"{letter}{self.serial}"

    # -- single items ----------------------------------------------------------------------------------------------------

    def pick_table(self) -> Table:
        return self.rng.choice(OTHER) if self.chance(0.04) else self.rng.choice(TABLES)

    def spelled(self, table: Table) -> str:
        shadowed = any(name == table.name for name, _ in self.ctes)
        first = next(t for t in (OTHER + TABLES if self.path == "other" else TABLES + OTHER) if t.name == table.name)
        hidden = first.schema != table.schema
        name = f"{table.schema}.{table.name}" if shadowed or hidden or self.chance(0.15) else table.name
        if name.islower() and name.isidentifier() and self.chance(0.1):
            name = name.upper() if self.chance(0.5) else f'"{name}"'
        return name

    def table_item(self, taken: set[str]) -> tuple[str, Rel]:
        table = self.pick_table()
        sql = self.spelled(table)
        if table.kind == "table":
            sql = self.rng.choice([sql] * 12 + [f"only {sql}", f"ONLY ({sql})", f"{sql} *", f"{sql}/* c */"])
        sample = " tablesample bernoulli (100)" if table.kind in ("table", "stored") and self.chance(0.03) else ""
        if table.name not in taken and self.chance(0.4) and " *" not in sql:
            return sql + sample, self.rel(table.name, table, table.columns)
        alias, columns = self.alias(taken), table.columns
        named = ""
        if self.chance(0.12) and not sample:
            count = self.rng.randint(1, len(columns))
            names = [self.new("c") for _ in range(count)]
            columns = tuple((names[i] if i < count else name, kind) for i, (name, kind) in enumerate(columns))
            named = f"({', '.join(names)})"
        word = self.rng.choice([" ", " as "])
        return f"{sql}{word}{alias}{named}{sample}", self.rel(alias, table, columns, row=not named or "aliased row" not in self.avoid)

    def rel(self, alias: str, table: Table, columns: Columns, *, row: bool = True) -> Rel:
        key = columns[0][0] if table.kind == "table" and not table.name.startswith("payments") and table.name != "staff" else ""
        return Rel(alias, columns, row and alias not in ("vip", "paid"), key)  # which are columns, too

    def alias(self, taken: set[str]) -> str:
        """Mostly a new word; now and then the name of another table, or one that wants quotes."""
        if self.chance(0.04) and (free := [t.name for t in TABLES if t.name not in taken]):
            return self.rng.choice(free)
        if self.chance(0.02):
            return f'"{self.new("A")} \'x"'
        if self.chance(0.02) and "governed" not in taken:
            return "governed"
        return self.new()

    def values(self, types: list[str]) -> str:
        rows = (", ".join(self.literal(kind) for kind in types) for _ in range(self.rng.randint(1, 4)))
        return "values " + ", ".join(f"({row})" for row in rows)

    def function_item(self, frame: Frame) -> tuple[str, Rel]:
        alias, rng = self.new("f"), self.rng
        texts, docs = self.column(frame, "texts") or self.literal("texts"), self.column(frame, "jsonb") or self.literal("jsonb")
        array = f"case when jsonb_typeof({docs}) = 'array' then {docs} else '[]' end"
        thing = f"case when jsonb_typeof({docs}) = 'object' then {docs} else '{{}}' end"
        choices: list[tuple[str, Columns]] = [
            (f"generate_series(1, {rng.randint(1, 4)}) as {alias}(n)", (("n", "i4"),)),
            (f"unnest({texts}) as {alias}(t)", (("t", "text"),)),
            (f"unnest({texts}) with ordinality as {alias}(t, o)", (("t", "text"), ("o", "i8"))),
            (f"rows from (unnest({texts}), generate_series(1, 2)) as {alias}(t, n)", (("t", "text"), ("n", "i4"))),
            (f"jsonb_array_elements({array}) as {alias}(j)", (("j", "jsonb"),)),
            (f"jsonb_each_text({thing}) as {alias}(k, v)", (("k", "text"), ("v", "text"))),
            (f"jsonb_to_record({thing}) as {alias}(k text, contact jsonb)", (("k", "text"), ("contact", "jsonb"))),
            (f"string_to_table({self.expr(frame, 'text', 1)}, ' ') as {alias}(t)", (("t", "text"),)),
            (f"json_table({docs}, '$' columns (o for ordinality, k text path '$.k' default 'no' on empty)) as {alias}",
             (("o", "i4"), ("k", "text"))),
            (f"mails_of({rng.randint(1, 9)}) {alias}", (("id", "i4"), ("address", "text"))),
            (f"people_of({rng.randint(1, 4)}) as {alias}", (("id", "i4"), ("name", "text"), ("rank", "i4"))),
        ]  # fmt: skip
        sql, columns = rng.choice(choices)
        return rng.choice(["", "", "lateral "]) + sql, Rel(alias, columns, row=False)

    def item(self, frame: Frame, depth: int) -> tuple[str, Rel]:
        """frame: what stands before it in FROM, for LATERAL."""
        taken = {rel.alias for rel in frame.rels} | ({rel.alias for rel in frame.outer.rels} if frame.outer else set())
        pick = self.rng.random()
        if self.ctes and pick < 0.35:
            name, columns = self.rng.choice(self.ctes)
            if name not in taken and self.chance(0.5):
                return name, Rel(name, columns)
            alias = self.new()
            return f"{name} as {alias}", Rel(alias, columns)
        if pick < 0.75 or depth <= 0:
            return self.table_item(taken)
        if pick < 0.8:
            types = self.rng.choices(BASIC, k=self.rng.randint(1, 3))
            names, alias = [self.new("v") for _ in types], self.new()
            return f"({self.values(types)}) as {alias}({', '.join(names)})", Rel(alias, tuple(zip(names, types, strict=True)))
        if pick < 0.87:
            return self.function_item(frame)
        lateral = bool(frame.rels) and self.chance(0.4)
        inside, columns = self.subquery(depth - 1, Frame(frame.rels) if lateral else None)
        alias, named = self.new("s"), ""
        if self.chance(0.25):
            columns = tuple((self.new("c"), kind) for _, kind in columns)
            named = f"({', '.join(name for name, _ in columns)})"
        return f"{'lateral ' if lateral else ''}({inside}) as {alias}{named}", Rel(alias, columns)

    # -- joins -----------------------------------------------------------------------------------------------------------

    def from_clause(self, frame: Frame, depth: int) -> str:
        """Fills frame.rels."""
        sql, rel = self.item(frame, depth)
        frame.rels.append(rel)
        for _ in range(self.rng.choice([0, 0, 0, 1, 1, 1, 2, 2, 3]) if depth >= 0 else 0):
            how = self.rng.choice([*JOINS, "left join", "left join", *JOINS, "using", "using", "natural", ","])
            inner = how in (",", "cross join", "join", "inner join", "left join", "left outer join")
            behind = frame if inner and self.chance(0.5) and "(" not in sql[:1] else Frame(outer=frame.outer)
            before = {r.alias for r in frame.rels}
            item, rel = self.item(Frame(behind.rels, frame.outer), depth)
            if rel.alias in before:
                continue
            sql = self._joined(frame, sql, how, item, rel)
            frame.rels.append(rel)
        return sql

    def _joined(self, frame: Frame, sql: str, how: str, item: str, rel: Rel) -> str:
        wraps = ", " not in sql.split("(", maxsplit=1)[0] and not sql.startswith("(")  # (a, b JOIN c) is no SQL
        if how == ",":
            return f"{sql}, {item}"
        if how == "cross join":
            return f"{sql} cross join {item}"
        side = self.rng.choice(["", "", "left ", "full ", "right "])
        if "lateral" in item or rel.alias.startswith("f"):
            side = ""
        if how == "natural":
            return f"({sql} natural {side}join {item})" if wraps else f"{sql} natural {side}join {item}"
        if how == "using":
            shared = [name for name, _ in rel.columns if sum(name == other for r in frame.rels for other, _ in r.columns) == 1]
            if shared:
                alias = f" as {self.new('u')}" if self.chance(0.15) else ""
                names = ", ".join(self.rng.sample(shared, min(len(shared), self.rng.randint(1, 2))))
                return f"{sql} {side}join {item} using ({names}){alias}"
            how = "join"
        both = Frame([*frame.rels, rel], None)
        condition = self._condition(frame, rel)
        if how == "full join" and "full join" in self.avoid:
            how = "full join" if condition != "true" else "left join"
        elif self.chance(0.25):
            condition += f" and {self.expr(both, 'bool', 1)}"
        joined = f"{sql} {how} {item} on {condition}"
        return f"({joined})" if wraps and self.chance(0.15) else joined

    def _condition(self, frame: Frame, rel: Rel) -> str:
        pairs = [
            f"{r.alias}.{other} = {rel.alias}.{name}"
            for name, kind in rel.columns
            for r in frame.rels
            for other, its in r.columns
            if kind == its and kind not in ("json", "x", "bool")
        ]
        return self.rng.choice(pairs) if pairs else "true"
