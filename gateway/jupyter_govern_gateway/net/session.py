"""One session: the adapter between two peers. Feeds it, writes what it says, and does its steps; the only owner of its
tasks and timers.

Synchronous in `data_received`: a statement that is known and allowed never leaves it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from jupyter_govern.errors import Blocked, ClientProtocolError, RecordingFailed, SyntaxProblem, TargetProtocolError, TargetUnavailable
from jupyter_govern_gateway.adapters.postgresql import exchange as x
from jupyter_govern_gateway.adapters.postgresql.client_side import ClientSide
from jupyter_govern_gateway.adapters.postgresql.entries import Run
from jupyter_govern_gateway.adapters.postgresql.refusals import fatal, no_record, waiting_notice
from jupyter_govern_gateway.adapters.postgresql.target_side import TargetSide
from jupyter_govern_gateway.adapters.postgresql.upstream import Welcome
from jupyter_govern_gateway.adapters.steps import (
    CancelTarget,
    CloseSession,
    InvalidateCatalog,
    NeedApproval,
    NeedDisk,
    NeedPlan,
    Permitted,
    StartTimer,
    Step,
)
from jupyter_govern_gateway.codecs.postgresql.frames import Malformed
from jupyter_govern_gateway.codecs.postgresql.frontend import TERMINATE_MESSAGE
from jupyter_govern_gateway.net import targets
from jupyter_govern_gateway.net.bounds import (
    CANCEL_AGAIN_SECONDS,
    CLOSE_SECONDS,
    DRAIN_POLL_SECONDS,
    GONE_POLL_SECONDS,
    LINGER_SECONDS,
)
from jupyter_govern_gateway.net.dialogue import send_to_target
from jupyter_govern_gateway.net.tasks import Tasks

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_govern_gateway.gate import Pending, Permit
    from jupyter_govern_gateway.net.door import SessionDoor
    from jupyter_govern_gateway.net.peer import Peer
    from jupyter_govern_gateway.net.services import Services
    from jupyter_govern_gateway.sql.compiler import Compiled


GOING_DOWN: Final = "the gateway is going down"
RECONNECT: Final = "Reconnect, and run again what was not answered."


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """A session at a target: the socket, where it leads, what the target said."""

    target: Peer
    address: targets.TargetAddress
    welcome: Welcome


class Session:
    """A client and a target, with the gate between them. `over(reason)` is called once, when both are gone."""

    def __init__(
        self,
        *,
        services: Services,
        door: SessionDoor,
        exchange: x.Exchange,
        client: Peer,
        reach: Reach,
        max_statement: int,
        tasks: Tasks,
        over: Callable[[str], None],
    ) -> None:
        self._services = services
        self._door = door
        self.x = exchange
        self._client, self._target = client, reach.target
        self._address, self._welcome = reach.address, reach.welcome
        self._over = over
        self.client_side = ClientSide(exchange, max_statement=max_statement)
        self.target_side = TargetSide(exchange, self.client_side)
        self._tasks = tasks
        self._pending: Pending | None = None
        self._cancelling: asyncio.Task[None] | None = None
        self._limited: deque[tuple[float, Run]] = deque()
        self._timers: set[asyncio.TimerHandle] = set()
        self._loop = asyncio.get_running_loop()
        self._target_full = self._client_full = False
        self._is_stalled = False
        self._is_draining = False
        self._is_deaf = False
        self._is_ending = False
        self._is_over = False
        self._reason = ""

    def start(self) -> None:
        """Let both flow."""
        client, target = self._client, self._target
        client.lost, target.lost = self._client_lost, self._target_lost
        client.paused, client.resumed = self._client_paused, self._client_resumed
        target.paused, target.resumed = self._target_paused, self._target_resumed
        target.read(True)
        target.flow(self._from_target)
        client.read(True)
        client.flow(self._from_client)
        if client.is_lost:
            self._client_lost()
        if target.is_lost:
            self._target_lost()

    # -- data ------------------------------------------------------------------------------------

    def _from_client(self, data: bytes) -> None:
        if self._is_ending:
            return
        try:
            self.client_side.feed(data)
            self._flush()
        except Exception as problem:
            self._failed(problem)

    def _from_target(self, data: bytes) -> None:
        if self._is_over:
            return
        try:
            self.target_side.feed(data)
            self._flush()
        except Exception as problem:
            self._failed(problem)

    def _flush(self) -> None:
        """Write and do what the adapter said."""
        shared = self.x
        out = shared.to_target
        if out:
            for permitted in out:
                send_to_target(self._target, permitted)
            out.clear()
        said = shared.to_client
        if said:
            if not self._is_deaf:
                self._client.write(said[0] if len(said) == 1 else b"".join(said))
            said.clear()
        if shared.steps:
            steps = shared.steps[:]
            shared.steps.clear()
            for step in steps:
                self._do(step)
        stalled = shared.stall != x.GOING
        if stalled is not self._is_stalled:
            self._is_stalled = stalled
            self._read_client()

    def _read_client(self) -> None:
        # while the gateway goes down, nothing new is read; a COPY that runs still needs its data
        takes_more = not self._is_draining or self.x.copying is not None
        self._client.read(takes_more and not self._is_stalled and not self._target_full)

    def _client_paused(self) -> None:
        self._client_full = True
        self._target.read(False)

    def _client_resumed(self) -> None:
        self._client_full = False
        self._target.read(True)

    def _target_paused(self) -> None:
        self._target_full = True
        self._read_client()

    def _target_resumed(self) -> None:
        self._target_full = False
        self._read_client()

    # -- steps -----------------------------------------------------------------------------------

    def _do(self, step: Step) -> None:
        match step:
            case NeedPlan(text=text, ticket=ticket):
                self._tasks.start(self._compile(text, ticket))
            case NeedApproval(pending=pending, ticket=ticket):
                self._wait_for_people(pending, ticket)
            case NeedDisk(settling=settling, ticket=ticket):
                settling.future.add_done_callback(lambda future: self._people_answered(future, ticket))
            case CancelTarget(permit=permit):
                self._cancel_target(permit)
            case StartTimer(run=run, seconds=seconds):
                self._start_timer(run, seconds)
            case InvalidateCatalog():
                self._services.catalogs.invalidate(self._address.name)
            case CloseSession(reason=reason, is_goodbye=is_goodbye):
                self._finish(reason, self.x.last_words, is_goodbye=is_goodbye)

    async def _compile(self, text: str, ticket: int) -> None:
        found: Compiled | Blocked | SyntaxProblem
        try:
            found = await self._door.compile(text, self.x.planner.naming_for(text))
        except (Blocked, SyntaxProblem) as problem:
            found = problem
        except TargetUnavailable as problem:
            found = Blocked(str(problem), hint="The catalog of the target could not be read; try again.")
        except Exception as problem:
            self._failed(problem)
            return
        self._resumed(lambda: self.client_side.planned(ticket, text, found))

    def _resumed(self, go_on: Callable[[], None]) -> None:
        """What was waited for is here."""
        if self._is_ending:
            return
        try:
            go_on()
            self._flush()
        except Exception as problem:
            self._failed(problem)

    def _wait_for_people(self, pending: Pending, ticket: int) -> None:
        self._pending = pending
        self.target_side.say(waiting_notice(pending, self.x.codec))
        said = self.x.to_client
        if said:
            self._client.write(b"".join(said))
            said.clear()
        pending.future.add_done_callback(lambda future: self._people_answered(future, ticket))
        self._watch_client(pending)

    def _watch_client(self, pending: Pending) -> None:
        """The client is not read while it waits, so look whether it is still there."""
        if self._pending is not pending or self._is_ending:
            return
        if self._client.has_gone():
            self._client.abort()
            self._client_lost()
            return
        self._later(GONE_POLL_SECONDS, lambda: self._watch_client(pending))

    def _people_answered(self, future: asyncio.Future[Permit], ticket: int) -> None:
        """People, or the disk."""
        self._pending = None
        if future.cancelled():
            return
        problem = future.exception()
        if problem is None:
            permit = future.result()
            if self._is_ending:
                permit.finish(tag=None, rows=0, bytes_=0, error="not run: the client has gone")
                return
            self._resumed(lambda: self.client_side.answered(ticket, permit))
        elif isinstance(problem, Blocked):
            refused = problem
            self._resumed(lambda: self.client_side.answered(ticket, refused))
        elif not self._is_ending:
            self._failed(problem)

    def cancel(self) -> None:
        """Somebody holds this session's key."""
        if self._is_ending:
            return
        if self._pending is not None:
            self._pending.withdraw("cancelled by the person who asked")
            return
        self.client_side.cancel()
        self._flush()

    def _cancel_target(self, permit: Permit) -> None:
        """One request at a time: whoever holds the key cannot make us flood the target."""
        if self._cancelling is None or self._cancelling.done():
            work = targets.cancel(self._address, permit, self._welcome.pid, self._welcome.key)
            self._cancelling = self._tasks.start(work)

    def _start_timer(self, run: Run, seconds: float) -> None:
        """One timer for the session, whatever the number of statements."""
        limited = self._limited
        while limited and limited[0][1].finished:
            limited.popleft()
        limited.append((self._loop.time() + seconds, run))
        if len(limited) == 1:
            self._later(seconds, self._look_at_clock)

    def _look_at_clock(self) -> None:
        limited = self._limited
        while limited and limited[0][1].finished:
            limited.popleft()
        if not limited or self._is_over:
            return
        deadline, run = limited[0]
        wait = deadline - self._loop.time()
        expected = self.x.expected
        if wait <= 0 and expected and expected[0].run is run:  # before its turn has come, a cancel would hit another's
            run.timed_out = True
            self._cancel_target(self.x.permit)
        self._later(max(wait, GONE_POLL_SECONDS), self._look_at_clock)

    def _later(self, seconds: float, work: Callable[[], None]) -> None:
        def due() -> None:
            self._timers.discard(handle)
            work()

        handle = self._loop.call_later(seconds, due)
        self._timers.add(handle)

    # -- ends --------------------------------------------------------------------------------------

    def _failed(self, problem: BaseException) -> None:
        """Something raised: blame the right side, tell the client, close both."""
        if self._is_ending:
            self._end()  # the account of what still ran is lost; the record says so
            return
        match problem:
            case Malformed() | ClientProtocolError():
                self._note("client-protocol-error", str(problem))
                self._finish(f"client: {problem}", fatal("08P01", f"protocol violation: {problem}"))
            case TargetProtocolError():
                self._note("target-protocol-error", str(problem))
                words = f'target "{self._address.name}" broke the protocol: {problem}'
                self._finish(words, fatal("08P01", words))
            case RecordingFailed():
                self._finish("the record cannot be written", no_record())
            case _:
                self._note("internal-error", f"{type(problem).__name__}: {problem}")
                self._finish("internal error", fatal("XX000", "internal error of the gateway: the session ends"))
                self._loop.call_exception_handler({"message": "a session failed", "exception": problem})

    def _note(self, kind: str, text: str) -> None:
        try:
            self._door.note(kind, {"problem": text[:1000]})
        except RecordingFailed:
            return  # the session ends in any case

    def _finish(self, reason: str, last_words: bytes = b"", *, is_goodbye: bool = False) -> None:
        """No more from the client. What the target still runs is waited for, so that the record knows how it ended."""
        if self._is_ending:
            return
        self._is_ending = True
        self._reason = reason
        self.x.closed = True
        self._withdraw(reason)
        if last_words and not self.target_side.in_message:
            self._client.write(last_words)
        runs = bool(self.x.expected) and not self._target.is_lost
        if is_goodbye and runs:
            return  # the target has it behind the last statement and closes when it comes to it
        self._hang_up()
        if not runs or self.client_side.in_message:
            self._end()
            return
        self._target.read(True)
        self._cancel_target(self.x.permit)
        send_to_target(self._target, Permitted(TERMINATE_MESSAGE, (self.x.permit,)))
        self._later(LINGER_SECONDS, self._end)

    def _hang_up(self) -> None:
        """Say to the client what is left to say, but do not wait for ever that it listens."""
        self._is_deaf = True
        self._client.close()
        if not self._client.is_lost:
            self._loop.call_later(CLOSE_SECONDS, self._client.abort)

    def _withdraw(self, reason: str) -> None:
        if self._pending is not None:
            pending, self._pending = self._pending, None
            pending.withdraw(reason)

    def _client_lost(self) -> None:
        self._is_deaf = True
        self._client_full = False
        self._target.read(True)  # nobody takes the answers any more, but the record wants to know how it ends
        self._finish("the client went away")

    def _target_lost(self) -> None:
        if self._is_ending:
            self._end()
            return
        words = b"" if self.x.target_said_fatal else fatal("57P01", f'target "{self._address.name}" closed the connection')
        self._finish("the target closed the connection", words)

    @property
    def is_busy(self) -> bool:
        """Whether a statement runs, or waits for people."""
        return bool(self.x.expected) or self._pending is not None

    def drain(self) -> None:
        """The gateway goes down: what runs may end, nothing new begins; then the client is told to reconnect."""
        self._is_draining = True
        self._read_client()
        self._look_drained()

    def _look_drained(self) -> None:
        if self._is_over or self._is_ending:
            return
        if self.is_busy:
            self._later(DRAIN_POLL_SECONDS, self._look_drained)
        else:
            self.close(GOING_DOWN)

    def close(self, reason: str) -> None:
        """The gateway stops, or who opened this may no longer be here: FATAL 57P01 with the reason."""
        if self._is_ending and not self._is_over:
            self._cancel_the_rest()
            self._later(LINGER_SECONDS, self._end)
            return
        self._finish(reason, fatal("57P01", f"terminating connection: {reason}", hint=RECONNECT if reason == GOING_DOWN else ""))
        self._cancel_the_rest()

    def _cancel_the_rest(self) -> None:
        """A cancel ends one statement; those that the client had sent ahead would follow it."""
        if not self._is_over:
            self._cancel_target(self.x.permit)
            self._later(CANCEL_AGAIN_SECONDS, self._cancel_the_rest)

    def _end(self) -> None:
        if self._is_over:
            return
        self._is_over = True
        for timer in self._timers:
            timer.cancel()
        if self.x.may_define():
            self._services.catalogs.invalidate(self._address.name)  # nobody hears any more whether it was committed
        try:
            self.x.end_everything(f"not known: {self._reason}")
        except RecordingFailed:
            self._reason = "the record cannot be written"
        if not self._target.is_lost and not self.client_side.in_message:
            send_to_target(self._target, Permitted(TERMINATE_MESSAGE, (self.x.permit,)))
        self._target.close()
        self._hang_up()
        self._over(self._reason)
