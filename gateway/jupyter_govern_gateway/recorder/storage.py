"""Where finished recordings are and in which form: compressed, encrypted, in an object store. Readers see lines, whatever it is.

What changes a recording's form goes: new file beside, `stored` with its SHA-256 into the log, signed; then the new name, then the old file
goes. A crash in between leaves the old one, or both, and the next turn does the rest. Methods block: call them in a thread.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import IO, Final, Protocol

from jupyter_govern.recording import entries_in
from jupyter_govern.stored import (
    COMPRESSED,
    FORMS,
    MAX_SEAL,
    PLAIN,
    SEALED,
    Unreadable,
    WrapKey,
    compress,
    encrypt,
    forms_of,
    opened,
    read_seal,
    rewrapped,
)
from jupyter_govern_gateway.recorder.index import SessionIndex
from jupyter_govern_gateway.recorder.log import GatewayLog
from jupyter_govern_gateway.recorder.recover import ends_closed

COPY: Final = 1 << 20


class Elsewhere(Protocol):
    """An object store. `place`: how it is called in the log. get raises FileNotFoundError; all raise OSError."""

    place: str

    def put(self, name: str, path: Path) -> None: ...
    def get(self, name: str) -> IO[bytes]: ...
    def delete(self, name: str) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """In which form finished recordings are to be; keys: all that may be needed for reading, by id."""

    compressed: bool = False
    key: WrapKey | None = None
    keys: Mapping[str, WrapKey] = field(default_factory=dict)
    elsewhere: Elsewhere | None = None

    @property
    def form(self) -> str:
        return SEALED if self.key is not None else COMPRESSED if self.compressed or self.elsewhere is not None else PLAIN


class Storage:
    """index: None reads nothing but files; with it, a recording keeps its form until the index has read it."""

    def __init__(self, *, directory: Path, log: GatewayLog, index: SessionIndex, wanted: Wanted) -> None:
        self._directory, self._log, self._index, self._wanted = directory, log, index, wanted
        self._moving = Lock()
        """Held while a recording changes its form or goes: one that is deleted meanwhile must not come back."""

    def open(self, path: Path) -> IO[bytes]:
        """The plain recording. Raises FileNotFoundError, OSError; reading raises Unreadable."""
        for each in forms_of(path):
            return opened(each.name, each.open("rb"), self._wanted.keys)
        if self._wanted.elsewhere is not None:
            for form in (SEALED, COMPRESSED):
                with suppress(FileNotFoundError):
                    name = self._name(path) + form
                    return opened(name.rpartition("/")[2], self._wanted.elsewhere.get(name), self._wanted.keys)
        raise FileNotFoundError(str(path))

    def remove(self, path: Path) -> None:
        """All forms of it, wherever they are. Raises OSError."""
        with self._moving:
            if self._wanted.elsewhere is not None:
                for form in (SEALED, COMPRESSED):
                    self._wanted.elsewhere.delete(self._name(path) + form)
            for each in forms_of(path):
                each.unlink(missing_ok=True)

    def missing_in_index(self) -> list[Path]:
        """Stored recordings that the index has never read: it was made anew."""
        known = {row[0] for row in self._index.select("select id from sessions where read_bytes > 0", ())}
        found = [each for form in (COMPRESSED, SEALED) for each in self._directory.glob(f"[0-9]*/[0-9]*/[0-9]*/*{form}")]
        paths = {each.with_name(each.name.partition(PLAIN)[0] + PLAIN) for each in found} | self._shipped()
        return sorted(path for path in paths if path.stem not in known)

    def _shipped(self) -> set[Path]:
        if self._wanted.elsewhere is None:
            return set()
        found: dict[str, Path] = {}
        with self._log.path.open("rb") as file:
            for entry in entries_in(file):
                if entry.get("type") == "session" and entry.get("event") == "stored" and entry.get("place"):
                    found[str(entry["session"])] = self._directory / (str(entry["path"]) + PLAIN)
                elif entry.get("type") == "session" and entry.get("event") == "deleted":
                    found.pop(str(entry["session"]), None)
        return set(found.values())

    def turn(self) -> int:
        """Bring every finished recording into the wanted form; how many that changed. A failure is said in the log."""
        count = 0
        for each in sorted(self._directory.glob("[0-9]*/[0-9]*/[0-9]*/*.jsonl*")):
            if each.name.endswith(FORMS):
                try:
                    with self._moving:
                        count += each.exists() and self._keep(each)
                except (OSError, Unreadable) as problem:
                    session = each.name.partition(PLAIN)[0]
                    self._log.write("note", about="recording not stored", session=session, problem=str(problem)[:500])
        return count

    def _keep(self, file: Path) -> bool:
        session, form = file.name.partition(PLAIN)[0], next(form for form in reversed(FORMS) if file.name.endswith(form))
        if form == PLAIN:
            if self._wanted.form == PLAIN or not ends_closed(file) or not self._is_read(session, file):
                return False
            stored = self._stored(session, file)
            file.unlink()
        elif form == SEALED and self._wanted.key is not None and (again := self._rewrapped(session, file)) is not None:
            stored = self._put(session, again, file, form)
        elif self._wanted.elsewhere is None:
            return False
        else:
            stored = file
        if self._wanted.elsewhere is not None:
            self._wanted.elsewhere.put(self._name(stored) + stored.name[len(session) :], stored)
            self._say(session, stored, stored, self._wanted.elsewhere.place)
            stored.unlink()
        return True

    def _is_read(self, session: str, file: Path) -> bool:
        rows = self._index.select("select read_bytes from sessions where id = ?", (session,))
        return bool(rows) and rows[0][0] >= file.stat().st_size

    def _stored(self, session: str, file: Path) -> Path:
        packed = _beside(file, COMPRESSED)
        with file.open("rb") as source, _private(packed) as target:
            compress(source, target)
            _to_disk(target)
        if self._wanted.key is None:
            return self._put(session, packed, file, COMPRESSED)
        sealed = _beside(file, SEALED)
        with packed.open("rb") as source, _private(sealed) as target:
            encrypt(session, source, target, self._wanted.key)
            _to_disk(target)
        packed.unlink()
        return self._put(session, sealed, file, SEALED)

    def _rewrapped(self, session: str, file: Path) -> Path | None:
        """A copy whose data key is wrapped with the key that is configured now; None where it is already."""
        key = self._wanted.key
        with file.open("rb") as source:
            seal = read_seal(source.readline(MAX_SEAL))
            if key is None or seal.key == key.id:
                return None
            fresh = _beside(file, "")
            with _private(fresh) as target:
                target.write(rewrapped(session, seal, self._wanted.keys, key).line())
                while part := source.read(COPY):
                    target.write(part)
                _to_disk(target)
        return fresh

    def _put(self, session: str, fresh: Path, file: Path, form: str) -> Path:
        stored = file.with_name(session + form)
        self._say(session, fresh, stored, "")
        fresh.replace(stored)
        return stored

    def _say(self, session: str, fresh: Path, stored: Path, place: str) -> None:
        with fresh.open("rb") as data:
            digest = hashlib.file_digest(data, "sha256").hexdigest()
        form, size, path = stored.name[len(session) :], fresh.stat().st_size, self._name(stored)
        self._log.write("session", event="stored", session=session, form=form, sha256=digest, bytes=size, path=path, place=place)
        self._log.sign()

    def _name(self, path: Path) -> str:
        """YYYY/MM/DD/SESSION."""
        return path.relative_to(self._directory).as_posix().partition(PLAIN)[0]


def _beside(file: Path, form: str) -> Path:
    return file.with_name(f".{file.name.partition(PLAIN)[0]}{form}.new")


def _private(path: Path) -> IO[bytes]:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")


def _to_disk(target: IO[bytes]) -> None:
    target.flush()
    os.fsync(target.fileno())
