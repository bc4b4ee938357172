"""Every bound of the HTTP side by name. Numbers only."""

from __future__ import annotations

MAX_BODY = 64 * 1024
"""Bytes of a request's body."""
MAX_LINE = 8 * 1024
"""Bytes of the request line and of one header."""
MAX_CONNECTIONS = 1024
"""Open connections; one more is closed at once."""
FIRST_REQUEST_SECONDS = 20.0
"""A connection that has asked nothing by then is closed."""
KEEPALIVE_SECONDS = 30.0
BODY_SECONDS = 15.0
"""Time for a request's body to arrive."""

PASSWORD_CHECKS = 2
"""Argon2 runs in threads; so many at the same time, the others wait."""
PASSWORD_CHECKS_WAITING = 32
"""Logins that may wait for one of those; one more is told to come again."""
LOGINS_PER_MINUTE = 20
BROWSER_LOGINS_PER_MINUTE = 60
"""Logins in a browser that one address may begin, and as many that it may end."""
EXCHANGES_PER_MINUTE = 120
"""Workload tokens that one address may present."""
DEVICES_PER_MINUTE = 30
DEVICE_POLLS_PER_MINUTE = 240
CODES_PER_MINUTE = 10
"""User codes that one browser session may try on the device page."""
HUB_EXCHANGES_PER_MINUTE = 600
"""Of one address: all servers of a Hub on one machine share it."""
MISUSES_PER_MINUTE = 30
"""Refusals of one token or address that are written down; more are refused all the same."""
RATE_KEYS = 10_000
"""Peers or names whose rate is remembered; the one unseen for longest is forgotten."""

DEVICE_SECONDS = 600.0
DEVICE_INTERVAL_SECONDS = 1
MAX_DEVICES = 1_000
"""Device logins that wait at the same time."""
FORM_SECONDS = 900.0
MAX_FORMS = 10_000
MAX_FORMS_EACH = 64
"""One-time form tokens of one browser session; the oldest goes first."""
LOGIN_TICKET_SECONDS = 60.0

MAX_LISTENERS = 512
MAX_LISTENERS_EACH = 16
"""Event streams, all together and of one person."""
LISTENER_QUEUE = 256
"""Events that wait for a slow reader; with one more its stream is closed and it has to ask again."""
EVENT_KEEPALIVE_SECONDS = 15.0

MAX_LISTED = 500
"""Rows of one list."""
MAX_LISTED_STATEMENT = 16 * 1024
"""Characters of a statement in a list; one approval by its number has all of it."""
MAX_SHOWN_PARAMETER = 4096
"""Characters of one bound parameter that are shown; the digest covers all of it."""
REACHABLE_SECONDS = 2.0
REACHABLE_KEPT_SECONDS = 15.0
"""How long a target's answer to `are you there` is waited for, and believed."""
MAX_SEARCHED = 1024
"""Characters of one filter of a search."""
CATCH_UP_SECONDS = 2.0
"""How long a search waits for the index to know what is on record; the answer says whether it does."""
RECORDING_PART = 64 * 1024
"""Bytes of a recording that are sent at a time; each part must be taken within BODY_SECONDS."""
RECORDING_READERS = 2
"""Requests that read recordings at the same time; the others wait."""

MAX_WATCHERS = 32
"""Sessions that are watched live at the same time."""
WATCH_SECONDS = 0.2
"""How often a watched recording is looked at."""
