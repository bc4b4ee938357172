"""`aws:SECRET#FIELD`: AWS Secrets Manager by boto3; without #FIELD the whole text. SECRET is a name or an ARN.

Region and credentials come the way AWS's own tools find them (environment, profile, instance or pod role). Reads the current version.
"""

from __future__ import annotations

import json
from typing import Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from jupyter_govern.config.stores import Secret, StoreProblem

SECONDS: Final = 10


def read(where: str) -> Secret:
    """Raises StoreProblem."""
    name, _, field = where.partition("#")
    try:
        settings = Config(connect_timeout=SECONDS, read_timeout=SECONDS, retries={"max_attempts": 2})
        answer: dict[str, Any] = boto3.client("secretsmanager", config=settings).get_secret_value(SecretId=name)
    except ClientError as problem:
        raise StoreProblem(f"AWS refuses {name}: {problem.response.get('Error', {}).get('Code', 'unknown')}") from None
    except BotoCoreError as problem:
        raise StoreProblem(f"AWS cannot be asked for {name}: {type(problem).__name__}") from None
    text = answer.get("SecretString")
    if not isinstance(text, str):
        raise StoreProblem(f"{name} holds no text")
    return Secret(text=_pick(text, field, name) if field else text)


def _pick(text: str, field: str, name: str) -> str:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    value = found.get(field) if isinstance(found, dict) else None
    if not isinstance(value, str):
        raise StoreProblem(f"{name} has no text field {field!r}")
    return value
