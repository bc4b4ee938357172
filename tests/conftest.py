"""For all tests: an interrupt interrupts, also where the run was started in the background of a shell, which has it ignored."""

from __future__ import annotations

import signal

signal.signal(signal.SIGINT, signal.default_int_handler)
