"""SQLAlchemy's psycopg dialect, but for one question about tables that a governed target does not answer.

Knows SQLAlchemy only. Reflection (`read_sql_table`, `to_sql`, `MetaData.reflect`) otherwise works as it is.
"""

from __future__ import annotations

from typing import Any, NoReturn

from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg


class GovernedDialect(PGDialect_psycopg):
    """PostgreSQL through the gateway."""

    supports_statement_cache = True

    def get_multi_table_options(self, *_: Any, **__: Any) -> NoReturn:
        """Not reflected: it reads a setting whose name is a parameter, and the gateway refuses settings it cannot name beforehand.

        SQLAlchemy takes this as "has no table options" wherever it reflects whole tables.
        """
        raise NotImplementedError("storage options of tables are not reflected through the gateway")
