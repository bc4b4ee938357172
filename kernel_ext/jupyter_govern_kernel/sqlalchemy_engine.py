"""`engine("shop")`: an ordinary SQLAlchemy Engine on a governed target, for pandas, polars, Ibis and the like.

Each new connection fetches a fresh token, and every statement reports its cell (connection.py does that). Knows
SQLAlchemy's creator hook, nothing of tokens.
"""

from __future__ import annotations

import sys
from typing import Any

import psycopg
from sqlalchemy import Engine, create_engine
from sqlalchemy.dialects import registry

from jupyter_govern_kernel.connection import GovernedConnection
from jupyter_govern_kernel.session import KernelSession, current_session
from jupyter_govern_kernel.watch import notice_of, show_waiting


def connect(target: str, *, autocommit: bool = False, session: KernelSession | None = None) -> GovernedConnection:
    """A psycopg connection to a governed target, in its own session at the gateway."""
    connection = (session or current_session()).open(target, autocommit=autocommit)
    connection.add_notice_handler(_say_when_waiting)
    return connection


def engine(target: str, *, session: KernelSession | None = None, **options: Any) -> Engine:
    """A SQLAlchemy Engine on a governed target; `options` go to `create_engine`."""
    # no hstore look-up behind the person's back: each connection would begin with a statement nobody wrote
    settings: dict[str, Any] = {"pool_pre_ping": True, "use_native_hstore": False, **options}
    registry.register("postgresql.govern", "jupyter_govern_kernel.dialect", "GovernedDialect")
    return create_engine("postgresql+govern://", creator=lambda: connect(target, session=session), **settings)


def _say_when_waiting(diag: psycopg.errors.Diagnostic) -> None:
    notice = notice_of(diag)
    if notice.approval:
        show_waiting(notice, "waiting")
    else:
        print(notice.text, file=sys.stderr)
