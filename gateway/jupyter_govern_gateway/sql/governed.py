"""Which relations and columns are governed for one standing, by one catalog. Computed once per pair, asked per statement."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache

from jupyter_govern.errors import SyntaxProblem
from jupyter_govern_gateway.policy.standing import MaskPattern, Standing
from jupyter_govern_gateway.sql.catalog import Catalog, Relation, RelationName
from jupyter_govern_gateway.sql.lineage import tainted_outputs
from jupyter_govern_gateway.sql.reader import read

MAX_DEPTH = 20

DATA_CATALOGS = frozenset(
    {"pg_statistic", "pg_statistic_ext_data", "pg_largeobject", "pg_stat_statements", "pg_authid", "pg_shadow", "pg_user_mapping",
     "pg_user_mappings", "pg_prepared_statements", "pg_cursors", "pg_file_settings", "pg_hba_file_rules", "pg_ident_file_mappings",
     "pg_subscription", "pg_stat_replication", "pg_stat_wal_receiver", "pg_stat_ssl", "pg_stat_gssapi",
      "pg_stats_ext_exprs", "pg_stats_ext", "pg_shmem_allocations", "pg_backend_memory_contexts",
     "pg_prepared_xacts"}
)  # fmt: skip
"""System relations that hold people's data, statements or secrets: refused where masks exist, but for FILTERED_CATALOGS."""
FILTERED_CATALOGS: Mapping[str, str] = {
    "pg_stats": "(s.schemaname, s.tablename) {not_governed} AND EXISTS (SELECT FROM pg_catalog.pg_class k JOIN pg_catalog.pg_namespace n"
    " ON n.oid OPERATOR(pg_catalog.=) k.relnamespace WHERE n.nspname OPERATOR(pg_catalog.=) s.schemaname AND k.relname"
    " OPERATOR(pg_catalog.=) s.tablename AND k.relkind::text NOT IN ('i', 'I'))",  # an index on an expression has statistics too
    "pg_stat_activity": "s.pid OPERATOR(pg_catalog.=) pg_catalog.pg_backend_pid()",
}
"""System relations that are read through a filter: statistics of ungoverned relations, the session's own activity."""


def holds_data(names: Iterable[str]) -> bool:
    """Whether one of these relations of pg_catalog can hold people's data."""
    return any(name in DATA_CATALOGS or (name.startswith("pg_stats") and name not in FILTERED_CATALOGS) for name in names)


class Governed:
    """masks: for each relation, its masked columns. derived: views over governed relations, that are expanded.
    opaque: views over governed data that can neither be expanded nor masked by column (through functions, say)."""

    def __init__(self, catalog: Catalog, standing: Standing) -> None:
        self.catalog = catalog
        self.masks: dict[RelationName, dict[str, MaskPattern]] = {}
        own = {key: _own(catalog, key, standing) for key in catalog.relations} if standing.masks else {}
        for key, masks in own.items():
            for member in catalog.family(key) if masks else ():
                known = {column.name for column in catalog.relations[member].columns}
                mine = self.masks.setdefault(member, {})
                mine.update({column: mask for column, mask in masks.items() if column in known and column not in mine})
        self._generated()
        self.masks = {key: masks for key, masks in self.masks.items() if masks}
        self.filters: dict[RelationName, tuple[str, ...]] = {}
        for key, relation in catalog.relations.items() if standing.filters else ():
            conditions = tuple(f.condition for f in standing.filters if f.covers(*key))
            if conditions and relation.kind in ("r", "p", "v", "m", "f") and key[0] not in ("pg_catalog", "information_schema"):
                for member in catalog.family(key):
                    self.filters[member] = (*self.filters.get(member, ()), *conditions)
        self.derived: set[RelationName] = set()
        self.opaque: set[RelationName] = set()
        self.active = bool(self.masks or self.filters)
        """Something is hidden."""
        if self.active:
            self._views()
        self.names = frozenset(name for _, name in self.masks.keys() | self.filters.keys() | self.derived | self.opaque)
        self.origins = self._origins()

    def _generated(self) -> None:
        """A generated column that is computed from a masked one is masked by a constant: it has no format of its own."""
        for key, masks in self.masks.items():
            for column in self.catalog.relations[key].columns:
                made_of = sorted(column.made_of & masks.keys())
                if made_of and column.name not in masks:
                    masks[column.name] = replace(masks[made_of[0]], format="redact", path=())

    def fenced(self, relation: Relation) -> bool:
        """Whether an index holds a masked column of it, so that rows could come in the order of what is masked."""
        keys = self.catalog.family(relation.key) if relation.kind in ("r", "p") else (relation.key,) if relation.kind == "m" else ()
        return any(self.catalog.relations[key].indexed & self.masks.get(key, {}).keys() for key in keys)

    def _views(self) -> None:
        """Views over masked data are expanded where they are read; materialized ones get masks of their own, by lineage."""
        views = {key: relation for key, relation in self.catalog.relations.items() if relation.kind in ("v", "m")}
        over = {key for key in views if (self.catalog.sources(key) - {key}) & (self.masks.keys() | self.filters.keys())}
        self.derived = {key for key in over if views[key].kind == "v"}
        for key in sorted(over - self.derived):
            if self.catalog.sources(key) & self.filters.keys():
                self.opaque.add(key)  # whose rows are in it was settled when it was filled
            else:
                self._mask_stored(key, views[key])
        from jupyter_govern_gateway.sql.routines import functions_called, reaches_masked, read_code
        from jupyter_govern_gateway.sql.views import SYSTEM, view_code

        for key, relation in views.items():
            if key[0] in SYSTEM:
                continue
            system = view_code(relation.definition).reads
            if holds_data(system) or (relation.kind == "m" and system & FILTERED_CATALOGS.keys()):
                self.opaque.add(key)
            elif system & FILTERED_CATALOGS.keys():
                self.derived.add(key)
            if self.catalog.has_own_functions:
                called = functions_called(self.catalog, read_code(relation.definition, "sql"))
                if any(reaches_masked(self, function) for function in called):
                    self.opaque.add(key)
        above = {key: self.catalog.sources(key) - {key} for key in views}
        self.opaque |= {key for key, sources in above.items() if views[key].kind == "m" and sources & self.opaque}
        self.derived |= {key for key, sources in above.items() if views[key].kind == "v" and sources & (self.opaque | self.derived)}
        self.derived -= self.opaque

    def _mask_stored(self, key: RelationName, relation: Relation) -> None:
        try:
            masks = self._lineage(key)
        except (SyntaxProblem, ValueError, AttributeError):
            self.opaque.add(key)
            return
        if masks:
            self.masks[key] = {**masks, **self.masks.get(key, {})}

    def _lineage(self, key: RelationName, depth: int = 0) -> Mapping[str, MaskPattern]:
        """The columns of a relation that hold something masked."""
        relation = self.catalog.relations[key]
        if relation.kind not in ("v", "m"):
            return self.masks.get(key, {})
        if depth > MAX_DEPTH:
            raise ValueError("views are nested too deeply")
        tainted: dict[str, MaskPattern] = {}
        for source in sorted(relation.depends_on):
            for name, mask in self._lineage(source, depth + 1).items():
                tainted.setdefault(name, mask)
        names = frozenset(name for _, name in relation.depends_on)
        (statement,) = read(relation.definition)
        outputs = tainted_outputs(statement.tree, tainted, names)
        return {relation.columns[position].name: mask for position, mask in outputs.items()}

    def touches(self, key: RelationName) -> bool:
        return key in self.masks or key in self.filters or key in self.derived or key in self.opaque

    def _origins(self) -> frozenset[tuple[int, int]]:
        """What must never stand in a RowDescription: masked columns, whole rows of their relations, governed views' columns."""
        found = set()
        for key, masks in self.masks.items():
            relation = self.catalog.relations[key]
            found.add((relation.oid, 0))
            found.update((relation.oid, column.attnum) for column in relation.columns if column.name in masks)
        for key in self.derived | self.opaque:
            relation = self.catalog.relations[key]
            found.update((relation.oid, column.attnum) for column in relation.columns)
        for name in DATA_CATALOGS:
            if (system := self.catalog.relations.get(("pg_catalog", name))) is not None:
                found.update((system.oid, column.attnum) for column in system.columns)
        return frozenset(found) if self.active else frozenset()

    def not_governed(self) -> str:
        """SQL: a (schema, relation) pair that is not governed."""
        hidden = sorted(self.masks.keys() | self.filters.keys() | self.derived | self.opaque)
        pairs = ", ".join(f"({_literal(schema)}, {_literal(name)})" for schema, name in hidden)
        return f"NOT IN ({pairs})" if pairs else "IS NOT NULL"


def _own(catalog: Catalog, key: RelationName, standing: Standing) -> dict[str, MaskPattern]:
    schema, name = key
    if schema in ("pg_catalog", "information_schema"):
        return {}
    patterns = [p for p in standing.masks if p.covers(schema, name, "*") or _could_cover(p, schema, name)]
    found: dict[str, MaskPattern] = {}
    for column in catalog.relations[key].columns if patterns else ():
        mask = next((p for p in patterns if p.covers(schema, name, column.name)), None)  # the strictest stands first
        if mask is not None:
            found[column.name] = mask
    return found


def _could_cover(pattern: MaskPattern, schema: str, name: str) -> bool:
    return MaskPattern(rule=pattern.rule, schema=pattern.schema, relation=pattern.relation, column="*", format=pattern.format).covers(
        schema, name, ""
    )


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


@lru_cache(maxsize=256)
def _cached(catalog_version: str, standing_key: str, box: _Box) -> Governed:
    return Governed(box.catalog, box.standing)


class _Box:
    """Carries the values past lru_cache: the two digests alone are the key."""

    __slots__ = ("catalog", "standing")

    def __init__(self, catalog: Catalog, standing: Standing) -> None:
        self.catalog, self.standing = catalog, standing

    def __hash__(self) -> int:
        return 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Box)


def governed(catalog: Catalog, standing: Standing) -> Governed:
    return _cached(catalog.version, standing.key, _Box(catalog, standing))
