"""One text, walked by its tree: what it does (Facts), and what must be spliced so that it sees masked values only.

Every node must be one that grammar.py knows; anything else is noted in `unjudged` by name, and policy refuses it wherever a mask,
block or approve rule could apply. No I/O. The statements' own rules are in statements.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from jupyter_govern.model import Access, Facts, Verb
from jupyter_govern_gateway.sql.calls import ANYTHING, call, call_as_field, operator, shorten, value_of_type
from jupyter_govern_gateway.sql.catalog import Relation
from jupyter_govern_gateway.sql.copying import CopyInto
from jupyter_govern_gateway.sql.governed import DATA_CATALOGS, FILTERED_CATALOGS, Governed
from jupyter_govern_gateway.sql.grammar import DEFINITIONS, EXPRESSIONS
from jupyter_govern_gateway.sql.masks import quoted
from jupyter_govern_gateway.sql.naming import Naming
from jupyter_govern_gateway.sql.placeholders import Written
from jupyter_govern_gateway.sql.reader import Tree, children, column_names, kind_of, source_names, strings, tokens, unwrap
from jupyter_govern_gateway.sql.relations import SOURCE, SYSTEM_COLUMNS, NamePlace, masked_select, qualified, sample_place
from jupyter_govern_gateway.sql.splice import Splice
from jupyter_govern_gateway.sql.unknown import UNDEFINED_TABLE, UnknownName
from jupyter_govern_gateway.sql.views import run_view

MAX_VIEW_DEPTH = 20
Ctes = frozenset[str]
NO_CTES: Ctes = frozenset()


class Analysis:
    """Collects while `walk` goes through a tree. `expand` turns a view's definition into its compiled text (compiler.py)."""

    def __init__(self, text: str, governed: Governed, naming: Naming, *, views: tuple[tuple[str, str], ...] = ()) -> None:
        self.text, self.raw = text, text.encode()
        self.governed, self.catalog, self.naming = governed, governed.catalog, naming
        self.views = views
        self.tokens = tokens(text)
        self.token_at = {token.start: i for i, token in enumerate(self.tokens)}
        """Index of the token that begins at a byte."""
        self.kinds: set[str] = set()
        self.traits: set[str] = set()
        self.problems: list[str] = []
        self.splices: list[Splice] = []
        self.touched: set[tuple[str, str]] = set()
        self.cte_nodes: list[Tree] = []
        """Every CTE (CommonTableExpr) of the text that was walked so far."""
        self.may_quote_raw = False
        self.reads_literals = self.runs_own_code = False
        self.looks_at_content = False
        self.takes_unknown = False
        """Names that the catalog lacks go to the target: nothing could be behind them that policy speaks of."""
        self.written_parameters: list[Written] = []
        self.copies: list[CopyInto | None] = []
        """Of each COPY FROM STDIN, in order: where masked columns are written."""
        self.ran: set[tuple[str, str]] = set()
        self.functions: set[str] = set()
        """All that could be called, as `schema.name`."""
        self._accesses: dict[tuple[Verb, str], tuple[str, str] | None] = {}
        self._columns: set[str] = set()
        self._all_columns = False
        self._written: dict[str, frozenset[str] | None] = {}
        self.guard: tuple[frozenset[str], frozenset[str], frozenset[str]] | None = None
        self.system: tuple[str, ...] = ()
        self.sources: set[str] = set()
        """What the statement calls the relations and subqueries that it reads."""

    # -- what was found ----------------------------------------------------------------------------------------------

    def facts(self) -> Facts:
        return Facts(
            kinds=frozenset(self.kinds),
            traits=frozenset(self.traits),
            accesses=tuple(
                Access(verb=verb, resource=resource, columns=self._written[resource] if verb == "write" else self._columns_of(key))
                for (verb, resource), key in self._accesses.items()
            ),
            unjudged="; ".join(dict.fromkeys(self.problems)),
            functions=frozenset(self.functions),
        )

    def _columns_of(self, key: tuple[str, str] | None) -> frozenset[str] | None:
        relation = self.catalog.relations.get(key) if key is not None else None
        if relation is None or self._all_columns:
            return None
        return frozenset(c.name for c in relation.columns if c.name in self._columns)

    def access(self, verb: Verb, resource: str, key: tuple[str, str] | None = None, *, writes: frozenset[str] | None = None) -> None:
        """writes: the columns that are written, where that is known; else all of them."""
        self._accesses.setdefault((verb, resource), key)
        if verb == "write":
            before = self._written.get(resource, frozenset())
            self._written[resource] = None if before is None or writes is None else before | writes

    def look_ahead(self, tree: Tree) -> None:
        """Which system columns the statement names, and whether it takes all columns of anything."""
        names, star = column_names(tree)
        self.sources |= source_names(tree)
        self.system = tuple(name for name in SYSTEM_COLUMNS if name in names)
        self._all_columns = star

    @contextmanager
    def apart(self) -> Iterator[None]:
        """Inside, one statement of the text is judged: what it takes back (EXPLAIN, PREPARE) is its own, not that of the others."""
        before = self.kinds, self.traits, self.functions, self._accesses, self._written
        self.kinds, self.traits, self.functions, self._accesses, self._written = set(), set(), set(), {}, {}
        yield
        accesses, written = self._accesses, self._written
        self.kinds, self.traits, self.functions = before[0] | self.kinds, before[1] | self.traits, before[2] | self.functions
        self._accesses, self._written = before[3], before[4]
        for (verb, resource), key in accesses.items():
            self.access(verb, resource, key, writes=written.get(resource))

    @contextmanager
    def without_executing(self) -> Iterator[None]:
        """Inside, the functions that are called need no right of their own."""
        before = set(self._accesses)
        yield
        self._accesses = {found: key for found, key in self._accesses.items() if found[0] != "execute" or found in before}

    def only_read(self) -> None:
        """What was noted as written is only looked at (EXPLAIN)."""
        self._accesses = {("read", resource): key for (_, resource), key in self._accesses.items()}

    def forget_accesses(self) -> None:
        """What was noted happens later (PREPARE)."""
        self._accesses, self._written, self.functions = {}, {}, set()

    def take(self, facts: Facts) -> None:
        """Add the facts of a statement that was judged before (EXECUTE)."""
        self.kinds |= facts.kinds
        self.traits |= facts.traits
        self.functions |= facts.functions
        for access in facts.accesses:
            schema, _, name = access.resource.partition(".")
            self.access(access.verb, access.resource, (schema, name), writes=access.columns)
        if facts.unjudged:
            self.note(facts.unjudged)

    def note(self, problem: str) -> None:
        self.problems.append(problem)

    def position(self, offset: int) -> int:
        """A byte offset as PostgreSQL's 1-based character position."""
        return len(self.raw[:offset].decode(errors="ignore")) + 1 if offset >= 0 else 0

    # -- walking -----------------------------------------------------------------------------------------------------

    def walk(self, node: Tree, ctes: Ctes = NO_CTES) -> None:
        """Judge a node and all inside it."""
        kind = kind_of(node)
        if kind not in EXPRESSIONS and kind not in DEFINITIONS:
            self.note(f"{kind} is a construct that the gateway does not understand yet")
            return
        match kind:
            case "SelectStmt":
                self.select(node, ctes)
            case "InsertStmt" | "UpdateStmt" | "DeleteStmt" | "MergeStmt":
                from jupyter_govern_gateway.sql.writes import write

                write(self, node, ctes)
            case "RangeVar":
                self.read_relation(node, ctes)
            case "RangeTableSample":
                self._sampled(node, ctes)
            case "RangeFunction" if self.governed.active and self._inlined(node):
                return
            case "LockingClause":
                return  # names aliases, not relations
            case "FuncCall":
                call(self, node)
                self._walk_children(node, ctes)
            case "ColumnRef":
                self.column(node)
            case "A_Indirection":
                for item in node.indirection:
                    if kind_of(unwrap(item)) == "String":
                        call_as_field(self, unwrap(item).sval)
                self._walk_children(node, ctes)
            case "A_Expr":
                operator(self, strings(node.name))
                self._walk_children(node, ctes)
            case "SubLink" if node.oper_name:
                operator(self, strings(node.oper_name))
                self._walk_children(node, ctes)
            case "TypeName":
                value_of_type(self, strings(node.names)[-1])
                self._walk_children(node, ctes)
            case "SortBy" if node.use_op:
                operator(self, strings(node.use_op))
                self._walk_children(node, ctes)
            case _:
                self._walk_children(node, ctes)

    def _inlined(self, node: Tree) -> bool:
        from jupyter_govern_gateway.sql.inlining import inline

        return inline(self, node)

    def _walk_children(self, node: Tree, ctes: Ctes) -> None:
        for _, child in children(node):
            self.walk(child, ctes)

    def select(self, node: Tree, ctes: Ctes) -> None:
        self.kinds.add("select")
        inner = self.with_clause(node, ctes)
        if node.group_clause and self.governed.active:
            from jupyter_govern_gateway.sql.grouping import group_by_whole_rows

            group_by_whole_rows(self, node, inner)
        for field, child in children(node):
            if field == "with_clause":
                continue
            if field == "into_clause":
                from jupyter_govern_gateway.sql.definitions import create_relation

                self.kinds.add("create")
                create_relation(self, child.rel)
            else:
                self.walk(child, inner)

    def with_clause(self, node: Tree, ctes: Ctes) -> Ctes:
        """Walk the CTEs of a statement; returns the names that its own parts see."""
        if not node.HasField("with_clause"):
            return ctes
        clause = node.with_clause
        tables = [unwrap(item) for item in clause.ctes]
        names = frozenset(table.ctename for table in tables)
        seen = ctes | names if clause.recursive else ctes
        for table in tables:
            query = unwrap(table.ctequery)
            self.cte_nodes.append(table)
            self.walk(query, seen)
            for field, child in children(table):
                if field != "ctequery":
                    self.walk(child, seen)
            seen |= {table.ctename}
        return ctes | names

    @contextmanager
    def guarded(self, columns: frozenset[str], names: frozenset[str], known: frozenset[str]) -> Iterator[None]:
        """Inside, reading these columns (or a whole row by these names, whose columns are `known`) would read raw values: note it."""
        before, self.guard = self.guard, (columns, names, known)
        yield
        self.guard = before

    @contextmanager
    def unguarded(self) -> Iterator[None]:
        before, self.guard = self.guard, None
        yield
        self.guard = before

    def column(self, node: Tree) -> None:
        """A reference to a column, or to a whole row."""
        parts = strings(node.fields)
        star = bool(node.fields) and node.fields[-1].WhichOneof("node") == "a_star"
        self._all_columns |= star or (len(parts) == 1 and any(parts[0] == name for _, name in self.touched))
        self._columns.update(parts[-1:])
        if len(parts) > 2:
            shorten(self, node, parts)
        if len(parts) > 1 and not star:
            call_as_field(self, parts[-1])
        if self.guard is None:
            return
        columns, names, known = self.guard
        if star:
            self.note("RETURNING * or a whole row of a relation with masked columns would read them in clear; name the columns")
        elif parts[-1] in columns and (len(parts) == 1 or parts[-2] in names):  # others' columns are masked where they come from
            self.note(f"a write that reads the masked column {parts[-1]} in clear")
        elif len(parts) == 1 and parts[0] in names:
            self.note(f"a write that reads the whole row of {parts[0]}, which has masked columns")
        elif len(parts) > 1 and parts[-2] in names and parts[-1] not in known:
            # no column: the target would call a function of that name with the whole row
            self.note(f"a write that gives the whole row of {parts[-2]}, which has masked columns, to {parts[-1]}")

    # -- relations -----------------------------------------------------------------------------------------------------

    def find(self, node: Tree, ctes: Ctes = NO_CTES) -> Relation | str:
        """What a RangeVar names: a relation of the catalog, or "cte", or "temp". Raises UnknownName."""
        if node.catalogname and node.catalogname != self.naming.database:
            self.note("cross-database references")
        schema, name = node.schemaname, node.relname
        if not schema:
            if name in ctes:
                return "cte"
            for candidate in self.naming.schemas():
                if candidate == "pg_temp":
                    if name in self.naming.temp_relations:
                        return "temp"
                elif (found := self._known((candidate, name))) is not None:
                    return found
        elif schema.startswith("pg_temp"):
            return "temp"
        elif (found := self._known((schema, name))) is not None:
            return found
        if self.takes_unknown:
            return Relation(oid=0, schema=schema or ANYTHING, name=name if schema else ANYTHING, kind="r")
        spelled = f"{schema}.{name}" if schema else name
        raise UnknownName(f'relation "{spelled}" does not exist', self.position(node.location), UNDEFINED_TABLE)

    def _known(self, key: tuple[str, str]) -> Relation | None:
        found = self.catalog.relations.get(key)
        if found is None and key in self.naming.created:
            # made in this transaction by a statement that was compiled: it holds nothing that was masked in clear
            found = Relation(oid=0, schema=key[0], name=key[1], kind="r")
        if not self.naming.is_sure and self.governed.active and key[0] not in ("pg_catalog", "information_schema"):
            self.note("a relation after data definition in the same transaction; COMMIT first")
        return found

    def read_relation(self, node: Tree, ctes: Ctes) -> None:
        """A relation in FROM (or USING, or under COPY): note the access, splice the subquery where it is governed."""
        found = self.find(node, ctes)
        if found == "cte":
            return
        if isinstance(found, str):
            self.access("read", f"pg_temp.{node.relname}")
            self.pin(node, f"pg_temp.{quoted(node.relname)}")
            return
        self.access("read", f"{found.schema}.{found.name}", found.key)
        if self.governed.touches(found.key):
            self._governed_relation(node, found, sample=None)
        elif found.schema in ("pg_catalog", "information_schema"):
            self._system_relation(node, found)
        else:
            if found.kind == "v":
                run_view(self, found)
            self.pin(node, qualified(found))

    def pin(self, node: Tree, full_name: str) -> None:
        """Write an unqualified name in full where another schema has the same name: a wrong belief must not change what is read."""
        if node.schemaname:
            return
        if full_name.startswith("pg_temp."):
            ambiguous = bool(self.catalog.schemas_of.get(node.relname))
        else:
            ambiguous = len(self.catalog.schemas_of.get(node.relname, ())) > 1
        if ambiguous:
            place = self._place(node)
            alias = "" if node.HasField("alias") or place.table_word is not None else f" AS {quoted(node.relname)}"
            only = "ONLY " if place.only else ""
            self.splices.append(Splice(place.start, place.stop, f"{only}{full_name}{alias}"))

    def pin_target(self, node: Tree, full_name: str) -> None:
        """The same for the relation that a statement writes: no alias is added where the grammar takes none."""
        if not node.schemaname and len(self.catalog.schemas_of.get(node.relname, ())) > (not full_name.startswith("pg_temp.")):
            place = self._place(node)
            self.splices.append(Splice(place.start, place.stop, ("ONLY " if place.only else "") + full_name))

    def _place(self, node: Tree) -> NamePlace:
        return NamePlace(self.tokens, self.token_at[node.location], 1 + bool(node.schemaname) + bool(node.catalogname))

    def _system_relation(self, node: Tree, found: Relation) -> None:
        if not self.governed.active:
            return
        if (condition := FILTERED_CATALOGS.get(found.name)) is not None and found.schema == "pg_catalog":
            filled = condition.format(not_governed=self.governed.not_governed())
            self._replace(node, f"SELECT s.* FROM {qualified(found)} s WHERE {filled}")
        elif found.name in DATA_CATALOGS or (found.schema == "pg_catalog" and found.name.startswith("pg_stats")):
            self.note(f"{found.name} can hold masked data")

    def _sampled(self, node: Tree, ctes: Ctes) -> None:
        self.reads_literals = True  # its arguments are moved
        relation = unwrap(node.relation)
        for field, child in children(node):
            if field != "relation":
                self.walk(child, ctes)
        found = self.find(relation, ctes)
        if isinstance(found, str) or not self.governed.touches(found.key):
            self.walk(relation, ctes)
            return
        self.access("read", f"{found.schema}.{found.name}", found.key)
        self._governed_relation(relation, found, sample=sample_place(self.tokens, relation.location))

    def _governed_relation(self, node: Tree, found: Relation, *, sample: tuple[int, int] | None) -> None:
        self.touched.add(found.key)
        if found.key in self.governed.opaque and found.key not in self.governed.masks:
            self.note(f"{found.name} shows masked data in a way that the gateway cannot mask")
            return
        only = "ONLY " if self._place(node).only else ""
        clause = ""
        if sample is not None:
            clause = " " + self.raw[sample[0] : sample[1]].decode()
            self.splices.append(Splice(sample[0], sample[1], ""))
        if self.system and (self._all_columns or found.kind == "v"):
            self.note(f"system columns of {found.name}, which has masked columns, together with *")
        source = self._source(found, only, clause)
        self._replace(node, masked_select(self.governed, found, source=source, system=self.system))

    def _source(self, found: Relation, only: str, sample: str) -> str:
        if found.key not in self.governed.derived:
            return f"{only}{qualified(found)} AS {SOURCE}{sample}"
        from jupyter_govern_gateway.sql.compiler import expand_view

        columns = ", ".join(quoted(column.name) for column in found.columns)
        return f"({expand_view(self, found)}) AS {SOURCE}({columns})"

    def _replace(self, node: Tree, select: str) -> None:
        place = self._place(node)
        alias = "" if node.HasField("alias") else f" AS {quoted(node.relname)}"
        if place.table_word is not None:  # TABLE name is SELECT * FROM name
            self.splices.append(Splice(*place.table_word, "SELECT * FROM"))
        self.splices.append(Splice(place.start, place.stop, f"({select}){alias}"))
