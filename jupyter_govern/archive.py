"""Verification of a whole folder of recordings, offline: each chain, the gateway's log over all of them, and the signatures.

The log names every session with the head it ended with, so a session that was edited, cut, swapped or removed does not fit it;
the log's own signatures hold the log. docs/recording-verify.md says what this proves and what not; docs/verifier.py does the
same again in one file of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_govern.recording import read_entries, verify_lines
from jupyter_govern.signatures import Keys, problem_of

LOG = "gateway.jsonl"
SESSIONS = "[0-9]*/[0-9]*/[0-9]*/*.jsonl"


@dataclass(slots=True, kw_only=True)
class Report:
    """problems: what was changed, by whomever. notes: what cannot be known, or is only worth knowing."""

    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    sessions: int = 0
    entries: int = 0
    signatures: int = 0
    head: str = ""
    seq: int = 0

    @property
    def ok(self) -> bool:
        """Nothing was changed."""
        return not self.problems


@dataclass(slots=True, kw_only=True)
class _Said:
    """What the log says of a session."""

    opened: bool = False
    head: str | None = None
    signed: bool = False


def verify_folder(folder: Path, keys: Keys | None = None, anchors: Mapping[int, str] | None = None) -> Report:
    """Verify everything below `folder`. keys None: hashes only, which whoever can write files can make anew.

    anchors: heads of the log that were kept elsewhere, by entry number.
    """
    report = Report()
    said = _log(folder / LOG, report, keys, anchors or {})
    seen: set[str] = set()
    for path in sorted(folder.glob(SESSIONS)):
        if path.stem in seen:
            report.problems.append(f"session {path.stem}: there are two recordings of it")
        seen.add(path.stem)
        _session(path, said.get(path.stem), report, keys)
    report.problems += [f"session {name}: is in the gateway's log, but its recording is missing" for name in sorted(said.keys() - seen)]
    report.sessions = len(seen)
    return report


def verify_file(path: Path, keys: Keys) -> Report:
    """Verify one recording and that it was signed at its end."""
    report = Report()
    entries = _chain(path, f"{path.stem}: ", report)
    if entries and not report.problems and not _signatures(entries, path.stem, f"{path.stem}: ", report, keys):
        report.problems.append(f"{path.stem}: is not signed")
    elif entries and not report.problems and entries[-1]["type"] != "signature":
        report.notes.append(f"{path.stem}: what stands behind its last signature is not signed")
    return report


def _chain(path: Path, label: str, report: Report) -> list[dict[str, Any]]:
    """The entries of a good chain; where it is not good, says so and gives none."""
    try:
        verdict = verify_lines(path.stem, path.read_bytes())
    except OSError as error:
        report.problems.append(f"{label}cannot be read: {error.strerror}")
        return []
    report.entries += verdict.entries
    if not verdict.ok:
        report.problems.append(f"{label}{verdict.problem}")
        return []
    return read_entries(path)


def _signatures(entries: list[dict[str, Any]], name: str, label: str, report: Report, keys: Keys | None) -> int:
    """Check the signatures in a chain; the number of the entry up to which they hold it."""
    covered = 0
    for entry in entries:
        if entry["type"] == "signature":
            problem = problem_of(entry, name, keys) if keys is not None else ""
            if problem:
                report.problems.append(f"{label}entry {entry['seq']}: {problem}")
            else:
                covered = entry["seq"]
                report.signatures += 1
    return covered


def _log(path: Path, report: Report, keys: Keys | None, anchors: Mapping[int, str]) -> dict[str, _Said]:
    label = "the gateway's log: "
    entries = _chain(path, label, report)
    if not entries:
        return {}
    covered = _signatures(entries, path.stem, label, report, keys)
    report.seq, report.head = entries[-1]["seq"], entries[-1]["hash"]
    if keys is not None and not covered:
        report.problems.append(f"{label}is not signed")
    elif keys is None:
        report.notes.append("no public key was given: only hashes were checked, which whoever can write the files can make anew")
    ends_stopped = len(entries) > 1 and entries[-1]["type"] == "signature" and entries[-2].get("event") == "stopped"
    if not ends_stopped:
        behind = report.seq - covered
        report.notes.append(
            f"{label}does not end with a signed stop: the gateway runs, was killed, or the end was cut; {behind} entries are behind the "
            "last signature. Compare its head with one that was kept elsewhere (--anchor)."
        )
    for seq, head in anchors.items():
        if seq > len(entries) or entries[seq - 1]["hash"] != head:
            report.problems.append(f"{label}entry {seq} is not the one that was kept elsewhere: the log was cut or made anew")
    return _sessions_said(entries, covered)


def _sessions_said(entries: list[dict[str, Any]], covered: int) -> dict[str, _Said]:
    said: dict[str, _Said] = {}
    for entry in entries:
        if entry["type"] == "session":
            session = said.setdefault(str(entry.get("session")), _Said())
            if entry.get("event") == "open":
                session.opened = True
            else:
                session.head, session.signed = str(entry.get("head")), entry["seq"] <= covered
    return said


def _session(path: Path, said: _Said | None, report: Report, keys: Keys | None) -> None:
    label = f"session {path.stem}: "
    entries = _chain(path, label, report)
    if not entries:
        return
    covered = _signatures(entries, path.stem, label, report, keys)
    if said is None:
        report.problems.append(f"{label}the gateway's log knows nothing of it")
    elif said.head is not None:
        if said.head != entries[-1]["hash"]:
            report.problems.append(f"{label}does not end as the gateway's log says it ended: it was replaced or cut")
        elif keys is not None and not said.signed and covered != entries[-1]["seq"]:
            report.problems.append(f"{label}is not signed")
        if not said.opened:
            report.notes.append(f"{label}was found by the gateway after a crash; its log has no opening of it")
    elif any(entry["type"] == "session-close" for entry in entries):
        report.notes.append(f"{label}is closed, and the gateway's log does not say so (yet)")
    else:
        report.notes.append(f"{label}is open: {len(entries)} entries so far")
