"""From an accepted connection to a session: who is there, may they, on record, and only then the target.

The slow part of a connection's life: one task, a deadline, and a FATAL with the reason wherever it stops.
"""

from __future__ import annotations

import asyncio
import secrets
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from jupyter_govern.errors import (
    AuthenticationFailed,
    Blocked,
    ClientProtocolError,
    RecordingFailed,
    SyntaxProblem,
    TargetUnavailable,
)
from jupyter_govern.model import Actor, Facts
from jupyter_govern_gateway.adapters.postgresql.exchange import Exchange
from jupyter_govern_gateway.adapters.postgresql.naming import Belief, SessionNaming
from jupyter_govern_gateway.adapters.postgresql.parameters import Wishes, read_wishes
from jupyter_govern_gateway.adapters.postgresql.refusals import fatal, no_record, rules_text
from jupyter_govern_gateway.adapters.postgresql.sampling import read_rows
from jupyter_govern_gateway.adapters.postgresql.startup import Guest, Turned, client_dialogue
from jupyter_govern_gateway.adapters.postgresql.upstream import TargetRefused
from jupyter_govern_gateway.codecs.postgresql import backend
from jupyter_govern_gateway.codecs.postgresql.frames import Malformed
from jupyter_govern_gateway.codecs.postgresql.startup import PROTOCOL_3_2, CancelRequest
from jupyter_govern_gateway.identity.binding import is_taken_from, opens
from jupyter_govern_gateway.net import targets
from jupyter_govern_gateway.net.bounds import HANDSHAKE_SECONDS
from jupyter_govern_gateway.net.cancel import CancelKeys
from jupyter_govern_gateway.net.dialogue import run_client_dialogue
from jupyter_govern_gateway.net.door import SessionDoor
from jupyter_govern_gateway.net.lost import Lost, Overlong
from jupyter_govern_gateway.net.peer import Peer
from jupyter_govern_gateway.net.services import Services
from jupyter_govern_gateway.net.session import Reach, Session
from jupyter_govern_gateway.net.tasks import Tasks

if TYPE_CHECKING:
    from jupyter_govern_gateway.gate import SessionRecord
    from jupyter_govern_gateway.identity.tokens import Token

CONNECTING: Final = Facts(kinds=frozenset({"connect"}))


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """What all connections of one listener share."""

    services: Services
    tls: ssl.SSLContext | None
    channel: Callable[[], bytes]
    takes_cleartext: bool
    max_statement: int
    keys: CancelKeys
    tasks: Tasks
    opened: Callable[[Session], None]
    closed: Callable[[Session], None]


class Arrival:
    """One connection on its way in."""

    def __init__(self, house: House, peer: Peer) -> None:
        self._house = house
        self._services = house.services
        self._peer = peer
        self._record: SessionRecord | None = None

    async def run(self) -> None:
        """To the session's first ReadyForQuery, or to a FATAL. Everything is refused in the wire's words."""
        try:
            await self._arrive()
        except asyncio.CancelledError:
            self._end("the gateway stops", fatal("57P01", "the gateway stops"))
            raise
        except Exception as problem:
            words = self._words(problem)
            self._end(f"{type(problem).__name__}: {problem}"[:500], words)
            if words is _INTERNAL:
                raise

    async def _arrive(self) -> None:
        async with asyncio.timeout(HANDSHAKE_SECONDS):
            guest = await self._greet()
        if isinstance(guest, CancelRequest):
            self._house.keys.cancel(guest.pid, guest.key)
            self._peer.close()
            return
        await self._open(guest)

    async def _greet(self) -> Guest | CancelRequest:
        house = self._house
        dialogue = client_dialogue(
            has_tls=house.tls is not None,
            takes_cleartext=house.takes_cleartext,
            nonce=lambda: secrets.token_urlsafe(18).encode(),
            channel=house.channel(),
        )
        return await run_client_dialogue(dialogue, self._peer, identity=self._services.identity, log=self._services.log, tls=house.tls)

    async def _open(self, guest: Guest) -> None:
        services, peer = self._services, self._peer
        wishes = read_wishes(guest.parameters)
        self._check_bounds(guest.token, wishes.database)
        peer.write(backend.AUTHENTICATION_OK)
        actor = guest.token.actor
        address = services.targets.get(wishes.database)
        if address is None:
            raise Turned("3D000", f'target "{wishes.database[:100]}" does not exist', hint=self._reachable(actor))
        client = f"{guest.parameters.get('application_name', '')[:100]} {peer.address}".strip()
        record = self._record = services.gate.open_session(
            identifier=secrets.token_hex(12),
            actor=actor,
            target=address.name,
            protocol="postgresql",
            client=client,
            token=guest.token,
            read_rows=read_rows,
        )
        permit = services.gate.permit_connection(record, services.policy.decide(actor, address.name, CONNECTING))
        door = SessionDoor(services, actor=actor, target=address.name, database=address.database, user=address.user, record=record)
        try:
            await self._judge_settings(door, wishes)
        except TargetUnavailable:
            # judging needs the catalog; why there is none, the target itself says best
            target, _ = await targets.connect(address, permit, {})
            target.abort()
            raise
        settings = {**wishes.settings, "govern.hash_key": services.hash_key}
        target, welcome = await targets.connect(address, permit, settings)
        if peer.is_lost:
            target.abort()
            raise Lost("the client went away")
        naming = SessionNaming(wishes.search_path)
        if b"search_path" in welcome.parameters:
            naming.observed_path(welcome.parameters[b"search_path"].decode("utf-8", "replace"))
        exchange = Exchange(door=door, permit=permit, naming=naming, codec=wishes.codec, is_kernel=wishes.is_kernel)
        reach = Reach(target=target, address=address, welcome=welcome)
        try:
            lineage = services.identity.lineage(services.identity.token_actor(guest.token.id))
        except AuthenticationFailed:  # revoked while the target was being reached: nothing was there yet to be cut
            target.abort()
            raise Turned("57P01", "the token was revoked or has expired while the session was being opened") from None
        self._hand_over(record, door, exchange, reach, is_long_key=guest.version >= PROTOCOL_3_2, lineage=lineage)

    def _check_bounds(self, token: Token, database: str) -> None:
        """Before anything is said of targets: a bound token learns nothing of the others."""
        host = self._peer.host
        if not is_taken_from(token, host[0] if host is not None else ""):
            hint = "It is bound to the addresses that it was made for."
            raise Turned("28000", "this credential is not taken from this address", hint=hint)
        if not opens(token, database):
            raise Turned("28000", "this credential is for another target", hint=f"It opens {', '.join(token.targets)} and nothing else.")

    def _reachable(self, actor: Actor) -> str:
        decide = self._services.policy.decide
        names = [name for name in sorted(self._services.targets) if decide(actor, name, CONNECTING).effect == "allow"]
        return "The database is the target's name. Yours: " + (", ".join(names) or "none; ask whoever keeps the policy")

    async def _judge_settings(self, door: SessionDoor, wishes: Wishes) -> None:
        """Each start-up parameter is a SET, so it is judged as one."""
        naming = door.naming(Belief(wishes.search_path), ())
        for statement in wishes.statements:
            compiled = door.look_up(statement, naming) or await door.compile(statement, naming)
            decision = door.decide(compiled.facts)
            if decision.effect != "allow":
                raise Blocked(decision.reason, rules=decision.rules, hint=decision.hint)

    def _hand_over(
        self,
        record: SessionRecord,
        door: SessionDoor,
        exchange: Exchange,
        reach: Reach,
        *,
        is_long_key: bool,
        lineage: tuple[Token, ...],
    ) -> None:
        house, peer = self._house, self._peer

        def over(reason: str) -> None:
            house.keys.withdraw(pid)
            untie()
            house.closed(session)
            door.ended()
            self._services.gate.close_session(record, reason)

        session = Session(
            services=self._services,
            door=door,
            exchange=exchange,
            client=peer,
            reach=reach,
            max_statement=house.max_statement,
            tasks=house.tasks,
            over=over,
        )
        untie = self._services.identity.ties.tie(
            lineage, what="session", name=record.id, end=session.close, is_busy=lambda: session.is_busy
        )
        pid, key = house.keys.issue(session.cancel, is_long=is_long_key, wanted=reach.welcome.pid)
        statuses = b"".join(backend.parameter_status(name, value) for name, value in reach.welcome.parameters.items())
        peer.write(statuses + backend.backend_key_data(pid, key) + backend.ready_for_query(backend.IDLE))
        self._record = None  # the session closes it from here on
        house.opened(session)
        door.began(reach.welcome.pid)
        session.start()

    # -- what the client is told where it ends ---------------------------------------------------------

    def _end(self, reason: str, words: bytes) -> None:
        self._peer.write(words)
        self._peer.close()
        record, self._record = self._record, None
        if record is not None:
            self._services.gate.close_session(record, reason)

    def _words(self, problem: Exception) -> bytes:
        match problem:
            case Turned() | TargetRefused():
                self._note(str(problem))
                return fatal(problem.code, str(problem), hint=problem.hint)
            case Blocked():
                return fatal("42501", problem.reason, hint=problem.hint, detail=rules_text(problem.rules))
            case SyntaxProblem():
                return fatal("22023", f"a start-up parameter cannot be read: {problem.message}")
            case Malformed() | ClientProtocolError():
                self._log("client-protocol-error", str(problem))
                return fatal("08P01", f"protocol violation: {problem}")
            case RecordingFailed():
                return no_record()
            case TargetUnavailable():
                self._note(str(problem))
                return fatal("08006", str(problem), hint="Tell the operator of the gateway.")
            case TimeoutError():
                self._log("client-too-slow", "no log-in within the time")
                return fatal("08006", f"no log-in within {HANDSHAKE_SECONDS:g} seconds")
            case Lost():
                return b""
            case Overlong() | OSError():
                self._log("client-protocol-error", str(problem))
                return b""
        return _INTERNAL

    def _note(self, text: str) -> None:
        if self._record is None:
            self._log("turned-away", text)
            return
        try:
            self._record.note("not-connected", {"problem": text[:1000]})
        except RecordingFailed:
            return  # the session ends in any case

    def _log(self, event: str, text: str) -> None:
        try:
            self._services.log.write("note", event=event, wire="postgresql", address=self._peer.address, problem=text[:1000])
        except RecordingFailed:
            return  # the connection ends in any case


_INTERNAL: Final = fatal("XX000", "internal error of the gateway")
