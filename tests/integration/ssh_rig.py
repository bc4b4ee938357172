"""A whole gateway in a thread of this process, before a real sshd that runs without privileges: what the SSH tests run against."""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from jupyter_govern_gateway.approvals import Approval
from tests.in_process import InProcess

PEOPLE = {"ana": ("ana's password", ["analysts"]), "ben": ("ben's password", ["ops"]), "eve": ("eve's password", ["support"])}
SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin") or ""
NEEDED = ("ssh", "scp", "sftp", "rsync", "sshpass", "ssh-keygen")
missing = [name for name in NEEDED if shutil.which(name) is None] + ([] if SSHD else ["sshd"])
needs_ssh = pytest.mark.skipif(bool(missing), reason=f"not installed: {', '.join(missing)} (make integration installs them)")

CONFIG = """
[gateway]
state_dir = "state"
[gateway.postgresql]
listen = "127.0.0.1:0"
[gateway.api]
listen = "127.0.0.1:0"
[gateway.ssh]
listen = "127.0.0.1:0"
[identity.local]
accounts = "accounts.json"

[[target]]
name = "web1"
kind = "ssh"
host = "127.0.0.1"
port = {port}
user = "{user}"
private_key = {{ file = "target_key" }}
known_hosts = "known_hosts"

[[target]]
name = "stranger"
kind = "ssh"
host = "127.0.0.1"
port = {port}
user = "{user}"
private_key = {{ file = "target_key" }}
host_key = "{other_key}"

[[rule]]
name = "everything here"
because = "it is a test"
effect = "allow"
who = {{ groups = ["analysts", "ops"] }}

{rules}
"""


class Sshd:
    """Debian's sshd on a free port, with a configuration, keys and a home of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, _free_port()
        self.home = folder / "home"
        self.home.mkdir()
        _keygen(folder / "host_key")
        _keygen(folder / "target_key")
        shutil.copy(folder / "target_key.pub", folder / "authorized_keys")
        (folder / "authorized_keys").chmod(0o600)
        key = (folder / "host_key.pub").read_text()
        (folder / "known_hosts").write_text(f"[127.0.0.1]:{self.port} {key}")
        self._config = folder / "sshd_config"
        self._config.write_text(
            f"Port {self.port}\nListenAddress 127.0.0.1\nHostKey {folder}/host_key\nAuthorizedKeysFile {folder}/authorized_keys\n"
            f"PidFile none\nStrictModes no\nUsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n"
            f"Subsystem sftp internal-sftp -d {self.home}\nSetEnv HOME={self.home}\nAcceptEnv *\nLogLevel ERROR\nMaxStartups 200\n"
            f"MaxSessions 200\n"
        )
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        Path("/run/sshd").mkdir(parents=True, exist_ok=True) if os.geteuid() == 0 else None
        self._process = subprocess.Popen([SSHD, "-D", "-e", "-f", self._config], stderr=subprocess.DEVNULL, start_new_session=True)
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise RuntimeError("sshd did not start")

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
            self._process = None

    def kill(self) -> None:
        """sshd and its sessions die without a word."""
        assert self._process is not None
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        for child in children:
            commands = Path(f"/proc/{child}/task/{child}/children").read_text().split()
            os.kill(int(child), signal.SIGKILL)  # before its command, whose end it would still report
            for command in commands:
                os.kill(int(command), signal.SIGKILL)
        self._process.kill()

    def ssh(self, command: str, **more: Any) -> subprocess.CompletedProcess[str]:
        """Directly, not through the gateway."""
        key = str(self.folder / "target_key")
        arguments = ["ssh", *OPTIONS, "-i", key, "-p", str(self.port), f"{getpass.getuser()}@127.0.0.1", command]
        return subprocess.run(arguments, capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL, **more)


OPTIONS = ["-F", "none", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR"]
BY_TOKEN = ["-o", "PreferredAuthentications=password", "-o", "NumberOfPasswordPrompts=1", "-o", "PubkeyAuthentication=no"]


class SshRig(InProcess):
    """sshd, a gateway before it, and the people of PEOPLE."""

    def __init__(self, *, rules: str = "") -> None:
        super().__init__("ssh", PEOPLE)
        self._rules = rules

    def __enter__(self) -> SshRig:
        self.sshd = Sshd(self.directory)
        self.sshd.start()
        self.home = self.sshd.home
        _keygen(self.directory / "other_key")
        self.start(self.policy())
        return self

    def policy(self, more: str = "") -> str:
        other = (self.directory / "other_key.pub").read_text().strip()
        return CONFIG.format(port=self.sshd.port, user=getpass.getuser(), other_key=other, rules=self._rules + more)

    def __exit__(self, *_: object) -> None:
        try:
            self.stop()
        finally:
            self.sshd.stop()
            self.cleanup()

    @property
    def gate(self) -> Any:
        assert self.app.ssh is not None
        return self.app.ssh

    @property
    def port(self) -> int:
        return int(self.gate.port)

    # -- stock clients ------------------------------------------------------------------------------

    def client(
        self, *arguments: str, who: str = "ana", stdin: bytes | None = None, token: str | None = None, timeout: float = 60
    ) -> subprocess.CompletedProcess[bytes]:
        """Run a client under sshpass, with the person's token as the password."""
        environment = {**os.environ, "SSHPASS": token or self.token(who)}
        given: dict[str, Any] = {"stdin": subprocess.DEVNULL} if stdin is None else {"input": stdin}
        return subprocess.run(["sshpass", "-e", *arguments], env=environment, capture_output=True, timeout=timeout, check=False, **given)

    def ssh(self, command: str = "", *options: str, who: str = "ana", user: str = "", **more: Any) -> subprocess.CompletedProcess[bytes]:
        tail = [command] if command else []
        arguments = ["ssh", *OPTIONS, *BY_TOKEN, "-p", str(self.port), *options, f"{user or f'{who}%web1'}@127.0.0.1", *tail]
        return self.client(*arguments, who=who, **more)

    def scp(self, *arguments: str, who: str = "ana", legacy: bool = False) -> subprocess.CompletedProcess[bytes]:
        return self.client("scp", *(["-O"] if legacy else []), *OPTIONS, *BY_TOKEN, "-P", str(self.port), *arguments, who=who)

    def sftp(self, *lines: str, who: str = "ana") -> subprocess.CompletedProcess[bytes]:
        batch = self.directory / "batch"
        batch.write_text("\n".join(lines) + "\n")
        arguments = ["sftp", *OPTIONS, *BY_TOKEN, "-o", "BatchMode=no", "-P", str(self.port), "-b", str(batch), f"{who}%web1@127.0.0.1"]
        return self.client(*arguments, who=who)

    def rsync(self, *arguments: str, who: str = "ana") -> subprocess.CompletedProcess[bytes]:
        return self.client("rsync", "-e", f"ssh {' '.join(OPTIONS + BY_TOKEN)} -p {self.port}", *arguments, who=who)

    def remote(self, path: str, who: str = "ana") -> str:
        """PATH at the target, for scp and rsync."""
        return f"{who}%web1@127.0.0.1:{path}"

    # -- what the gateway knows -------------------------------------------------------------------------

    def wait_pending(self) -> Approval:
        for _ in range(200):
            if found := self.pending():
                return found[0]
            time.sleep(0.05)
        raise AssertionError("nothing waits for approval")

    def last(self, kind: str, **fields: Any) -> dict[str, Any]:
        """The newest entry of a type with these fields; waits for it."""
        for _ in range(100):
            found = [e for e in self.entries(kind) if all(e.get(key) == value for key, value in fields.items())]
            if found:
                return found[-1]
            time.sleep(0.05)
        raise AssertionError(f"no {kind} entry with {fields}: {self.entries()[-5:]}")


def _keygen(path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True, stdin=subprocess.DEVNULL)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
