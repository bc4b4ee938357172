"""Errors in govern.toml name the file, the key and what was probably meant, and never quote a secret."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jupyter_govern.config.load import examine, load, parse
from jupyter_govern.config.schema import schema_text
from jupyter_govern.config.secrets import SecretReference
from jupyter_govern.errors import ConfigError

ROOT = Path(__file__).resolve().parents[3]
TARGET = '[[target]]\nname = "shop"\nkind = "postgresql"\nhost = "db"\ndatabase = "d"\nuser = "u"\n'
RULE = '[[rule]]\nname = "r"\nbecause = "b"\n'


def problems(text: str) -> list[str]:
    config, found = parse(text, "govern.toml")
    assert (config is None) == bool(found)
    return [str(problem) for problem in found]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[gatewy]\n", "govern.toml: gatewy: is not a setting; did you mean 'gateway'?"),
        ('[gateway]\nstat_dir = "x"\n', "gateway.stat_dir: is not a setting; did you mean 'state_dir'?"),
        ('[gateway.api]\nlisten = "8600"\n', "gateway.api.listen: wants HOST:PORT"),
        (TARGET + 'password = "hunter2"\n', "target[0].password: wants a reference"),
        (TARGET + 'tls = "disable"\n', "needs tls_insecure_because"),
        (TARGET + TARGET, "two targets are called 'shop'"),
        (RULE + 'effect = "mask"\nmask = { format = "partial" }\n', 'effect = "mask" needs on.columns'),
        (RULE + 'effect = "approve"\n', "needs `approvers`"),
        (RULE + 'effect = "allow"\nlimit = { rows = 1 }\n', "does not take `limit`"),
        (RULE + 'effect = "allow"\non = { verb = ["read"] }\n', "rule[0].on.verb: is not a setting; did you mean 'verbs'?"),
        (RULE + 'effect = "allow"\non = { verbs = ["reed"] }\n', "rule[0].on.verbs[0]:"),
        (RULE + 'effect = "allow"\nwho = {}\n', "names nobody"),
        (RULE + 'effect = "mask"\nmask = { format = "null" }\non = { columns = ["email"] }\n', "is not schema.relation.column"),
        (RULE + 'effect = "block"\non = { columns = ["public.t.email"] }\n', 'needs verbs = ["write"]'),
        ("[gateway\n", "is not TOML"),
    ],
)
def test_problems_name_key_and_cure(text: str, says: str) -> None:
    found = problems(text)
    assert any(says in line for line in found), found
    assert not any("hunter2" in line for line in found)


def test_all_problems_are_listed_at_once() -> None:
    assert len(problems('[gateway]\nx = 1\ny = 2\n[identity.ldap]\n')) == 3


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    assert "cannot be read" in str(examine(tmp_path / "none.toml")[1][0])
    (tmp_path / "latin.toml").write_bytes(b'name = "\xe9"')
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path / "latin.toml")


def test_secrets_come_by_reference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "s").write_text("geheim\n")
    monkeypatch.setenv("GOVERN_TEST_SECRET", "geheim")
    assert SecretReference(file="s").read(tmp_path, "k") == SecretReference(env="GOVERN_TEST_SECRET").read(tmp_path, "k") == "geheim"
    for reference in (SecretReference(file="none"), SecretReference(env="GOVERN_TEST_NOT_SET")):
        with pytest.raises(ConfigError, match=r"^k: "):
            reference.read(tmp_path, "k")


def test_the_written_schema_is_the_models() -> None:
    assert (ROOT / "schema" / "govern.schema.json").read_text() == schema_text(), "run `make schema`"
    json.loads(schema_text())


def test_the_demo_policy_is_right() -> None:
    assert len(load(ROOT / "examples" / "demo" / "govern.toml").rule) > 10
