"""Every bound of the SSH side by name. Numbers only."""

from __future__ import annotations

from typing import Final

MAX_CONNECTIONS: Final = 1_000
"""Client connections; one more is closed."""

MAX_CHANNELS: Final = 64
"""Open channels of one connection (OpenSSH has 10 sessions)."""

MAX_TRIES: Final = 6
"""Wrong passwords of one connection; then it is closed."""

MAX_COMMAND: Final = 256 * 1024
"""Characters of a command line."""

LOGIN_SECONDS: Final = 60.0
"""From accept to the end of the log-in."""

CONNECT_SECONDS: Final = 15.0
"""To reach a target, log-in included."""

KEEPALIVE_SECONDS: Final = 30.0
"""Silence of a target after which it is asked whether it is there; three times unanswered is an end."""

MASK_IDLE_SECONDS: Final = 0.05
"""How long output that may be the beginning of a match waits for the rest."""

MAX_SHELL_RECORD: Final = 256 * 1024 * 1024
"""Bytes of one shell's output that are recorded; a shell that says more is ended: what is not recorded does not happen."""

MAX_SFTP_FILES: Final = 256
"""Open files of one SFTP session."""

LINGER_SECONDS: Final = 5.0
"""For the operations of a client that has gone to write their ends."""
