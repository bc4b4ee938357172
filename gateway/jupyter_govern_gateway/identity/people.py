"""People whom an identity provider named, as it named them last: groups and attributes for every later use of their tokens.

Whether they are still logged in is not said here: their tokens say that, and those end with the login that they hang on.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from jupyter_govern import private_files
from jupyter_govern.errors import AuthenticationFailed, ConfigError, RecordingFailed

MAX_PEOPLE: Final = 20_000
"""Who was confirmed longest ago gives way, and has to log in again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """source: the issuer that named the subject. confirmed_at: seconds since the epoch. hub_groups: those that a JupyterHub adds.
    revoked_at: when somebody ended everything of this person; older proofs that lie about somewhere make no new login.
    issuer_subject: the issuer's own lasting name of the account, where it has one; names may be changed and given to others.
    is_released: the name is free for another account of the same issuer, because somebody ended everything of this person."""

    subject: str
    source: str
    groups: frozenset[str]
    attributes: tuple[tuple[str, str], ...]
    confirmed_at: float
    hub_groups: frozenset[str] = frozenset()
    revoked_at: float = 0.0
    issuer_subject: str = ""
    is_released: bool = False

    @property
    def all_groups(self) -> frozenset[str]:
        return self.groups | self.hub_groups


class People:
    """is_local: whether a name is a local account's; nobody else may have it. renamed: hears the former and the new name of somebody; what
    was opened under the former one must end, or one person is two."""

    def __init__(
        self,
        path: Path,
        *,
        clock: Callable[[], float],
        is_local: Callable[[str], bool] = lambda subject: False,
        renamed: Callable[[str, str], None] = lambda former, new: None,
    ) -> None:
        self._path, self._clock, self._is_local, self._renamed = path, clock, is_local, renamed
        self._people: dict[str, Person] = {}
        self._load()

    def remember(
        self,
        subject: str,
        *,
        source: str,
        groups: frozenset[str],
        attributes: tuple[tuple[str, str], ...] = (),
        as_of: float | None = None,
        hub_groups: frozenset[str] | None = None,
        issuer_subject: str = "",
    ) -> None:
        """As of now; what was known of this person before no longer counts.

        as_of: when the provider said so, where that was earlier; what it said later stays then. hub_groups: None leaves them.
        Raises AuthenticationFailed where the name is already somebody else's, RecordingFailed where it cannot be kept.
        """
        at = self._clock() if as_of is None else as_of
        known = self._known(subject, source, issuer_subject)
        former = self._former(subject, source, issuer_subject, at)
        said = Person(
            subject=subject,
            source=source,
            groups=groups,
            attributes=attributes,
            confirmed_at=at,
            hub_groups=known.hub_groups if known is not None else frozenset(),
            revoked_at=max((each.revoked_at for each in (known, former) if each is not None), default=0.0),
            issuer_subject=issuer_subject,
        )
        if known is not None and known.confirmed_at > said.confirmed_at:
            # an older token must not bring back a group that was lost since
            said = replace(known, issuer_subject=issuer_subject or known.issuer_subject, is_released=False)
        if hub_groups is not None:
            said = replace(said, hub_groups=hub_groups)
        self._people.pop(subject, None)
        self._people[subject] = said
        if former is not None:
            del self._people[former.subject]
            self._renamed(former.subject, subject)
        if said == known:
            return
        while len(self._people) > MAX_PEOPLE:
            self._people.pop(next(iter(self._people)))
        self._save()

    def _known(self, subject: str, source: str, issuer_subject: str) -> Person | None:
        """Who has the name already. Raises AuthenticationFailed where that is somebody else."""
        if self._is_local(subject):
            raise AuthenticationFailed(f"{subject!r} is a local account here: give this provider a prefix")
        known = self._people.get(subject)
        if known is None:
            return None
        if known.source != source:
            raise AuthenticationFailed(f"{subject!r} is known here from {known.source}: give this provider a prefix")
        is_other = "" not in (issuer_subject, known.issuer_subject) and issuer_subject != known.issuer_subject
        if is_other and not known.is_released:
            raise AuthenticationFailed(f"{subject!r} is another account of {source}; `jupyter govern revoke` sets the name free")
        return None if is_other else known

    def _former(self, subject: str, source: str, issuer_subject: str, at: float) -> Person | None:
        """The same account under another name. Raises AuthenticationFailed where the proof is older than that name or a revocation."""
        same = (p for p in self._people.values() if issuer_subject and p.issuer_subject == issuer_subject)
        former = next((p for p in same if p.source == source and p.subject != subject), None)
        if former is not None and at < former.confirmed_at:
            raise AuthenticationFailed(f"{subject!r} is called {former.subject!r} since")
        if former is not None and at <= former.revoked_at:
            raise AuthenticationFailed(f"{former.subject!r} was revoked since")
        return former

    def revoke(self, subject: str) -> None:
        """From now on only a proof that is made later counts."""
        if (known := self._people.get(subject)) is not None:
            self._people[subject] = replace(known, revoked_at=self._clock(), is_released=True)
            self._save()

    def with_hub_groups(self) -> frozenset[str]:
        """The subjects of those who have groups by a Hub."""
        return frozenset(p.subject for p in self._people.values() if p.hub_groups)

    def lose_hub_groups(self, subject: str = "") -> None:
        """No Hub stands behind them any more: for one person, or ("") for everybody."""
        losing = [p for p in self._people.values() if p.hub_groups and subject in ("", p.subject)]
        self._people |= {p.subject: replace(p, hub_groups=frozenset()) for p in losing}
        if losing:
            self._save()

    def find(self, subject: str) -> Person | None:
        return self._people.get(subject)

    def forget_sources(self, known: frozenset[str]) -> None:
        """Forget whom issuers named that are no longer configured."""
        kept = {subject: person for subject, person in self._people.items() if person.source in known}
        if len(kept) != len(self._people):
            self._people = kept
            self._save()

    def _save(self) -> None:
        rows = [
            {
                "subject": p.subject,
                "source": p.source,
                "groups": sorted(p.groups),
                "attributes": dict(p.attributes),
                "confirmed_at": p.confirmed_at,
                "hub_groups": sorted(p.hub_groups),
                "revoked_at": p.revoked_at,
                "issuer_subject": p.issuer_subject,
                "is_released": p.is_released,
            }
            for p in self._people.values()
        ]
        write_private_json(self._path, {"version": 1, "people": rows})

    def _load(self) -> None:
        for row in read_json_list(self._path, "people"):
            person = Person(
                subject=row["subject"],
                source=row["source"],
                groups=frozenset(row["groups"]),
                attributes=tuple(sorted(row["attributes"].items())),
                confirmed_at=float(row["confirmed_at"]),
                hub_groups=frozenset(row.get("hub_groups", ())),
                revoked_at=float(row.get("revoked_at", 0.0)),
                issuer_subject=str(row.get("issuer_subject", "")),
                is_released=bool(row.get("is_released", False)),
            )
            self._people[person.subject] = person


def write_private_json(path: Path, content: dict[str, Any]) -> None:
    """Keep the content in a file of its owner's. Raises RecordingFailed."""
    try:
        private_files.replace(path, json.dumps(content))
    except OSError as error:
        raise RecordingFailed(f"{path.name} cannot be kept: {error.strerror}") from error


def read_json_list(path: Path, key: str) -> list[dict[str, Any]]:
    """The rows of a file of ours; none where it is not there. Raises ConfigError where it is damaged."""
    if not path.exists():
        return []
    try:
        rows = json.loads(path.read_text())[key]
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise TypeError(f"{key} is no list")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"is damaged ({error}): remove it, and everybody logs in again", path=str(path)) from error
    return rows
