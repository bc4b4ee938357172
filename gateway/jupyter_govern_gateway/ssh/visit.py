"""One client's stay at one target: on record from its log-in to its end. All questions to the gate are put here."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import asyncssh

from jupyter_govern.errors import Blocked, RecordingFailed, TargetUnavailable
from jupyter_govern.model import Facts, Operation
from jupyter_govern_gateway.detect.scanner import Scanner
from jupyter_govern_gateway.gate import Pending, Permit
from jupyter_govern_gateway.net.door import scanner_of
from jupyter_govern_gateway.ssh import targets
from jupyter_govern_gateway.ssh.bounds import LINGER_SECONDS
from jupyter_govern_gateway.ssh.words import waiting

if TYPE_CHECKING:
    from jupyter_govern_gateway.identity.tokens import Token
    from jupyter_govern_gateway.ssh.house import SshHouse
    from jupyter_govern_gateway.ssh.targets import SshAddress

CONNECTING: Final = Facts(kinds=frozenset({"connect"}))


class Visit:
    """Opened after the log-in; raises RecordingFailed: no record, no session. `refusal`: policy does not let this person connect."""

    def __init__(self, house: SshHouse, *, token: Token, address: SshAddress, client: str, hang_up: Callable[[str], None]) -> None:
        self._house, self.token, self.address = house, token, address
        self.actor = token.actor
        self._hang_up = hang_up
        self._operations = self.running = 0
        self._reaching = asyncio.Lock()
        self._upstream: asyncssh.SSHClientConnection | None = None
        self.is_over = self._is_closed = False
        self._reason = ""
        self._last_call: asyncio.TimerHandle | None = None
        gate = house.gate
        self.record = gate.open_session(
            identifier=secrets.token_hex(12), actor=self.actor, target=address.name, protocol="ssh", client=client, token=token
        )
        self.refusal: Blocked | None = None
        self._permit: Permit | None = None
        try:
            self._permit = gate.permit_connection(self.record, house.policy.decide(self.actor, address.name, CONNECTING))
        except Blocked as refused:
            self.refusal = refused
        lineage = house.identity.lineage(house.identity.token_actor(token.id))
        self._untie = house.identity.ties.tie(lineage, what="session", name=self.record.id, end=self.end, is_busy=lambda: self.running > 0)
        house.visits.add(self)

    def scanner(self) -> Scanner | None:
        """What output is looked through for, by the policy in force."""
        return scanner_of(self._house.policy.standing(self.actor, self.address.name))

    async def ask(self, statement: str, facts: Facts, tell: Callable[[list[str]], None] = lambda lines: None) -> Permit:
        """Decide, record, wait for people; raises Blocked, RecordingFailed. `tell` gets the lines that say what is waited for."""
        if self.refusal is not None:
            raise self.refusal
        self._operations += 1
        operation = Operation(
            id=f"{self.record.id}.{self._operations}",
            session=self.record.id,
            actor=self.actor,
            target=self.address.name,
            protocol="ssh",
            statement=statement,
            facts=facts,
        )
        decision = self._house.policy.decide(self.actor, self.address.name, facts)
        answer = self._house.gate.ask_now(operation, decision, self.record)
        if isinstance(answer, Permit):
            return answer
        if not isinstance(answer, Pending):
            return await answer.future
        tell(waiting(answer))
        try:
            return await asyncio.shield(answer.future)
        except asyncio.CancelledError:
            answer.withdraw("the client went away")
            raise

    async def upstream(self) -> asyncssh.SSHClientConnection:
        """The connection to the target, made when the first permitted operation needs it; raises TargetUnavailable."""
        if self._permit is None:
            raise PermissionError("no target is reached without a permit")
        async with self._reaching:
            if self._upstream is None or self._upstream.is_closed():
                made = await targets.connect(self.address, self._permit)
                if self.is_over:
                    made.abort()
                    raise TargetUnavailable("the session is over")
                self._upstream = made
            return self._upstream

    def note(self, kind: str, detail: dict[str, Any]) -> None:
        try:
            self.record.note(kind, detail)
        except RecordingFailed:
            self.end("the record cannot be written")

    def end(self, reason: str) -> None:
        """Close both sides now: who opened this may no longer be here, or the record cannot be written."""
        self._hang_up(reason)
        self.over(reason)

    def over(self, reason: str) -> None:
        """The client is gone."""
        if self.is_over:
            return
        self.is_over = True
        self._untie()
        self._house.visits.discard(self)
        if self._upstream is not None:
            self._upstream.abort()
        self._reason = reason
        if self.running:  # their ends are written first, when their channels hear that they are closed
            self._last_call = asyncio.get_running_loop().call_later(LINGER_SECONDS, self._close)
        else:
            self._close()

    def began(self) -> None:
        """An operation runs."""
        self.running += 1

    def ended(self) -> None:
        """An operation has written its end."""
        self.running -= 1
        self._house.settled.set()
        if self.is_over and not self.running:
            self._close()

    def _close(self) -> None:
        if self._last_call is not None:
            self._last_call.cancel()
        if not self._is_closed:
            self._is_closed = True
            self._house.gate.close_session(self.record, self._reason)
