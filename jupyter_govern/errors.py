"""The errors that somebody catches. Anything else that is raised is a bug and closes the session.

An expected outcome is a value, not one of these; see docs/errors.md for what each means to a person.
"""

from __future__ import annotations

from jupyter_govern.model import RuleRef


class GovernError(Exception):
    """Root of every error this project raises on purpose."""


class ConfigError(GovernError):
    """A configuration file is wrong: `path` names the file, `key` the dotted key ("" for the whole file)."""

    def __init__(self, message: str, *, path: str = "", key: str = "") -> None:
        self.message, self.path, self.key = message, path, key
        where = ": ".join(part for part in (path, key) if part)
        super().__init__(f"{where}: {message}" if where else message)


class Blocked(GovernError):
    """An Operation is refused. The adapter turns it into its wire's own refusal.

    reason: what was refused and why, one sentence. rules: which rules said so. hint: what to do next.
    """

    def __init__(self, reason: str, *, rules: tuple[RuleRef, ...] = (), hint: str = "") -> None:
        self.reason, self.rules, self.hint = reason, rules, hint
        super().__init__(reason)


class Declined(Blocked):
    """Blocked because a human approver said no."""


class Expired(Blocked):
    """Blocked because nobody answered in time."""


class Withdrawn(Blocked):
    """Blocked because the person who asked cancelled or went away while it waited."""


class SyntaxProblem(GovernError):
    """The statement cannot be parsed, or names what does not exist. `position` counts characters from 1, as PostgreSQL's own error
    does; 0 is none. `code` is the SQLSTATE."""

    def __init__(self, message: str, position: int = 0, code: str = "42601") -> None:
        self.message, self.position, self.code = message, position, code
        super().__init__(message)


class ClientProtocolError(GovernError):
    """The client sent bytes its protocol does not allow; its session closes."""


class TargetProtocolError(GovernError):
    """The target sent bytes its protocol does not allow; the session closes."""


class TargetUnavailable(GovernError):
    """The target does not answer, or refuses the gateway's own credential."""


class RecordingFailed(GovernError):
    """The record could not be written, so nothing may happen: the session stops."""


class AuthenticationFailed(GovernError):
    """The proof of identity was not accepted. Deliberately says no more than that to a stranger."""
