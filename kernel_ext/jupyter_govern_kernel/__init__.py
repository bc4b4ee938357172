"""The kernel's side of jupyter-govern: `%%govsql` and `engine()`. Imports nothing of the gateway or the server.

options            the magic's line, read into a Request
binds              `:name` becomes a numbered parameter
provenance         which notebook cell runs now (reported, never proof)
server_proof       ask the notebook server for a token, proving that we are its kernel
gateway_api        the few calls a kernel makes to the gateway's HTTP API
tickets            where a token comes from, and when to fetch the next
connection         a psycopg connection that reports the cell before each statement
session            one kernel's token, targets and kept connections
watch              what a person sees while a statement runs or waits for approval
running            run watched: a thread for the wire, an interrupt that cancels on the target
outcome            columns and rows, read from psycopg
table, frame       the result as a Table, or as a pandas DataFrame with marked columns
results, targets   what the magics give back
problems, failing  errors as a person reads them: rule and reason, or SQLSTATE and caret; no stack
magics             `%%govsql`, `%govsql`, `%govtargets`
sqlalchemy_engine  `engine()` and `connect()` for everything else
dialect            SQLAlchemy's psycopg dialect, but for one question
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jupyter_govern_kernel.sqlalchemy_engine import connect, engine

__all__ = ["connect", "engine", "load_ipython_extension", "unload_ipython_extension"]


def load_ipython_extension(ipython: Any) -> None:
    """`%load_ext jupyter_govern`."""
    from jupyter_govern_kernel.magics import GovernMagics

    ipython.register_magics(GovernMagics)


def unload_ipython_extension(ipython: Any) -> None:
    """`%unload_ext jupyter_govern`: the magics go, kept connections close."""
    from jupyter_govern_kernel.session import current_session

    for kind, name in (("line", "govsql"), ("cell", "govsql"), ("line", "govtargets")):
        ipython.magics_manager.magics[kind].pop(name, None)
    current_session().close()


def __getattr__(name: str) -> Any:
    if name in {"connect", "engine"}:
        from jupyter_govern_kernel import sqlalchemy_engine

        return getattr(sqlalchemy_engine, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
