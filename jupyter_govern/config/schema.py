"""The JSON Schema of govern.toml, for editors. `make schema` writes it; a test fails where the written one differs."""

from __future__ import annotations

import json
import sys

from jupyter_govern.config.model import Config


def schema_text() -> str:
    schema = Config.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "govern.toml"
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(schema_text())
