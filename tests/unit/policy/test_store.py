"""The policy in force changes only to something that is right, and every change is reported."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from jupyter_govern.errors import ConfigError
from jupyter_govern.model import Access, Actor, Facts
from jupyter_govern_gateway.policy.store import PolicyStore

ALLOW = '[[rule]]\nname = "a"\nbecause = "b"\neffect = "allow"\n'
READ = Facts(kinds=frozenset({"select"}), accesses=(Access(verb="read", resource="public.t"),))
ANA = Actor(subject="ana")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "govern.toml"
    path.write_text(ALLOW)
    return path


def test_reload_takes_a_right_file_over_and_forgets_old_decisions(file: Path) -> None:
    events: list[tuple[str, dict[str, Any]]] = []
    store = PolicyStore(file, lambda kind, detail: events.append((kind, detail)))
    assert store.decide(ANA, "shop", READ).effect == "allow"
    before = store.current()
    file.write_text(ALLOW.replace("allow", "block"))
    assert store.reload() is True
    assert store.current() is not before
    assert store.decide(ANA, "shop", READ).effect == "block"
    assert [kind for kind, _ in events] == ["loaded"]


@pytest.mark.parametrize("broken", ["[[rule]\n", ALLOW + "colour = 1\n", "[gateway]\nstate_dir = 3\n"])
def test_a_broken_file_is_refused_and_the_old_policy_stays(file: Path, broken: str) -> None:
    events: list[str] = []
    store = PolicyStore(file, lambda kind, detail: events.append(kind))
    before = store.current()
    file.write_text(broken)
    assert store.reload() is False and store.reload() is False
    assert store.current() is before and store.decide(ANA, "shop", READ).effect == "allow"
    assert events == ["refused"]
    file.unlink()
    assert store.reload() is False and events == ["refused", "refused"]


def test_a_change_that_needs_a_restart_says_so(file: Path) -> None:
    events: list[str] = []
    store = PolicyStore(file, lambda kind, detail: events.append(kind))
    file.write_text('[gateway]\nstate_dir = "elsewhere"\n' + ALLOW)
    store.reload()
    assert events == ["needs-restart", "loaded"]


def test_a_gateway_does_not_start_with_a_broken_policy(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        PolicyStore(tmp_path / "none.toml", lambda kind, detail: None)
