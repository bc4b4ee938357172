"""SFTP and legacy scp: every action on every path is a question to the gate, asked about the path that it really is.

Paths are resolved at the target first, symbolic links and all, and the action is done on what was resolved and judged. AsyncSSH
speaks the protocol on both sides; nothing the client sends goes on as it is.
"""

from __future__ import annotations

import asyncio
import posixpath
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final, TypeVar

import asyncssh

from jupyter_govern.errors import Blocked, RecordingFailed, TargetUnavailable
from jupyter_govern_gateway.ssh import words
from jupyter_govern_gateway.ssh.bounds import MAX_SFTP_FILES
from jupyter_govern_gateway.ssh.digest import Digest
from jupyter_govern_gateway.ssh.judging import transfer_facts

if TYPE_CHECKING:
    from jupyter_govern_gateway.gate import Permit
    from jupyter_govern_gateway.ssh.visit import Visit

R = TypeVar("R")
Say = Callable[[list[str]], None]
_WRITING: Final = asyncssh.FXF_WRITE | asyncssh.FXF_APPEND | asyncssh.FXF_CREAT | asyncssh.FXF_TRUNC


class OpenFile:
    """A file that is open at the target: its Permit, its digest, its bounds."""

    def __init__(self, handle: asyncssh.SFTPClientFile, permit: Permit, visit: Visit) -> None:
        self.handle, self._permit, self._visit = handle, permit, visit
        self.digest = Digest()
        self.most = min((limit.bytes for limit in permit.limits if limit.bytes), default=0)
        visit.began()

    def end(self, error: str | None = None) -> None:
        if self._permit.spent:
            return
        digest = self.digest.hexdigest()
        try:
            self._permit.finish(tag=f"sha256 {digest}" if digest else "done", rows=0, bytes_=self.digest.bytes, error=error)
        except RecordingFailed as failed:
            self._visit.end(str(failed))
        finally:
            self._visit.ended()


def governed_files(visit: Visit, say: Say, protocol: str) -> Callable[[Any], Awaitable[asyncssh.SFTPServer]]:
    """What makes an SFTP server for a channel; protocol: how it is called in the record."""

    async def made(channel: Any) -> asyncssh.SFTPServer:
        return GovernedFiles(channel, visit, say, protocol)

    return made


class GovernedFiles(asyncssh.SFTPServer):
    """AsyncSSH calls these methods as the client's requests come in."""

    def __init__(self, channel: Any, visit: Visit, say: Say, protocol: str) -> None:
        super().__init__(channel)
        self._visit, self._say, self._protocol = visit, say, protocol
        self._opening = asyncio.Lock()
        self._client: asyncssh.SFTPClient | None = None
        self._home = ""
        self._files: set[OpenFile] = set()
        self._asking: set[asyncio.Task[Any]] = set()

    # -- asking -------------------------------------------------------------------------------------

    async def _reach(self) -> asyncssh.SFTPClient:
        if self._visit.refusal is not None:
            raise asyncssh.SFTPPermissionDenied(self._visit.refusal.reason)
        async with self._opening:
            if self._client is None:
                try:
                    upstream = await self._visit.upstream()
                    self._client = await upstream.start_sftp_client(path_encoding=None)
                    self._home = _text(await self._client.realpath(b"."))
                except (TargetUnavailable, asyncssh.Error, OSError) as problem:
                    raise asyncssh.SFTPConnectionLost(f"the target offers no file transfer: {problem}") from None
            return self._client

    async def _permit(self, kind: str, *paths: bytes, more: str = "") -> Permit:
        names = [_text(path) for path in paths]
        facts = transfer_facts(frozenset({kind, more} - {""}), *names, home=self._home)
        asking = asyncio.current_task()
        if asking is not None:
            self._asking.add(asking)
        try:
            return await self._visit.ask(f"{self._protocol}: {kind} {' '.join(names)}", facts, self._say)
        except Blocked as refused:
            self._say(words.refusal(refused))
            raise asyncssh.SFTPPermissionDenied(refused.reason) from None
        except RecordingFailed as failed:
            self._visit.end(str(failed))
            raise asyncssh.SFTPFailure("the record cannot be written: no record, no access") from None
        finally:
            if asking is not None:
                self._asking.discard(asking)

    async def _done(self, permit: Permit, work: Awaitable[R]) -> R:
        """Do what is permitted, and write how it ended."""
        error: str | None = "not done"
        self._visit.began()
        try:
            result = await work
            error = None
            return result
        except asyncssh.SFTPError as problem:
            error = problem.reason
            raise
        finally:
            try:
                permit.finish(tag=None if error else "done", rows=0, bytes_=0, error=error)
            except RecordingFailed as failed:
                self._visit.end(str(failed))
            self._visit.ended()

    async def _real(self, path: bytes) -> bytes:
        """What the path is at the target, with all links followed."""
        client = await self._reach()
        return await client.realpath(path)

    async def _entry(self, path: bytes) -> bytes:
        """The same, but for a link itself at the end: its folder is resolved, its name is kept."""
        folder, name = posixpath.split(path.rstrip(b"/"))
        if name in {b"", b".", b".."}:
            return await self._real(path)
        return posixpath.join(await self._real(folder or b"."), name)

    # -- files ----------------------------------------------------------------------------------------

    async def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
        if len(self._files) >= MAX_SFTP_FILES:
            raise asyncssh.SFTPFailure("too many open files")
        client, real = await self._reach(), await self._real(path)
        writes, reads = bool(pflags & _WRITING), bool(pflags & asyncssh.FXF_READ)
        permit = await self._permit("upload" if writes else "download", real, more="download" if writes and reads else "")
        file: OpenFile | None = None
        try:
            handle = await client.open(real, pflags, attrs, encoding=None, block_size=0)
            file = OpenFile(handle, permit, self._visit)
        finally:
            if file is None:
                permit.finish(tag=None, rows=0, bytes_=0, error="it could not be opened")
        self._files.add(file)
        return file

    async def close(self, file_obj: object) -> None:
        file = _file(file_obj)
        self._files.discard(file)
        try:
            await file.handle.close()
        finally:
            file.end()

    async def read(self, file_obj: object, offset: int, size: int) -> bytes:
        file = _file(file_obj)
        if file.most and offset + size > file.most:
            size = file.most - offset
            if size <= 0:
                raise asyncssh.SFTPPermissionDenied(f"a rule bounds files to {file.most} bytes")
        data: bytes = await file.handle.read(size, offset)
        file.digest.add(offset, data)
        return data

    async def write(self, file_obj: object, offset: int, data: bytes) -> int:
        file = _file(file_obj)
        if file.most and offset + len(data) > file.most:
            raise asyncssh.SFTPPermissionDenied(f"a rule bounds files to {file.most} bytes")
        written = await file.handle.write(data, offset)
        file.digest.add(offset, data)
        return written

    async def fstat(self, file_obj: object) -> asyncssh.SFTPAttrs:
        return await _file(file_obj).handle.stat()

    async def fsetstat(self, file_obj: object, attrs: asyncssh.SFTPAttrs) -> None:
        await _file(file_obj).handle.setstat(attrs)

    async def fsync(self, file_obj: object) -> None:
        await _file(file_obj).handle.fsync()

    # -- paths ------------------------------------------------------------------------------------------

    async def lstat(self, path: bytes) -> asyncssh.SFTPAttrs:
        client, real = await self._reach(), await self._entry(path)
        return await self._done(await self._permit("stat", real), client.lstat(real))

    async def stat(self, path: bytes) -> asyncssh.SFTPAttrs:
        client, real = await self._reach(), await self._real(path)
        return await self._done(await self._permit("stat", real), client.stat(real))

    async def realpath(self, path: bytes) -> bytes:
        client = await self._reach()
        return await self._done(await self._permit("stat", path), client.realpath(path))

    async def readlink(self, path: bytes) -> bytes:
        client, real = await self._reach(), await self._entry(path)
        return await self._done(await self._permit("stat", real), client.readlink(real))

    async def setstat(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        client, real = await self._reach(), await self._real(path)
        await self._done(await self._permit("change", real), client.setstat(real, attrs))

    async def lsetstat(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        client, real = await self._reach(), await self._entry(path)
        await self._done(await self._permit("change", real), client.setstat(real, attrs, follow_symlinks=False))

    async def scandir(self, path: bytes) -> AsyncIterator[asyncssh.SFTPName]:
        client, real = await self._reach(), await self._real(path)
        names: list[asyncssh.SFTPName] = []

        async def listed() -> None:
            async for name in client.scandir(real):
                names.append(name)

        await self._done(await self._permit("list", real), listed())
        for name in names:
            yield name

    async def mkdir(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        client, real = await self._reach(), await self._entry(path)
        await self._done(await self._permit("mkdir", real), client.mkdir(real, attrs))

    async def rmdir(self, path: bytes) -> None:
        client, real = await self._reach(), await self._entry(path)
        await self._done(await self._permit("remove", real), client.rmdir(real))

    async def remove(self, path: bytes) -> None:
        client, real = await self._reach(), await self._entry(path)
        await self._done(await self._permit("remove", real), client.remove(real))

    async def rename(self, oldpath: bytes, newpath: bytes) -> None:
        client, old, new = await self._reach(), await self._entry(oldpath), await self._entry(newpath)
        await self._done(await self._permit("rename", old, new), client.rename(old, new))

    async def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        client, old, new = await self._reach(), await self._entry(oldpath), await self._entry(newpath)
        await self._done(await self._permit("rename", old, new), client.posix_rename(old, new))

    async def symlink(self, oldpath: bytes, newpath: bytes) -> None:
        """A link counts as what it leads to, too: what policy keeps from somebody is not to be had under another name."""
        client, new = await self._reach(), await self._entry(newpath)
        leads_to = await self._real(posixpath.join(posixpath.dirname(new), oldpath))
        await self._done(await self._permit("link", leads_to, new), client.symlink(oldpath, new))

    async def link(self, oldpath: bytes, newpath: bytes) -> None:
        client, old, new = await self._reach(), await self._real(oldpath), await self._entry(newpath)
        await self._done(await self._permit("link", old, new), client.link(old, new))

    async def statvfs(self, path: bytes) -> Any:
        client, real = await self._reach(), await self._real(path)
        return await self._done(await self._permit("stat", real), client.statvfs(real))

    async def fstatvfs(self, file_obj: object) -> Any:
        return await _file(file_obj).handle.statvfs()

    def exit(self) -> None:
        """The channel is gone."""
        for task in tuple(self._asking):
            task.cancel()
        for file in tuple(self._files):
            file.end("the transfer was broken off")
        self._files.clear()
        if self._client is not None:
            self._client.exit()
        if self._protocol == "sftp" and not self.channel.is_closing():
            self.channel.exit(0)  # without a status, scp takes a transfer for failed


def _file(file_obj: object) -> OpenFile:
    assert isinstance(file_obj, OpenFile)  # noqa: S101 - AsyncSSH gives back what open() gave it
    return file_obj


def _text(path: bytes | str) -> str:
    """A path as text that stands for exactly these bytes."""
    return path.decode("utf-8", "backslashreplace") if isinstance(path, bytes) else path
