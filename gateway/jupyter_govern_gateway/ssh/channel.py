"""A session channel of a client: a shell, a command, or SFTP; nothing else is offered.

What the client sends before the target is there is held: at most one window, because the channel is not read meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import asyncssh
from asyncssh.stream import SSHServerStreamSession

from jupyter_govern.errors import Blocked, RecordingFailed, TargetUnavailable
from jupyter_govern_gateway.ssh import words
from jupyter_govern_gateway.ssh.bounds import MAX_COMMAND
from jupyter_govern_gateway.ssh.files import governed_files
from jupyter_govern_gateway.ssh.judging import SHELL, command_facts, is_legacy_scp, shell_facts
from jupyter_govern_gateway.ssh.record import Account
from jupyter_govern_gateway.ssh.relay import STDERR, Relay

if TYPE_CHECKING:
    from jupyter_govern_gateway.gate import Permit
    from jupyter_govern_gateway.net.tasks import Tasks
    from jupyter_govern_gateway.ssh.visit import Visit


class Channel(asyncssh.SSHServerSession[bytes]):
    """One channel. `_files` takes everything where it is a file transfer, `_relay` where it is a command or shell."""

    def __init__(self, visit: Visit, tasks: Tasks) -> None:
        self._visit, self._tasks = visit, tasks
        self._channel: asyncssh.SSHServerChannel[bytes]
        self._terminal: tuple[str, tuple[int, int, int, int], Mapping[int, int]] | None = None
        self._command: str | None = None
        self._is_sftp = False
        self._relay: Relay | None = None
        self._files: SSHServerStreamSession[bytes] | None = None
        self._held: list[bytes] = []
        self._has_ended = self._is_paused = False
        self._task: asyncio.Task[Any] | None = None

    def connection_made(self, chan: asyncssh.SSHServerChannel[bytes]) -> None:
        self._channel = chan

    # -- what it turns out to be ------------------------------------------------------------------------

    def pty_requested(self, term_type: str, term_size: tuple[int, int, int, int], term_modes: Mapping[int, int]) -> bool:
        self._terminal = (term_type, term_size, term_modes)
        return True

    def shell_requested(self) -> bool:
        return True

    def exec_requested(self, command: str) -> bool:
        self._command = command
        return len(command) <= MAX_COMMAND and "\0" not in command

    def subsystem_requested(self, subsystem: str) -> bool:
        self._is_sftp = subsystem == "sftp"
        return self._is_sftp

    def session_started(self) -> None:
        if self._visit.refusal is not None:
            self._say(words.refusal(self._visit.refusal))
            self._channel.exit(words.REFUSED)
        elif self._is_sftp or (self._command is not None and is_legacy_scp(self._command)):
            self._start_files()
        else:
            asyncio.get_running_loop().call_soon(self._pause)  # AsyncSSH resumes right after this call
            self._task = self._tasks.start(self._run())

    def _start_files(self) -> None:
        factory = governed_files(self._visit, self._say, "sftp" if self._is_sftp else str(self._command))
        self._files = SSHServerStreamSession(None, factory, 3, not self._is_sftp)
        self._files.connection_made(self._channel)
        self._files.session_started()

    def _pause(self) -> None:
        self._is_paused = self._relay is None
        if self._is_paused and not self._channel.is_closing():
            self._channel.pause_reading()

    async def _run(self) -> None:
        facts, statement = (shell_facts(), SHELL) if self._command is None else (command_facts(self._command), self._command)
        account: Account | None = None
        try:
            permit = await self._visit.ask(statement, facts, self._say)
            account = Account(self._visit, permit, whole=self._command is None)
            await self._open(permit, account)
        except Blocked as refused:
            self._refuse(words.refusal(refused), words.REFUSED)
        except (TargetUnavailable, RecordingFailed, asyncssh.Error, OSError) as problem:
            failed = problem if isinstance(problem, TargetUnavailable | RecordingFailed) else TargetUnavailable(_refused_there(problem))
            if account is not None:
                account.end(tag=None, error=str(failed))
            self._refuse(words.failure(failed), words.FAILED)
        except asyncio.CancelledError:
            if account is not None:
                account.end(tag=None, error="the client went away")
            raise

    async def _open(self, permit: Permit, account: Account) -> None:
        upstream = await self._visit.upstream()
        term_type, size, modes = self._terminal or ("", (0, 0, 0, 0), {})
        relay = Relay(self._channel, account, self._visit.scanner(), self._visit.address.name)
        if self._terminal is not None:
            account.resized(size[0] or 80, size[1] or 24)
        await upstream.create_session(
            lambda: relay,
            command=self._command,
            request_pty="force" if self._terminal is not None else False,
            term_type=term_type or None,
            term_size=size,
            term_modes=modes,
            x11_forwarding=False,
            encoding=None,
        )
        self._relay = relay
        seconds = min((limit.seconds for limit in permit.limits if limit.seconds), default=0.0)
        if seconds:
            asyncio.get_running_loop().call_later(seconds, relay.stop, f"a rule ends it after {seconds:g} seconds")
        for data in self._held:
            relay.send(data)
        self._held.clear()
        if self._has_ended:
            relay.send_eof()
        if self._is_paused:
            self._channel.resume_reading()

    # -- from the person --------------------------------------------------------------------------------

    def data_received(self, data: bytes, datatype: int | None) -> None:
        if self._files is not None:
            self._files.data_received(data, datatype)
        elif self._relay is not None:
            self._relay.send(data)
        else:
            self._held.append(data)

    def eof_received(self) -> bool:
        if self._files is not None:
            return bool(self._files.eof_received())
        self._has_ended = True
        if self._relay is not None:
            self._relay.send_eof()
        return True

    def terminal_size_changed(self, width: int, height: int, pixwidth: int, pixheight: int) -> None:
        if self._relay is not None:
            self._relay.resize(width, height, pixwidth, pixheight)
        elif self._terminal is not None:
            self._terminal = (self._terminal[0], (width, height, pixwidth, pixheight), self._terminal[2])

    def signal_received(self, signal: str) -> None:
        if self._relay is not None:
            self._relay.send_signal(signal)

    def break_received(self, msec: int) -> bool:
        if self._relay is not None:
            self._relay.send_break(msec)
        return self._relay is not None

    def pause_writing(self) -> None:
        if self._files is not None:
            self._files.pause_writing()
        elif self._relay is not None:
            self._relay.pause()

    def resume_writing(self) -> None:
        if self._files is not None:
            self._files.resume_writing()
        elif self._relay is not None:
            self._relay.resume()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._files is not None:
            self._files.connection_lost(exc)
        if self._relay is not None:
            self._relay.stop("the client went away")
        elif self._task is not None:
            self._task.cancel()

    # -- to the person ----------------------------------------------------------------------------------

    def _say(self, lines: list[str]) -> None:
        if not self._channel.is_closing():
            end = "\r\n" if self._terminal is not None else "\n"
            self._channel.write("".join(line + end for line in lines).encode(), STDERR)

    def _refuse(self, lines: list[str], status: int) -> None:
        self._say(lines)
        if not self._channel.is_closing():
            self._channel.exit(status)


def _refused_there(problem: Exception) -> str:
    return f"the target did not take the request: {problem.reason if isinstance(problem, asyncssh.Error) else type(problem).__name__}"
