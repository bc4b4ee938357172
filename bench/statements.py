"""What a statement costs: compiled for the first time, compiled before, and on the road (latency of one client, p50 and p99)."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from statistics import median, quantiles

import psycopg

from bench.world import Road
from jupyter_govern.model import RuleRef
from jupyter_govern_gateway.policy.standing import MaskPattern, Standing
from jupyter_govern_gateway.sql.catalog_load import load_catalog
from jupyter_govern_gateway.sql.compiler import Compiled, compile_statement, with_literals
from jupyter_govern_gateway.sql.naming import Naming
from jupyter_govern_gateway.sql.normal import normal

ONE_LINE = "select id, email, amount from wide where id = 4711"


def _long(size: int) -> str:
    """A report over the masked table: CTEs, joins, windows; about so many bytes."""
    parts = [
        f"c{i} as (select w.id, upper(w.email) as mail, sum(w.amount) over (partition by w.active order by w.id) as running"
        f" from wide w join wide v{i} using (id) where w.id between {i} and {i + 100} and v{i}.note like 'a%')"
        for i in range(max(1, size // 220))
    ]
    return "with " + ", ".join(parts) + " select count(*), max(mail) from c0"


STATEMENTS = {"one line": ONE_LINE, "2 KB": _long(2_000), "20 KB": _long(20_000)}


def compile_table(direct: Road) -> str:
    """Microseconds of compiling, in this process."""
    catalog = load_catalog(direct.conninfo())
    rule = RuleRef(name="two of eight columns", because="bench")
    masks = tuple(MaskPattern(rule=rule, schema="public", relation="wide", column=column, format="partial") for column in ("email", "card"))
    standing, naming = Standing(masks=masks, judged=True, key="bench"), Naming(database=direct.database, user=direct.user)
    lines = ["\nCompiling (µs, median)", f"  {'statement':24}{'bytes':>8}{'cold':>12}{'other literals':>18}"]
    for name, text in STATEMENTS.items():
        compiled = compile_statement(text, catalog=catalog, naming=naming, standing=standing)
        cold = _microseconds(partial(compile_statement, text, catalog=catalog, naming=naming, standing=standing), 20)

        warm = f"{_microseconds(partial(_again, compiled, text), 200):.0f}" if compiled.spans is not None else "not shared"
        lines.append(f"  {name:24}{len(text):8,}{cold:12,.0f}{warm:>18}")
    return "\n".join(lines)


def _again(compiled: Compiled, text: str) -> None:
    shape = normal(text)
    if shape is not None:
        with_literals(compiled, text, shape.spans)


def _microseconds(work: Callable[[], object], times: int) -> float:
    seen = []
    for _ in range(times):
        started = time.perf_counter()
        work()
        seen.append(time.perf_counter() - started)
    return median(seen) * 1e6


def latency_table(roads: dict[str, Road], rounds: int, times: int = 400) -> str:
    """Round trips of one client: a simple statement with other literals each time, and a prepared one."""
    seen: dict[tuple[str, str], list[float]] = {}
    for _ in range(rounds):
        for name, road in roads.items():
            with psycopg.connect(road.conninfo(), autocommit=True) as connection:
                for mode, ask in (("simple", _simple), ("prepared", _prepared)):
                    seen.setdefault((name, mode), []).extend(ask(connection, times))
    lines = ["\nRound trip of one client (µs)", f"  {'road':24}{'mode':>10}{'p50':>8}{'p99':>8}{'p50 added':>12}"]
    base = next(iter(roads))
    for (name, mode), values in seen.items():
        added = (median(values) - median(seen[base, mode])) * 1e6
        lines.append(f"  {name:24}{mode:>10}{median(values) * 1e6:8.0f}{quantiles(values, n=100)[98] * 1e6:8.0f}{added:12.0f}")
    return "\n".join(lines)


def _simple(connection: psycopg.Connection, times: int) -> list[float]:
    cursor, seen = psycopg.ClientCursor(connection), []
    for number in range(times):
        started = time.perf_counter()
        cursor.execute(f"select abalance from pgbench_accounts where aid = {number}".encode())
        seen.append(time.perf_counter() - started)
    return seen


def _prepared(connection: psycopg.Connection, times: int) -> list[float]:
    cursor, seen = connection.cursor(), []
    for number in range(times):
        started = time.perf_counter()
        cursor.execute("select abalance from pgbench_accounts where aid = %s", (number,), prepare=True)
        seen.append(time.perf_counter() - started)
    return seen
