"""The user name of an SSH login says which target is meant: `web1`, `ana%web1` or `ana+web1`. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """target: as named. subject: who says to be there, or "" where only the proof tells."""

    target: str
    subject: str = ""


def wanted(user_name: str) -> Wanted:
    """The last `%` or `+` stands between person and target: a target's name has neither."""
    at = max(user_name.rfind("%"), user_name.rfind("+"))
    if at < 0:
        return Wanted(target=user_name)
    return Wanted(target=user_name[at + 1 :], subject=user_name[:at])
