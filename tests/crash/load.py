"""A mixed load on a gateway, each statement with a mark of its own, and what the server ran next to what the recordings say."""

from __future__ import annotations

import asyncio
import re
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import asyncpg
import psycopg

from jupyter_govern.demo.stack import Stack
from jupyter_govern.recording import read_entries

SETTINGS = {"log_statement": "all", "log_line_prefix": "@@%u|%a|"}


# -- clients: each runs statements with marks of their own until the connection breaks -----------------------------------


def simple(connection: psycopg.Connection[Any], mark: str, number: int) -> None:
    connection.execute(f"/* {mark}-{number} */ select email from customers where id = {number % 600 + 1}".encode()).fetchall()


def several(connection: psycopg.Connection[Any], mark: str, number: int) -> None:
    connection.execute(f"select '{mark}-{number}'; select 1 /* {mark}-{number}-second */".encode())


def extended(connection: psycopg.Connection[Any], mark: str, number: int) -> None:
    connection.execute(f"/* {mark}-{number} */ select %s::int".encode(), (number,)).fetchall()


def pipelined(connection: psycopg.Connection[Any], mark: str, number: int) -> None:
    with connection.pipeline():
        for part in range(10):
            connection.execute(f"/* {mark}-{number}-{part} */ select phone from customers where id = %s".encode(), (part,))


def writing(connection: psycopg.Connection[Any], mark: str, number: int) -> None:
    with connection.transaction():
        key = int(mark.partition("-")[0].removeprefix("turn")) * 1_000_000 + number
        connection.execute(f"insert into order_drafts values ({key}, '{mark}-{number}-insert', now())".encode())
        connection.execute(f"update orders set status = status /* {mark}-{number} */ where id = {number % 2400 + 1}".encode())


def copying(connection: psycopg.Connection[Any], mark: str, number: int) -> None:
    query = f"copy (select '{mark}-{number}', note from order_drafts limit 40) to stdout".encode()
    with connection.cursor().copy(query) as copy:
        for _ in copy:
            pass


def slow(connection: psycopg.Connection[Any], mark: str, number: int) -> None:
    connection.execute(f"select pg_sleep(0.4) /* {mark}-{number} */".encode())


def with_asyncpg(stack: Stack, password: str, mark: str) -> None:
    async def work() -> None:
        context = ssl.create_default_context(cafile=stack.ca_file)
        connection = await asyncpg.connect(
            host="127.0.0.1", port=stack.pg_port, user="ana", database="shop", password=password, ssl=context
        )
        for number in range(1_000_000):
            await connection.fetch(f"/* {mark}-{number} */ select email, $1::int from customers limit 3", number)

    with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        asyncio.run(work())


def started(stack: Stack, mark: str) -> list[threading.Thread]:
    """The clients' threads, one for each way to send a statement."""
    conninfo, password = stack.conninfo("ana"), stack.token("ana")

    def until_it_breaks(step: Callable[..., None], own: str) -> None:
        with suppress(psycopg.OperationalError), psycopg.connect(conninfo, autocommit=True) as connection:
            for number in range(1_000_000):
                step(connection, own, number)

    steps = (simple, several, extended, pipelined, writing, copying, slow)
    threads = [threading.Thread(target=until_it_breaks, args=(step, f"{mark}-{step.__name__}"), daemon=True) for step in steps]
    threads.append(threading.Thread(target=with_asyncpg, args=(stack, password, f"{mark}-asyncpg"), daemon=True))
    for thread in threads:
        thread.start()
    return threads


# -- what the server ran, what the recordings say -------------------------------------------------------------------------


def executed(stack: Stack, since: int = 0) -> list[str]:
    """Every statement that the target executed for the gateway's sessions, from its own log, as it was sent. since: byte of the log."""
    found = []
    with stack.postgres.log.open("rb") as log:
        log.seek(since)
        text = log.read().decode()
    for line in text.split("@@")[1:]:
        who, name, text = line.split("|", 2)
        told = re.match(r"LOG:  (?:statement|execute [^:]*): (.*)\n$", text, re.DOTALL)
        if told and who == "gateway" and name != "jupyter-govern catalog":
            found.append(told[1].replace("\n\t", "\n"))
    return found


def recordings(stack: Stack) -> list[Path]:
    return sorted((stack.directory / "state" / "recordings").glob("20*/*/*/*.jsonl"))


def permitted(paths: list[Path]) -> list[str]:
    """The same from the recordings."""
    entries = [entry for path in paths for entry in read_entries(path) if entry["type"] == "operation"]
    return [entry.get("sent", entry["statement"]) for entry in entries if entry["outcome"] == "permitted"]


def backends(stack: Stack) -> int:
    with psycopg.connect(stack.postgres.conninfo("shop")) as direct:
        row = direct.execute("select count(*) from pg_stat_activity where usename = 'gateway'").fetchone()
    assert row is not None
    return int(row[0])


def closing(path: Path) -> tuple[str, str]:
    """What a recording ends with, but for its signature."""
    last = [entry for entry in read_entries(path) if entry["type"] != "signature"][-1]
    return last["type"], last.get("reason", "")
