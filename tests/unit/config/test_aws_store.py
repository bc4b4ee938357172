"""AWS Secrets Manager, with moto in place of AWS."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from jupyter_govern.config.secrets import SecretReference
from jupyter_govern.errors import ConfigError

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name, value in {"ACCESS_KEY_ID": "x", "SECRET_ACCESS_KEY": "x", "DEFAULT_REGION": "eu-central-1"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    with mock_aws():
        client = boto3.client("secretsmanager")
        client.create_secret(Name="shop", SecretString=json.dumps({"password": "hunter2", "port": 1}))
        client.create_secret(Name="plain", SecretString="hunter3")
        client.create_secret(Name="bytes", SecretBinary=b"x")
        yield client


def read(locator: str) -> str:
    return SecretReference(store=locator).read(Path(), "k")


def test_a_field_and_a_whole_text(aws: Any) -> None:
    assert (read("aws:shop#password"), read("aws:plain")) == ("hunter2", "hunter3")
    aws.put_secret_value(SecretId="plain", SecretString="the next one")
    assert read("aws:plain") == "the next one"


@pytest.mark.parametrize(
    ("locator", "says"),
    [
        ("aws:none", "AWS refuses none: ResourceNotFoundException"),
        ("aws:shop#port", "no text field 'port'"),
        ("aws:plain#password", "no text field 'password'"),
        ("aws:bytes", "holds no text"),
    ],
)
def test_problems(aws: Any, locator: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says) as told:
        read(locator)
    assert "hunter" not in str(told.value)
