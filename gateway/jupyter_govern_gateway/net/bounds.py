"""Every bound of the wire by name: what a client or a target can make us hold, and for how long. Numbers only."""

from __future__ import annotations

from typing import Final

MAX_STARTUP_PACKET: Final = 10 * 1024
"""Bytes of the first packet (PostgreSQL's own bound is 10,000)."""

MAX_MESSAGE_BEFORE_LOGIN: Final = 10 * 1024
"""Bytes of a message of somebody we do not know yet."""

MAX_STARTUP_PACKETS: Final = 4
"""First packets of one connection: GSSENCRequest, SSLRequest, StartupMessage and one to spare."""

MAX_STATEMENT: Final = 1024 * 1024
"""Bytes of one statement's text."""

MAX_HELD: Final = MAX_STATEMENT + 64 * 1024
"""Bytes of one message, or of what follows a stalled one, that we hold; longer rows, COPY data and Binds stream through."""

MAX_STREAMED: Final = 1024 * 1024 * 1024
"""Bytes of one message that streams through (PostgreSQL's own bound is 1 GiB)."""

MAX_WHOLE: Final = 64 * 1024
"""A message up to this size reaches the other side whole or not at all, so that a FATAL can follow where a side dies."""

MAX_PENDING_ENTRIES: Final = 10_000
"""Messages on their way to the target that are not answered yet; beyond, the client is not read."""

MAX_STATEMENTS: Final = 10_000
"""Prepared statements, and portals, of one session."""

MAX_PLANS_PER_SESSION: Final = 512
"""Statements whose plan a session finds by their bytes alone."""

MAX_PLAN_KEY: Final = 16 * 1024
"""Longer statements are not kept per session (they are still in the gateway's cache)."""

HIGH_WATER: Final = 64 * 1024
"""Bytes in a socket's write buffer at which the other side is no longer read."""

LOW_WATER: Final = 16 * 1024
"""Bytes in a socket's write buffer at which the other side is read again."""

HANDSHAKE_SECONDS: Final = 60.0
"""From accept to the end of the log-in, TLS included."""

CONNECT_SECONDS: Final = 15.0
"""To reach a target, TLS and log-in included."""

CANCEL_SECONDS: Final = 10.0
"""For one CancelRequest to a target."""

CANCEL_AGAIN_SECONDS: Final = 0.02
"""Between two of them, while what a client had sent ahead is stopped; never two at the same time."""

CATALOG_SECONDS: Final = 60.0
"""For a target's catalog to be loaded."""

ESTIMATE_SECONDS: Final = 5.0
"""For the target to plan a statement whose rows a rule asks for; then they are not known."""

MAX_ESTIMATES: Final = 256
"""Statements of one session whose estimate is kept."""

GONE_POLL_SECONDS: Final = 0.5
"""How often we look whether a client that waits for an approval is still there (it is not read meanwhile)."""

MAX_CONNECTIONS: Final = 2_000
"""Client connections of one listener; one more is told so and closed."""

MAX_SAMPLED_VALUE: Final = 4 * 1024
"""Bytes of one value that a recording keeps."""

MAX_SAMPLED_ROWS: Final = 1_000
"""Rows of one result that a recording keeps, whatever their size."""

CLOSE_SECONDS: Final = 10.0
"""For a client to take the last words of its session; then the socket is closed all the same."""

DRAIN_POLL_SECONDS: Final = 0.02
"""How often we look whether what a session runs has ended, while the gateway goes down."""

LINGER_SECONDS: Final = 10.0
"""For a target to end what it ran for a client that has gone; then its connection is closed all the same."""
