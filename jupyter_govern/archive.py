"""Verification of a whole folder of recordings, offline: each chain, the gateway's log over all of them, and the signatures.

The log names every session with the head it ended with, so a session that was edited, cut, swapped or removed does not fit it; the
log's own signatures hold the log, and signed heads that are kept outside it hold its end. What was compressed or encrypted fits the
digest in the log; what was deleted has its tombstone there. docs/recording-verify.md says what this proves and what not;
docs/verifier.py does the same again in one file of its own. Keeps one entry at a time and one line for each session.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_govern.heads import HEAD_FILE, read_heads
from jupyter_govern.recording import NotWhole, checked
from jupyter_govern.signatures import Keys, problem_of

LOG = "gateway.jsonl"
SESSIONS = "[0-9]*/[0-9]*/[0-9]*/*.jsonl"
STORED_SUFFIXES = (".jsonl.zst", ".jsonl.zst.sealed")
"""Of recordings that were compressed, and perhaps encrypted."""


@dataclass(slots=True, kw_only=True)
class Report:
    """problems: what was changed, by whomever. notes: what cannot be known, or is only worth knowing."""

    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    sessions: int = 0
    entries: int = 0
    signatures: int = 0
    deleted: int = 0
    head: str = ""
    seq: int = 0

    @property
    def ok(self) -> bool:
        """Nothing was changed."""
        return not self.problems


@dataclass(slots=True, kw_only=True)
class _Said:
    """What the log says of a session; numbers are those of the log's entries, 0 for none."""

    opened: bool = False
    head: str | None = None
    closed_at: int = 0
    deleted_at: int = 0
    stored_at: int = 0
    digest: str = ""
    place: str = ""


@dataclass(slots=True, kw_only=True)
class _Log:
    """What the log says in all. covered: the number of the last entry that a good signature holds."""

    sessions: dict[str, _Said] = field(default_factory=dict)
    hashes: list[str] = field(default_factory=list)
    covered: int = 0
    last: tuple[str, str] = ("", "")


def verify_folder(
    folder: Path, keys: Keys | None = None, anchors: Mapping[int, str] | None = None, witnesses: Iterable[Path] = ()
) -> Report:
    """Verify everything below `folder`. keys None: hashes only, which whoever can write files can make anew.

    anchors: heads of the log that were kept elsewhere, by entry number. witnesses: files with signed heads.
    """
    report = Report()
    log = _log(folder / LOG, report, keys, anchors or {})
    if keys is not None and log.hashes:
        for path in (folder / HEAD_FILE, *witnesses):
            _heads(path, log, report, keys)
    seen: set[str] = set()
    for suffixes in ((".jsonl",), STORED_SUFFIXES):  # a crash may leave both forms of one recording
        paths = sorted(path for path in folder.glob(f"{SESSIONS}*") if path.name.endswith(suffixes))
        names = [path.name.partition(".jsonl")[0] for path in paths]
        report.problems += [f"session {name}: there are two recordings of it" for name in sorted({n for n in names if names.count(n) > 1})]
        for path, name in zip(paths, names, strict=True):
            _session(path, name, log, report, keys)
        seen |= set(names)
    _missing(log, seen, report, keys)
    report.sessions = len(seen)
    return report


def verify_file(path: Path, keys: Keys) -> Report:
    """Verify one recording and that it was signed at its end."""
    report = Report()
    covered, last = 0, ""
    for entry in _chain(path, f"{path.stem}: ", report):
        covered = max(covered, _signature(entry, path.stem, f"{path.stem}: ", report, keys))
        last = entry["type"]
    if last and not report.problems and not covered:
        report.problems.append(f"{path.stem}: is not signed")
    elif last and not report.problems and last != "signature":
        report.notes.append(f"{path.stem}: what stands behind its last signature is not signed")
    return report


def _chain(path: Path, label: str, report: Report) -> Iterator[dict[str, Any]]:
    """The entries as long as they are good; where they are not, says so and ends."""
    try:
        with path.open("rb") as file:
            for entry in checked(path.name.partition(".jsonl")[0], file):
                report.entries += 1
                yield entry
    except OSError as error:
        report.problems.append(f"{label}cannot be read: {error.strerror}")
    except NotWhole as found:
        report.problems.append(f"{label}{found.problem}")


def _signature(entry: dict[str, Any], name: str, label: str, report: Report, keys: Keys | None) -> int:
    """The number of the entry if it is a good signature, or 0."""
    if entry["type"] != "signature":
        return 0
    problem = problem_of(entry, name, keys) if keys is not None else ""
    if problem:
        report.problems.append(f"{label}entry {entry['seq']}: {problem}")
        return 0
    report.signatures += 1
    return int(entry["seq"])


def _log(path: Path, report: Report, keys: Keys | None, anchors: Mapping[int, str]) -> _Log:
    label, log = "the gateway's log: ", _Log()
    for entry in _chain(path, label, report):
        log.covered = max(log.covered, _signature(entry, path.stem, label, report, keys))
        log.hashes.append(entry["hash"])
        log.last = (log.last[1], "signature" if entry["type"] == "signature" else str(entry.get("event")))
        if entry["type"] == "session":
            _say(log.sessions.setdefault(str(entry.get("session")), _Said()), entry)
    if not log.hashes:
        return log
    report.seq, report.head = len(log.hashes), log.hashes[-1]
    if keys is not None and not log.covered:
        report.problems.append(f"{label}is not signed")
    elif keys is None:
        report.notes.append("no public key was given: only hashes were checked, which whoever can write the files can make anew")
    if log.last != ("stopped", "signature"):
        report.notes.append(
            f"{label}does not end with a signed stop: the gateway runs, or was killed; {report.seq - log.covered} entries are behind the "
            "last signature. Compare its head with one that was kept elsewhere (--anchor, --witness)."
        )
    for seq, head in anchors.items():
        if not 0 < seq <= len(log.hashes) or log.hashes[seq - 1] != head:
            report.problems.append(f"{label}entry {seq} is not the one that was kept elsewhere: the log was cut or made anew")
    return log


def _say(said: _Said, entry: dict[str, Any]) -> None:
    match entry.get("event"):
        case "open":
            said.opened = True
        case "close":
            said.head, said.closed_at = str(entry.get("head")), entry["seq"]
        case "deleted":
            said.deleted_at = entry["seq"]
        case "stored":
            said.digest, said.place, said.stored_at = str(entry.get("sha256")), str(entry.get("place")), entry["seq"]


def _heads(path: Path, log: _Log, report: Report, keys: Keys) -> None:
    try:
        heads = list(read_heads(path))
    except OSError as error:
        report.problems.append(f"{path.name}: cannot be read: {error.strerror}")
        return
    if not heads:
        report.problems.append(f"{path.name}: is empty")
    for number, head in enumerate(heads, 1):
        if head is None or problem_of(head.as_entry(), "gateway", keys):
            report.problems.append(f"{path.name}: line {number} is no head that this gateway signed")
        elif not 0 < head.seq <= len(log.hashes) or log.hashes[head.seq - 1] != head.hash:
            report.problems.append(f"the gateway's log: does not have the entry {head.seq} that {path.name} has: it was cut or made anew")


def _missing(log: _Log, seen: set[str], report: Report, keys: Keys | None) -> None:
    for name in sorted(log.sessions.keys() - seen):
        said, label = log.sessions[name], f"session {name}: "
        if said.deleted_at and (keys is None or said.deleted_at <= log.covered):
            report.deleted += 1
        elif said.deleted_at:
            report.problems.append(f"{label}its recording is missing, and its tombstone is not signed (yet)")
        elif said.place:
            report.problems.append(f"{label}its recording is in {said.place}, not here: copy it to this folder, or fetch it, to verify it")
        else:
            report.problems.append(f"{label}is in the gateway's log, but its recording is missing")
    if report.deleted:
        report.notes.append(f"{report.deleted} recordings were deleted; their tombstones are in the log")


def _session(path: Path, name: str, log: _Log, report: Report, keys: Keys | None) -> None:
    label, said = f"session {name}: ", log.sessions.get(name)
    if said is not None and said.deleted_at:
        report.notes.append(f"{label}was deleted, says the log, and is still here")
    if path.suffix != ".jsonl":
        _stored(path, label, said, log, report, keys)
        return
    covered = count = 0
    head, closed = "", False
    for entry in _chain(path, label, report):
        covered = max(covered, _signature(entry, name, label, report, keys))
        count, head, closed = entry["seq"], entry["hash"], closed or entry["type"] == "session-close"
    if said is None:
        report.problems.append(f"{label}the gateway's log knows nothing of it")
    elif said.head is not None and said.head != head:
        report.problems.append(f"{label}does not end as the gateway's log says it ended: it was replaced or cut")
    elif said.head is not None:
        if keys is not None and said.closed_at > log.covered and covered != count:
            report.problems.append(f"{label}is not signed")
        if not said.opened:
            report.notes.append(f"{label}was found by the gateway after a crash; its log has no opening of it")
    elif closed:
        report.notes.append(f"{label}is closed, and the gateway's log does not say so (yet)")
    else:
        report.notes.append(f"{label}is open: {count} entries so far")


def _stored(path: Path, label: str, said: _Said | None, log: _Log, report: Report, keys: Keys | None) -> None:
    """A recording that was compressed or encrypted: its bytes have the digest that the log has."""
    if said is None or not said.stored_at:
        report.problems.append(f"{label}the gateway's log does not know that it was stored in this form")
        return
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        report.problems.append(f"{label}cannot be read: {error.strerror}")
        return
    if digest != said.digest:
        report.problems.append(f"{label}is not as the gateway stored it: it was edited, replaced or cut")
    elif keys is not None and said.stored_at > log.covered:
        report.problems.append(f"{label}what the log says of it is not signed (yet)")
