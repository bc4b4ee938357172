"""What is known of a target's catalog: an immutable value, read by catalog_load, asked by the compiler."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

RelationName = tuple[str, str]
"""(schema, name)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """type_sql: how to write its type in SQL, schema-qualified, with its modifier. base: pg_catalog name of its base type
    (domains resolved), "" for types of users and extensions. length: characters that fit, 0 without bound."""

    name: str
    attnum: int
    type_sql: str
    base: str
    length: int = 0
    is_array: bool = False
    type_name: str = ""
    """pg_type.typname."""
    made_of: frozenset[str] = frozenset()
    """A generated column: the columns that it is computed from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """A trigger or rule, or an expression of the table (a default, a check, an index) that calls code which somebody made.

    events: `insert`, `update`, `delete`, `truncate`. body: the code that runs."""

    label: str
    events: frozenset[str]
    body: str
    language: str
    is_expression: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A check or exclusion constraint over these columns. excludes: it compares a row with all others."""

    name: str
    columns: frozenset[str]
    excludes: bool = False


TypeCode = tuple[tuple[str, str], ...]
"""Label and SQL of what runs when a value becomes one of a type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """kind: pg_class.relkind (r table, p partitioned, v view, m materialized view, f foreign, S sequence, c composite, i, t)."""

    oid: int
    schema: str
    name: str
    kind: str
    columns: tuple[Column, ...] = ()
    parents: tuple[RelationName, ...] = ()
    children: tuple[RelationName, ...] = ()
    depends_on: tuple[RelationName, ...] = ()
    definition: str = ""
    key_columns: frozenset[str] = frozenset()
    """The columns of its primary key."""
    indexed: frozenset[str] = frozenset()
    """The columns that some index holds or computes on."""
    checks: tuple[Check, ...] = ()
    hooks: tuple[Hook, ...] = ()
    """Triggers and rules that fire when rows here are written."""
    cascades: tuple[tuple[RelationName, str, frozenset[str]], ...] = ()
    """Tables that a foreign key writes when rows here are deleted (`delete`) or these columns of theirs updated (`update`)."""

    @property
    def key(self) -> RelationName:
        return (self.schema, self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """kind: f function, p procedure, a aggregate, w window. volatility: i, s, v. extension: "" or its name."""

    schema: str
    name: str
    kind: str
    language: str
    volatility: str
    extension: str = ""
    returns_set: bool = False
    body: str = ""
    arguments: tuple[tuple[str, str, str], ...] = ()
    """Name, type and pg_proc.proargmodes letter of each argument and output."""
    returns: RelationName | None = None
    """The relation whose rows it returns, if it does."""


@dataclass(frozen=True, kw_only=True)
class Catalog:
    """version: digest of everything in it; equal versions mean equal compile results."""

    version: str
    relations: Mapping[RelationName, Relation]
    functions: Mapping[str, tuple[Function, ...]]
    schemas: frozenset[str] = frozenset()
    user_operators: frozenset[str] = frozenset()
    """Operators outside pg_catalog and the extensions that are known to be harmless."""
    user_types: Mapping[str, str] = field(default_factory=dict)
    """Types outside pg_catalog: name → pg_type.typtype (d domain, e enum, c composite, b base, r range)."""
    type_code: Mapping[str, TypeCode] = field(default_factory=dict)
    """Types, by name, whose values are made by code that somebody made (checks of domains, casts)."""

    @cached_property
    def has_own_functions(self) -> bool:
        """Somebody has made functions here."""
        return any(f.body for many in self.functions.values() for f in many)

    @cached_property
    def may_notify(self) -> bool:
        """Some function here could send a notification of what it reads, called or as a trigger."""
        own = (f for many in self.functions.values() for f in many if f.schema != "pg_catalog" and not f.extension)
        return any(f.language not in ("sql", "plpgsql") or "notify" in f.body.lower() or "execute" in f.body.lower() for f in own)

    @cached_property
    def schemas_of(self) -> Mapping[str, tuple[str, ...]]:
        """In which schemas a relation of this name exists."""
        found: dict[str, list[str]] = {}
        for schema, name in self.relations:
            found.setdefault(name, []).append(schema)
        return {name: tuple(schemas) for name, schemas in found.items()}

    def family(self, key: RelationName) -> frozenset[RelationName]:
        """The relation with all its ancestors and descendants by inheritance or partitioning."""
        return self._reach(key, up=True) | self._reach(key, up=False)

    def _reach(self, key: RelationName, *, up: bool) -> frozenset[RelationName]:
        seen: set[RelationName] = set()
        todo = [key]
        while todo:
            relation = self.relations.get(todo.pop())
            if relation is not None and relation.key not in seen:
                seen.add(relation.key)
                todo.extend(relation.parents if up else relation.children)
        return frozenset(seen)

    def sources(self, key: RelationName) -> frozenset[RelationName]:
        """What a view or materialized view is made of, itself included, through any depth."""
        seen: set[RelationName] = set()
        todo = [key]
        while todo:
            relation = self.relations.get(todo.pop())
            if relation is not None and relation.key not in seen:
                seen.add(relation.key)
                todo.extend(relation.depends_on)
        return frozenset(seen)
