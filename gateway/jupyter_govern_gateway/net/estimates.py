"""How many rows a statement would touch, as the target's planner estimates: for rules with `estimated_rows_over`.

EXPLAIN plans and runs nothing, in a read-only transaction of the gateway's own connection. Planning may evaluate immutable
functions, so a statement that calls somebody's own functions, be it in a view or a default, is not planned; what is not known counts
as too many (fail closed).
"""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import psycopg
from psycopg import sql

from jupyter_govern_gateway.net.bounds import ESTIMATE_SECONDS, MAX_ESTIMATES

if TYPE_CHECKING:
    from jupyter_govern_gateway.sql.compiler import Compiled
    from jupyter_govern_gateway.sql.naming import Naming

PLANNED: Final = frozenset({"select", "insert", "update", "delete", "merge", "declare", "create"})
"""Kinds of statements that EXPLAIN takes (`create` where a query makes a table or a view)."""
GENERIC_PLAN: Final = 160000
"""server_version_num from which EXPLAIN takes parameters without their values."""
_PARAMETER: Final = re.compile(r"\$[0-9]")
AT_ONCE: Final = 4
"""Statements that one target plans at a time."""
WAIT_SECONDS: Final = 3 * ESTIMATE_SECONDS
"""For an estimate, the ones before it and the connection included; then it is not known."""


def _is_planned(compiled: Compiled) -> bool:
    facts = compiled.facts
    return (
        compiled.statement_count == 1
        and not facts.unjudged
        and facts.kinds <= PLANNED
        and not compiled.runs_own_code
        and not any(access.verb == "execute" for access in facts.accesses)
    )


class Estimates:
    """conninfos: target name → libpq connection string of the gateway's own role."""

    def __init__(self, conninfos: Mapping[str, str]) -> None:
        self._conninfos = conninfos
        # of their own for each target: targets that do not answer must not take the threads of everybody else
        self._threads: dict[str, ThreadPoolExecutor] = {}

    async def of(self, target: str, compiled: Compiled, naming: Naming) -> Compiled:
        """The same statement with `facts.estimated_rows`: None where it is not known."""
        rows: int | None = None
        if _is_planned(compiled):
            threads = self._threads.get(target)
            if threads is None:
                threads = self._threads[target] = ThreadPoolExecutor(AT_ONCE, thread_name_prefix=f"estimate-{target}")
            work = asyncio.get_running_loop().run_in_executor(threads, estimated_rows, self._conninfos[target], compiled.sql, naming)
            with suppress(TimeoutError):
                rows = await asyncio.wait_for(work, WAIT_SECONDS)
        return replace(compiled, facts=replace(compiled.facts, estimated_rows=rows), spans=None)

    def close(self) -> None:
        """Nothing more is asked."""
        for threads in self._threads.values():
            threads.shutdown(wait=False, cancel_futures=True)


def estimated_rows(conninfo: str, statement: str, naming: Naming) -> int | None:
    """Blocks. The largest number of rows that the statement gives or changes; None where the target does not say."""
    try:
        with psycopg.connect(
            conninfo,
            connect_timeout=int(ESTIMATE_SECONDS),
            application_name="jupyter-govern estimate",
            client_encoding="UTF8",
            tcp_user_timeout=int(WAIT_SECONDS * 1000),
            keepalives_idle=int(ESTIMATE_SECONDS),
            keepalives_interval=1,
        ) as connection:
            connection.read_only = True
            connection.execute(sql.SQL("set local statement_timeout = {}").format(sql.Literal(int(ESTIMATE_SECONDS * 1000))))
            # the text has been read so, whatever the target's own is: it must end where it seemed to
            connection.execute("set local standard_conforming_strings = on")
            path = sql.SQL(", ").join(sql.Identifier(schema) for schema in naming.search_path)
            if naming.search_path:
                connection.execute(sql.SQL("set local search_path = {}").format(path))
            options = "FORMAT JSON"
            if _PARAMETER.search(statement):
                if connection.info.server_version < GENERIC_PLAN:
                    return None
                options += ", GENERIC_PLAN"
            row = connection.execute(f"EXPLAIN ({options}) {statement}".encode()).fetchone()
            return max(_most(each["Plan"]) for each in row[0]) if row else None  # a rule may make several of one
    except (psycopg.Error, KeyError, IndexError, TypeError, ValueError):
        return None  # temporary tables, cursors, what the session has not committed: unknown is too many


def _most(plan: dict[str, Any]) -> int:
    """The rows of the root; a change of rows gives none itself, so the largest of what feeds it and of changes within."""
    rows = int(plan["Plan Rows"])
    for part in plan.get("Plans", ()):
        if plan["Node Type"] == "ModifyTable" or part.get("Parent Relationship") == "InitPlan" or _changes(part):
            rows = max(rows, _most(part))
    return rows


def _changes(plan: dict[str, Any]) -> bool:
    return plan["Node Type"] == "ModifyTable" or any(_changes(part) for part in plan.get("Plans", ()))


class Estimated:
    """The statements of one session whose rows are estimated, with when that was; the oldest go first."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str, Naming], Compiled] = OrderedDict()

    def get(self, text: str, naming: Naming) -> Compiled | None:
        return self._known.get((text, naming))

    def keep(self, text: str, naming: Naming, compiled: Compiled) -> None:
        self._known[text, naming] = compiled
        if len(self._known) > MAX_ESTIMATES:
            self._known.popitem(last=False)

    def clear(self) -> None:
        self._known.clear()
