"""What every section of govern.toml is made of: frozen, and without unknown keys."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

Name = Annotated[str, Field(min_length=1, max_length=200)]
Words = Annotated[str, Field(min_length=1, max_length=1000)]
LOOPBACK = ("127.0.0.1", "::1", "localhost")


class Strict(BaseModel):
    """Unknown keys are errors; docstrings of fields are their descriptions in the JSON Schema."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, str_strip_whitespace=False)


def _safe(value: str) -> str:
    parts = urlsplit(value)
    if value and not (parts.hostname and (parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK))):
        raise ValueError("wants an https address (http only to this machine itself)")
    return value


SafeUrl = Annotated[str, AfterValidator(_safe)]
"""Where something may be sent that is not everybody's; "" is nowhere."""
