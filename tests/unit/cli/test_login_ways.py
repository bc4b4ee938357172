"""`jupyter govern login` without a password: by the browser that is here, and as a workload."""

from __future__ import annotations

import json
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from api.provider import Provider, providing, sign
from api.world import World, running

from jupyter_govern.commands import login
from jupyter_govern.config.identity import WorkloadConfig

from .conftest import Run

AUDIENCE = "https://govern.acme.example"


@pytest_asyncio.fixture
async def issuer() -> AsyncIterator[Provider]:
    async with providing() as started:
        yield started


@pytest_asyncio.fixture
async def gateway(tmp_path: Path, issuer: Provider, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    said = {"name": "ci", "issuer": issuer.issuer, "audience": AUDIENCE, "claims": {"repository": "acme/x"}, "groups": ["analysts"]}
    (tmp_path / "gateway").mkdir()
    async with running(tmp_path / "gateway", workloads=(WorkloadConfig.model_validate(said),)) as started:
        monkeypatch.setenv("JUPYTER_GOVERN_URL", started.url)
        yield started


def job(issuer: Provider, repository: str = "acme/x") -> str:
    now = int(time.time())
    return sign({"iss": issuer.issuer, "aud": AUDIENCE, "sub": "job", "iat": now, "exp": now + 300, "repository": repository})


async def test_a_workload_logs_in_and_connects(
    gateway: World, issuer: Provider, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "token").write_text(job(issuer) + "\n")
    ran = await run("login", "--workload-token-file", str(tmp_path / "token"))
    assert ran.code == 0 and "as service/ci (analysts)" in ran.out, ran
    kept = json.loads((tmp_path / "data" / "govern" / "credentials.json").read_text())["token"]
    assert kept.startswith("gov_workload_") and kept not in ran.out
    became: list[dict[str, str]] = []

    def become(program: str, command: list[str], environment: dict[str, str]) -> None:
        became.append(environment)
        raise FileNotFoundError

    monkeypatch.setattr(os, "execvpe", become)
    await run("connect", "shop", "--", "psql")
    assert (became[0]["PGUSER"], became[0]["PGPASSWORD"]) == ("service/ci", kept)


async def test_a_workload_that_is_refused_is_told_why(gateway: World, issuer: Provider, run: Run) -> None:
    ran = await run("login", "--workload-token-file", "-", typed=job(issuer, "evil/x"))
    assert ran.code == 1 and "no-rule" in ran.err and "repository" in ran.err
    assert (await run("login", "--workload-token-file", "/nowhere")).code == 2
    assert (await run("login", "--workload-token-file", "-", "--user", "ana")).code == 2


def test_only_the_gateways_own_page_is_opened() -> None:
    assert login._is_of("https://govern.example:8600/device?user_code=AB", "https://govern.example:8600")
    for page in ("https://evil.example/device", "file:///etc/passwd", "http://govern.example:8600/device", "https://govern.example:8600\n/x"):
        assert not login._is_of(page, "https://govern.example:8600")


def test_a_browser_is_opened_only_where_somebody_sits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.delenv("SSH_CONNECTION", raising=False)
    assert login._has_browser()
    monkeypatch.setenv("SSH_CONNECTION", "192.0.2.1 1 192.0.2.2 22")
    assert not login._has_browser()
