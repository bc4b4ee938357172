"""Forms in which a finished recording is stored, and how each is read again line by line: plain, compressed, compressed and encrypted.

    SESSION.jsonl             one entry a line
    SESSION.jsonl.zst         the same, compressed with zstd
    SESSION.jsonl.zst.sealed  that, encrypted: a first line of JSON (Seal), then parts of PART bytes, each AES-256-GCM with its tag

A data key of its own encrypts each recording and is itself encrypted ("wrapped") with the key of the configuration, so that another
key in the configuration means another first line and nothing else. The nonce of a part is the seal's prefix, the part's number and
whether it is the last: parts cannot be swapped, left out or cut off. Reads and writes in parts, however long the recording.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import io
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from jupyter_govern.errors import GovernError

PLAIN, COMPRESSED, SEALED = ".jsonl", ".jsonl.zst", ".jsonl.zst.sealed"
FORMS: Final = (PLAIN, COMPRESSED, SEALED)
PART: Final = 64 * 1024
TAG: Final = 16
MAX_SEAL: Final = 4096
"""Bytes of the first line of an encrypted recording."""
LEVEL: Final = 6
MAX_WINDOW: Final = 1 << 23
"""Bytes that decompression may keep: a stored file cannot ask for more."""


class Unreadable(GovernError):
    """A stored recording cannot be read: it was changed, or its key is not there. Never quotes a key."""


@dataclass(frozen=True, slots=True)
class WrapKey:
    """The configuration's key; `id` is what a seal calls it."""

    secret: bytes

    @property
    def id(self) -> str:
        return hashlib.sha256(b"jupyter-govern wrapping key 1\0" + self.secret).hexdigest()[:16]

    def __repr__(self) -> str:
        return f"WrapKey({self.id})"


def wrap_key(text: str) -> WrapKey:
    """From base64 of 32 bytes (`openssl rand -base64 32`). Raises ValueError, which does not quote it."""
    try:
        secret = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("is not base64") from None
    if len(secret) != 32:
        raise ValueError("must be 32 bytes in base64: `openssl rand -base64 32`")
    return WrapKey(secret)


Keys = Mapping[str, WrapKey]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """The first line of an encrypted recording: which key wraps its data key, and the beginning of all nonces."""

    key: str
    wrapped: bytes
    prefix: bytes

    def line(self) -> bytes:
        said = {"v": 1, "key": self.key, "wrapped": self.wrapped.hex(), "prefix": self.prefix.hex()}
        return json.dumps(said, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def read_seal(line: bytes) -> Seal:
    """Raises Unreadable."""
    try:
        said = json.loads(line)
        seal = Seal(key=str(said["key"]), wrapped=bytes.fromhex(said["wrapped"]), prefix=bytes.fromhex(said["prefix"]))
        if said["v"] == 1 and len(seal.prefix) == 7:
            return seal
    except (ValueError, KeyError, TypeError):
        pass
    raise Unreadable("it does not begin like an encrypted recording")


def _gcm(key: bytes) -> Any:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(key)


def _wrapping(name: str, prefix: bytes) -> bytes:
    return b"jupyter-govern data key 1\0" + name.encode() + b"\0" + prefix


def new_seal(name: str, key: WrapKey) -> tuple[Seal, bytes]:
    """A seal for this recording, and the data key in it."""
    return _sealed_key(name, os.urandom(32), os.urandom(7), key)


def _sealed_key(name: str, data_key: bytes, prefix: bytes, key: WrapKey) -> tuple[Seal, bytes]:
    nonce = os.urandom(12)
    wrapped = nonce + _gcm(key.secret).encrypt(nonce, data_key, _wrapping(name, prefix))
    return Seal(key=key.id, wrapped=wrapped, prefix=prefix), data_key


def open_seal(name: str, seal: Seal, keys: Keys) -> bytes:
    """The data key. Raises Unreadable."""
    from cryptography.exceptions import InvalidTag

    key = keys.get(seal.key)
    if key is None:
        raise Unreadable(f"it is encrypted with the key {seal.key}, which is not among gateway.recording.encryption's")
    try:
        return bytes(_gcm(key.secret).decrypt(seal.wrapped[:12], seal.wrapped[12:], _wrapping(name, seal.prefix)))
    except (InvalidTag, ValueError):
        raise Unreadable("its data key does not fit its name: it was changed or is another recording's") from None


def rewrapped(name: str, seal: Seal, keys: Keys, key: WrapKey) -> Seal:
    """The same data key under another key. Raises Unreadable."""
    return _sealed_key(name, open_seal(name, seal, keys), seal.prefix, key)[0]


def _nonce(prefix: bytes, number: int, is_last: bool) -> bytes:
    return prefix + number.to_bytes(4, "big") + (b"\1" if is_last else b"\0")


def _parts(file: IO[bytes], size: int) -> Iterator[tuple[bytes, bool]]:
    """Parts of that size (the last may be shorter), each with whether it is the last; one part at least."""
    part = file.read(size)
    while True:
        following = file.read(size) if len(part) == size else b""
        yield part, not following
        if not following:
            return
        part = following


def compress(source: IO[bytes], target: IO[bytes]) -> None:
    """zstd with a checksum of its own."""
    import zstandard

    zstandard.ZstdCompressor(level=LEVEL, write_checksum=True).copy_stream(source, target)


def encrypt(name: str, source: IO[bytes], target: IO[bytes], key: WrapKey) -> None:
    seal, data_key = new_seal(name, key)
    cipher = _gcm(data_key)
    target.write(seal.line())
    for number, (part, is_last) in enumerate(_parts(source, PART)):
        target.write(cipher.encrypt(_nonce(seal.prefix, number, is_last), part, name.encode()))


def decrypted(name: str, source: IO[bytes], keys: Keys) -> Iterator[bytes]:
    """The parts of an encrypted recording. Raises Unreadable at the first that was changed, and at an end that was cut."""
    from cryptography.exceptions import InvalidTag

    seal = read_seal(source.readline(MAX_SEAL))
    cipher = _gcm(open_seal(name, seal, keys))
    for number, (part, is_last) in enumerate(_parts(source, PART + TAG)):
        try:
            yield cipher.decrypt(_nonce(seal.prefix, number, is_last), part, name.encode())
        except (InvalidTag, ValueError):
            raise Unreadable(f"part {number + 1} was changed, moved or cut") from None


class _Chunks(io.RawIOBase):
    """A file of an iterator of bytes."""

    def __init__(self, chunks: Iterable[bytes], beneath: IO[bytes] | None) -> None:
        self._chunks, self._left, self._beneath = iter(chunks), memoryview(b""), beneath

    def close(self) -> None:
        if self._beneath is not None:
            self._beneath.close()
        super().close()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._left:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._left = memoryview(chunk)
        count = min(len(buffer), len(self._left))
        buffer[:count] = self._left[:count]
        self._left = self._left[count:]
        return count


def as_file(chunks: Iterable[bytes], beneath: IO[bytes] | None = None) -> IO[bytes]:
    """Something to read from, for what comes in chunks; closes with it what is beneath."""
    return io.BufferedReader(_Chunks(chunks, beneath), PART)


def opened(file_name: str, raw: IO[bytes], keys: Keys) -> IO[bytes]:
    """The plain recording of what a stored file of that name holds. Reading raises Unreadable."""
    name, _, _ = file_name.partition(PLAIN)
    if file_name.endswith(SEALED):
        raw = as_file(decrypted(name, raw, keys), raw)
    return raw if file_name.endswith(PLAIN) else as_file(_decompressed(raw), raw)


def _decompressed(raw: IO[bytes]) -> Iterator[bytes]:
    import zstandard

    try:
        with zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW).stream_reader(raw, read_across_frames=False) as reader:
            while chunk := reader.read(PART):
                yield chunk
    except zstandard.ZstdError as problem:
        raise Unreadable(f"it cannot be decompressed ({problem})") from None


def forms_of(path: Path) -> Iterator[Path]:
    """The files in which the recording of this path (…/SESSION.jsonl) is."""
    for form in FORMS:
        each = path.with_name(path.name.removesuffix(PLAIN) + form)
        if each.is_file():
            yield each
