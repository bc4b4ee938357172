"""docs/configuration.md: every setting with its type, default and meaning, from the model itself. `make schema` writes it."""

from __future__ import annotations

import sys
from typing import Any

from jupyter_govern.config.model import Config

HEAD = """# Configuration

Everything is in one file, `govern.toml`. It is strict: an unknown key is an error that names its path, and every problem of a file is
listed at once by

    jupyter govern check govern.toml

```console
$ jupyter govern check broken.toml
broken.toml: gateway.recrding: is not a setting; did you mean 'recording'?
broken.toml: rule[0].effect: input should be 'allow', 'block', 'approve', 'mask', 'limit', 'filter' or 'detect'
broken.toml: 2 problems
```

The JSON Schema for editors is `schema/govern.schema.json`. Secrets are never in the file, only references: `{ env = "NAME" }` reads an
environment variable, `{ file = "path" }` a file (relative to `govern.toml`; one newline at its end is dropped),
`{ store = "vault:…" }` a secret store: see [secrets.md](secrets.md).

**Reload.** `[[rule]]` and `[[detector]]` are read again when the file changes or on SIGHUP. A broken file is refused: the policy in force
stays, the gateway says so on standard error, and both are in the gateway log. Changes of `[gateway]`, `[identity]` and `[[target]]` wait
for a restart, and are said to. Certificates and targets' secrets are read again on SIGHUP.

A complete file:

```toml
[gateway]
state_dir = "state"
auditors = ["dba"]

[gateway.postgresql]
listen = "127.0.0.1:6432"

[gateway.api]
listen = "127.0.0.1:8600"

[identity.local]
accounts = "accounts.json"

[[target]]
name = "shop"
kind = "postgresql"
host = "db.internal"
database = "shop"
user = "gateway"
password = { env = "SHOP_PASSWORD" }

[[rule]]
name = "analysts read the shop"
because = "questions about the business are their job"
effect = "allow"
who = { groups = ["analysts"] }
on = { targets = ["shop"], verbs = ["connect", "read"] }

[[rule]]
name = "contact data"
because = "the privacy notice"
effect = "mask"
on = { columns = ["public.customers.email"] }
mask = { format = "partial" }
```

The tables below are generated from the configuration model. What rules mean is in [policy.md](policy.md).
"""


WORDS = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false"}


def reference_text() -> str:
    """The whole page."""
    schema = Config.model_json_schema()
    sections: list[str] = [HEAD]
    _section(schema, schema, "", sections, set())
    return "\n".join(sections)


def _section(schema: dict[str, Any], node: dict[str, Any], path: str, out: list[str], done: set[str], which: str = "") -> None:
    inner: list[tuple[str, dict[str, Any], str]] = []
    rows: list[str] = []
    for name, field in node.get("properties", {}).items():
        models, is_list = _models(schema, field)
        if any(model.get("type") == "object" and "properties" in model for model in models):
            key = f"{path.strip('[]')}.{name}" if path else name
            for model in models:
                which = f" of kind {model['properties']['kind'].get('const')}" if len(models) > 1 else ""
                inner.append((f"[{key}]" if is_list else key, model, which))
            kind = "tables" if is_list else "table"
        else:
            kind = _kind(schema, field)
        default = _default(field, name in node.get("required", []))
        rows.append(f"| `{name}` | {kind} | {default} | {_one_line(field.get('description', ''))} |")
    if rows:
        title = f"`[{path}]`{which}" if path else "The file"
        about = _one_line(node.get("description", ""))
        head = [f"## {title}", "", *([about, ""] if about else []), "| key | type | default | meaning |", "|---|---|---|---|"]
        out.append("\n".join([*head, *rows, ""]))
    for key, model, kind_words in inner:
        marker = f"{key}:{model.get('title')}"
        if marker not in done:
            done.add(marker)
            _section(schema, model, key, out, done, kind_words)


def _models(schema: dict[str, Any], field: dict[str, Any]) -> tuple[list[dict[str, Any]], bool]:
    """The models that a field, or each element of it, may be; and whether it is a list."""
    for choice in field.get("anyOf", [field]):
        is_list = choice.get("type") == "array"
        element = choice.get("items", {}) if is_list else choice
        references = [each.get("$ref") for each in element.get("oneOf", [element])]
        if all(references):
            return [schema["$defs"][reference.rpartition("/")[2]] for reference in references], is_list
    return [], False


def _kind(schema: dict[str, Any], field: dict[str, Any]) -> str:
    choices = [choice for choice in field.get("anyOf", [field]) if choice.get("type") != "null"]
    words = []
    for choice in choices:
        if "enum" in choice:
            words.append("one of " + ", ".join(f"`{value}`" for value in choice["enum"]))
        elif "const" in choice:
            words.append(f"`{choice['const']}`")
        elif choice.get("type") == "array":
            words.append("list of " + _kind(schema, choice.get("items", {})))
        else:
            words.append(WORDS.get(choice.get("type", ""), "table"))
    return " or ".join(words)


def _default(field: dict[str, Any], required: bool) -> str:
    if required:
        return "required"
    value = field.get("default")
    if value in (None, [], "") or isinstance(value, dict):
        return ""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _one_line(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write(reference_text())
