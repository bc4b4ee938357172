"""Settings of recordings: [gateway.recording] and what is below it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from jupyter_govern.config.secrets import SecretReference
from jupyter_govern.config.strict import SafeUrl, Strict


class Witness(Strict):
    """Where signed heads of the gateway's log are kept beside the log itself: docs/recording-verify.md."""

    file: str = ""
    """A file they are appended to, one JSON object a line; best on another machine or a write-once file system. Relative to this file."""
    webhook: SafeUrl = ""
    """An address they are sent to by POST, as JSON."""
    webhook_token: SecretReference | None = None
    """Sent to the webhook as a bearer token."""
    every_seconds: Annotated[float, Field(ge=1, le=86400)] = 300.0
    """How often."""


class Recording(Strict):
    rows_budget: Annotated[int, Field(ge=0, le=1 << 24)] = 65536
    """Bytes of delivered rows that are kept per operation; 0 keeps none."""
    mode: Literal["buffered", "durable"] = "buffered"
    """buffered: an operation is written before it is sent, and on the disk within 50 ms (a crash of the machine may lose that much).
    durable: it is on the disk before it is sent."""
    min_free_bytes: Annotated[int, Field(ge=0)] = 0
    """New sessions are refused while less than this is free where recordings are."""
    signing_key: SecretReference | None = None
    """Ed25519 private key (PEM) that signs the heads of recordings. Without it one is generated in state_dir/signing.key."""
    witness: Witness = Witness()
    """Keeps signed heads elsewhere."""
