"""What a session's names are believed to mean. Safety must never depend on this being right: what is spliced is always qualified."""

from __future__ import annotations

from dataclasses import dataclass

from jupyter_govern.model import Facts


@dataclass(frozen=True, slots=True, kw_only=True)
class Naming:
    """user: the role at the target, for "$user" in search_path. prepared: what each prepared statement does, by name.

    created: relations made in the transaction that is still open, which the catalog does not show yet. is_sure: nothing else was
    defined in it, so that the names of the catalog still mean what they meant.
    """

    database: str
    search_path: tuple[str, ...] = ("$user", "public")
    temp_relations: frozenset[str] = frozenset()
    prepared: tuple[tuple[str, Facts], ...] = ()
    user: str = ""
    created: frozenset[tuple[str, str]] = frozenset()
    is_sure: bool = True

    def schemas(self) -> tuple[str, ...]:
        """Where an unqualified relation is looked for: pg_temp first, then pg_catalog, each unless the path says where."""
        path = tuple(self.user if schema == "$user" else schema for schema in self.search_path)
        path = path if "pg_catalog" in path else ("pg_catalog", *path)
        return path if "pg_temp" in path else ("pg_temp", *path)
