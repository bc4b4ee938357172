"""What every section of govern.toml is made of."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Name = Annotated[str, Field(min_length=1, max_length=200)]
Words = Annotated[str, Field(min_length=1, max_length=1000)]
LOOPBACK = ("127.0.0.1", "::1", "localhost")


class Strict(BaseModel):
    """Unknown keys are errors; docstrings of fields are their descriptions in the JSON Schema."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, str_strip_whitespace=False)
