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


class Retention(Strict):
    """How long recordings are kept. What is deleted leaves a signed tombstone in the gateway's log: docs/recording.md."""

    days: Annotated[int, Field(ge=0, le=36500)] = 0
    """Days after its close for which a recording is kept; 0 keeps it for ever."""
    targets: dict[str, Annotated[int, Field(ge=0, le=36500)]] = Field(default_factory=dict)
    """The same for single targets: `targets = { shop = 365 }`."""

    def days_of(self, target: str) -> int:
        """For this target."""
        return self.targets.get(target, self.days)


class Encryption(Strict):
    """Encryption of finished recordings at rest."""

    key: SecretReference | None = None
    """32 bytes in base64 (`openssl rand -base64 32`) that wrap each recording's own key. Encrypted recordings are compressed too."""
    old_keys: tuple[SecretReference, ...] = ()
    """Keys that were used before: what is wrapped with them is read, and wrapped anew with `key`."""


class Store(Strict):
    """An object store that finished recordings are moved to."""

    url: str = ""
    """`s3://bucket/prefix`, `gs://…`, `az://…` or `file:///folder`; "" keeps them in state_dir. Needs jupyter-govern[storage]."""
    endpoint: SafeUrl = ""
    """Of a store that speaks like S3 and is not Amazon's."""
    region: str = ""
    """Its region."""
    access_key_id: SecretReference | None = None
    """Who the gateway is there; without it, what the machine itself may do."""
    secret_access_key: SecretReference | None = None
    """The secret of access_key_id."""


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
    retention: Retention = Retention()
    """How long recordings are kept."""
    compress: bool = False
    """Compress finished recordings with zstd. Needs jupyter-govern[storage]."""
    encryption: Encryption = Encryption()
    """Encrypt finished recordings."""
    store: Store = Store()
    """Move finished recordings to an object store, compressed."""
    keeping_seconds: Annotated[float, Field(ge=1, le=86400)] = 600.0
    """How often finished recordings are compressed, encrypted, moved and, where their days are over, deleted."""
