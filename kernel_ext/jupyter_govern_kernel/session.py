"""One kernel's standing towards the gateway: its token, the targets it may reach, one kept connection for each.

The magic's transactions persist from cell to cell because the connection does. A lost one is replaced and said so; one
that was lost inside a transaction is never replaced silently. Knows the API and psycopg, no display.
"""

from __future__ import annotations

import atexit
import difflib
import threading
import weakref
from collections.abc import Callable
from typing import Any

import psycopg
from psycopg.pq import ConnStatus, TransactionStatus

from jupyter_govern.model import Cell
from jupyter_govern_kernel import gateway_api
from jupyter_govern_kernel.connection import Endpoint, GovernedConnection, open_connection
from jupyter_govern_kernel.gateway_api import HOW_TO_START
from jupyter_govern_kernel.problems import ConnectionLost, GatewayNotRunning, NotLoggedIn, SpokenError, TargetNotFound
from jupyter_govern_kernel.provenance import current_cell
from jupyter_govern_kernel.tickets import Tickets


class TargetRefused(SpokenError):
    """The gateway answered, and does not let this connection be."""

    headline = "No connection"


class KernelSession:
    """What the magics, `connect()` and `engine()` of one process share."""

    def __init__(self, shell: Any, *, tickets: Tickets | None = None) -> None:
        self._shell = shell
        self._tickets = tickets or Tickets(shell)
        self._kept: dict[str, GovernedConnection] = {}
        self._in_transaction: set[str] = set()
        self._path_of: tuple[int | None, str] = (None, "")
        atexit.register(_close_all, weakref.ref(self))

    def cell(self, notebook: str = "") -> Cell | None:
        """The cell that runs now; `notebook` overrides what the notebook server says."""
        count = getattr(self._shell, "execution_count", None)
        if count is None or count != self._path_of[0]:  # the notebook may have been renamed between two cells, not within one
            self._path_of = (count, self._tickets.notebook())
        return current_cell(self._shell, notebook or self._path_of[1])

    def targets(self) -> list[dict[str, Any]]:
        """What GET targets says, with a fresh token."""
        ticket = self._tickets.fresh()
        try:
            return gateway_api.targets(ticket.address, ticket.token)
        except NotLoggedIn:  # a token that the gateway no longer takes is replaced, once
            self._tickets.forget()
            ticket = self._tickets.fresh()
            return gateway_api.targets(ticket.address, ticket.token)

    def kept_connection(self, target: str, say: Callable[[str], None]) -> GovernedConnection:
        """The magic's connection to `target`, replaced where it was lost; raises ConnectionLost inside a transaction."""
        connection = self._kept.get(target)
        if connection is not None and is_alive(connection):
            return connection
        if connection is not None:
            self.drop(target)
            if target in self._in_transaction:
                self._in_transaction.discard(target)
                raise ConnectionLost(
                    f"the connection to {target} ended inside a transaction, which is rolled back.",
                    lines=("Nothing of this cell was sent. Begin again with BEGIN; the next statement opens a new connection.",),
                )
            say(f"The connection to {target} had ended; opened a new one (temporary tables and settings are gone).")
        opened = self.open(target, autocommit=True)
        self._kept[target] = opened
        return opened

    def note_state(self, target: str) -> TransactionStatus:
        """Remember after a statement whether a transaction is open, in case the connection is lost before the next."""
        connection = self._kept.get(target)
        status = connection.info.transaction_status if connection is not None else TransactionStatus.UNKNOWN
        if status in {TransactionStatus.INTRANS, TransactionStatus.INERROR}:
            self._in_transaction.add(target)
        elif status is not TransactionStatus.UNKNOWN:
            self._in_transaction.discard(target)
        return status

    def drop(self, target: str) -> None:
        """Close the kept connection, if there is one."""
        if (connection := self._kept.pop(target, None)) is not None:
            connection.close()

    def forget_transaction(self, target: str) -> None:
        """The person was told that the transaction is gone."""
        self._in_transaction.discard(target)

    def close(self) -> None:
        """Close every kept connection."""
        for target in list(self._kept):
            self.drop(target)

    def open(self, target: str, *, autocommit: bool = False) -> GovernedConnection:
        """A new connection to `target`, with a token that is good for a while."""
        endpoint = self.endpoint(target)
        ticket = self._tickets.fresh()
        try:
            return open_connection(endpoint, ticket.token, where_from=self.cell, autocommit=autocommit)
        except psycopg.OperationalError as problem:
            raise _not_connected(target, endpoint, problem) from None

    def endpoint(self, target: str) -> Endpoint:
        """Where `target` is reached; raises TargetNotFound, also for a target that this person may not even see."""
        listed = {str(entry["name"]): entry for entry in self.targets()}
        if target not in listed:
            near = difflib.get_close_matches(target, listed, n=1)
            known = ", ".join(sorted(listed)) or "none"
            raise TargetNotFound(
                f"the gateway knows no target {target!r} for you.",
                lines=(f"Did you mean {near[0]}?" if near else f"Targets you may reach: {known}.", "`%govtargets` shows more."),
            )
        entry = listed[target]
        if not entry.get("connect"):
            raise TargetRefused(f"{target} is not open to you: {entry.get('why') or 'no rule allows it'}.")
        return gateway_api.endpoint(entry["connect"])


def is_alive(connection: GovernedConnection) -> bool:
    """Whether the other side still holds the connection, without asking it anything."""
    if connection.closed:
        return False
    try:
        connection.pgconn.consume_input()  # a parting message, if there is one
        connection.pgconn.consume_input()  # and the end after it
    except psycopg.Error:
        return False
    return connection.pgconn.status == ConnStatus.OK


def _not_connected(target: str, endpoint: Endpoint, problem: psycopg.OperationalError) -> SpokenError:
    text = str(problem).strip()
    lowered = text.lower()
    if "connection refused" in lowered or "timeout expired" in lowered:
        return GatewayNotRunning(f"nothing answers on {endpoint.host}:{endpoint.port}.", lines=HOW_TO_START)
    if "password authentication failed" in lowered or "sqlstate: 28" in lowered:
        return NotLoggedIn(f"the gateway did not accept this kernel's token for {target}.", lines=(text,))
    return TargetRefused(f"{target} could not be reached through the gateway.", lines=tuple(text.splitlines()))


def _close_all(reference: weakref.ref[KernelSession]) -> None:
    if (session := reference()) is not None:
        session.close()


_current: KernelSession | None = None
_current_lock = threading.Lock()


def current_session() -> KernelSession:
    """The session of this process, made on first use."""
    from IPython.core.getipython import get_ipython

    global _current  # noqa: PLW0603 (one process is one kernel)
    with _current_lock:
        if _current is None:
            _current = KernelSession(get_ipython())
        return _current
