"""People whom somebody else vouched for: their groups and attributes as last proven, by source, until the proof is over.

Tokens are worth what their person is worth now: this is where `now` comes from for people without a local account. Kept on disk
(0600), so that a restart of the gateway ends nobody's work. Time comes from outside.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from jupyter_govern.errors import ConfigError, RecordingFailed

MAX_PEOPLE: Final = 100_000
Attributes = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Vouched:
    """What one source says of a person. Times are seconds since the epoch.

    groups: as the identity provider proved them at issued_at; the youngest proof counts, whatever source it came by.
    more_groups: those of the source itself; they count beside the others.
    """

    subject: str
    source: str
    groups: frozenset[str]
    issued_at: float
    until: float
    more_groups: frozenset[str] = frozenset()
    attributes: Attributes = ()


class ProvenPeople:
    """path: where it is kept."""

    def __init__(self, path: Path, clock: Callable[[], float]) -> None:
        self._path, self._clock = path, clock
        self._known: dict[tuple[str, str], Vouched] = {}
        self._load()

    def remember(self, vouched: Vouched) -> None:
        """As of now; what the same source said before no longer counts. Raises RecordingFailed where it cannot be kept."""
        key = (vouched.subject, vouched.source)
        if self._known.get(key) == vouched:
            return
        now = self._clock()
        self._known = {each: known for each, known in self._known.items() if known.until > now}
        if len(self._known) >= MAX_PEOPLE and key not in self._known:
            raise RecordingFailed("too many people are logged in at the same time")
        self._known[key] = vouched
        self._save()

    def forget(self, subject: str, source: str) -> None:
        """What this source said no longer counts."""
        if self._known.pop((subject, source), None) is not None:
            self._save()

    def groups(self, subject: str) -> frozenset[str] | None:
        """None for who is not, or no longer, vouched for."""
        said = self._of(subject)
        return said[0].groups.union(*(each.more_groups for each in said)) if said else None

    def attributes(self, subject: str) -> Attributes:
        """() for who is not vouched for."""
        said = self._of(subject)
        return said[0].attributes if said else ()

    def _of(self, subject: str) -> list[Vouched]:
        """What is said of somebody now, the youngest proof first."""
        now = self._clock()
        said = [known for known in self._known.values() if known.subject == subject and known.until > now]
        return sorted(said, key=lambda each: each.issued_at, reverse=True)

    def _save(self) -> None:
        """Write beside and rename, so that a crash leaves the old file or the new one."""
        rows = [asdict(each) | {"groups": sorted(each.groups), "more_groups": sorted(each.more_groups)} for each in self._known.values()]
        beside = self._path.with_suffix(".new")
        try:
            with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                json.dump({"version": 1, "people": rows}, file)
            beside.replace(self._path)
        except OSError as error:
            raise RecordingFailed(f"who is logged in cannot be kept: {error.strerror}") from error

    def _load(self) -> None:
        if not self._path.exists():
            return
        try:
            for row in json.loads(self._path.read_text())["people"]:
                known = _restored(row)
                self._known[known.subject, known.source] = known
        except (ValueError, KeyError, TypeError) as error:
            hint = f"the file of who is logged in is damaged ({error}): remove it, and everybody logs in again"
            raise ConfigError(hint, path=str(self._path)) from error


def _restored(row: dict[str, Any]) -> Vouched:
    groups = {key: frozenset(row[key]) for key in ("groups", "more_groups")}
    return Vouched(**{**row, **groups, "attributes": tuple((str(name), str(value)) for name, value in row["attributes"])})
