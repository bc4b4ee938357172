"""The listener for SSH clients: its host key, its bounds, and its stop in good order."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncssh

from jupyter_govern import private_files
from jupyter_govern.errors import ConfigError
from jupyter_govern_gateway.net.tasks import Tasks
from jupyter_govern_gateway.ssh.authority import Authority
from jupyter_govern_gateway.ssh.bounds import KEEPALIVE_SECONDS, LOGIN_SECONDS, MAX_CONNECTIONS
from jupyter_govern_gateway.ssh.house import SshHouse
from jupyter_govern_gateway.ssh.server import Server
from jupyter_govern_gateway.ssh.targets import CIPHERS, ssh_address

if TYPE_CHECKING:
    from jupyter_govern.config.ssh import SshTarget
    from jupyter_govern_gateway.gate import Gate
    from jupyter_govern_gateway.identity.service import Identity
    from jupyter_govern_gateway.identity.tokens import Token
    from jupyter_govern_gateway.net.services import Log, Policy


class SshGate:
    """Raises ConfigError for targets that cannot be used. `port` is the real one after start()."""

    def __init__(
        self,
        *,
        host: str,
        port: int,
        state_dir: Path,
        directory: Path,
        targets: tuple[SshTarget, ...],
        identity: Identity,
        policy: Policy,
        gate: Gate,
        log: Log,
    ) -> None:
        self.host, self.port = host, port
        self._tasks = Tasks(_failed)
        self._key = host_key(state_dir / "ssh" / "host_ed25519")
        self.house = SshHouse(
            identity=identity,
            policy=policy,
            gate=gate,
            log=log,
            targets={target.name: ssh_address(target, directory) for target in targets},
            tasks=self._tasks,
            authority=Authority(host_key(state_dir / "ssh" / "user_ca_ed25519")),
        )
        self._acceptor: asyncssh.SSHAcceptor | None = None
        self._open: set[Server] = set()

    def certificate(self, public_key: str, token: Token) -> dict[str, Any]:
        """A certificate for a token, and where it is taken; raises ValueError."""
        made = self.house.authority.certificate(public_key, token)
        return {"certificate": made, "host": self.host, "port": self.port, "host_key": self.public_key}

    @property
    def public_key(self) -> str:
        """The host key as known_hosts has it."""
        return self._key.export_public_key().decode().strip()

    async def start(self) -> None:
        """Listen."""
        self._acceptor = await asyncssh.listen(
            self.host,
            self.port,
            server_factory=self._arrived,
            server_host_keys=[self._key],
            server_version="jupyter-govern",
            encoding=None,
            encryption_algs=CIPHERS,
            compression_algs=None,
            config=None,
            gss_host=None,
            login_timeout=LOGIN_SECONDS,
            keepalive_interval=KEEPALIVE_SECONDS,
            agent_forwarding=False,
            x11_forwarding=False,
            line_editor=False,
            backlog=128,
        )
        self.port = self._acceptor.get_port()

    def _arrived(self) -> Server:
        if len(self._open) >= MAX_CONNECTIONS:
            raise ConnectionAbortedError("too many connections")  # AsyncSSH closes the socket
        server = _Counted(self.house, self._open)
        self._open.add(server)
        return server

    async def stop(self, drain_seconds: float) -> None:
        """Accept no more, let what runs end for so long, then end it."""
        if self._acceptor is None:
            return
        self._acceptor.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(drain_seconds):
                while any(visit.running for visit in self.house.visits):
                    self.house.settled.clear()
                    await self.house.settled.wait()
        for visit in tuple(self.house.visits):
            visit.end("the gateway stops")
        self._tasks.cancel()
        await self._tasks.wait()
        await asyncio.sleep(0)  # channels hear that they are closed, and write their ends
        self._acceptor = None


class _Counted(Server):
    """A connection that the listener counts."""

    def __init__(self, house: SshHouse, among: set[Server]) -> None:
        super().__init__(house)
        self._among = among

    def connection_lost(self, exc: Exception | None) -> None:
        self._among.discard(self)
        super().connection_lost(exc)


def host_key(path: Path) -> asyncssh.SSHKey:
    """A key of our own, made once, with mode 0600."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.exists():
        made = asyncssh.generate_private_key("ssh-ed25519", comment="jupyter-govern")
        private_files.replace(path, made.export_private_key())
        path.with_suffix(".pub").write_bytes(made.export_public_key())
    try:
        return asyncssh.read_private_key(path)
    except (OSError, asyncssh.KeyImportError) as problem:
        raise ConfigError(f"{path} cannot be used: {type(problem).__name__}", key="gateway.ssh") from None


def _failed(problem: BaseException) -> None:
    said: dict[str, Any] = {"message": "an SSH channel failed", "exception": problem}
    asyncio.get_running_loop().call_exception_handler(said)
