"""The commands against a real gateway API: `run` calls the CLI in a thread, with this test's own Jupyter folders."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from api.world import World, running

from jupyter_govern import cli


@dataclass(frozen=True, kw_only=True)
class Ran:
    """What a command did."""

    code: int
    out: str
    err: str


class Terminal(io.StringIO):
    """Standard input as a person's terminal."""

    def isatty(self) -> bool:
        return True


Run = Callable[..., Awaitable[Ran]]


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("DATA", "RUNTIME", "CONFIG"):
        monkeypatch.setenv(f"JUPYTER_{name}_DIR", str(tmp_path / name.lower()))
    monkeypatch.delenv("JUPYTER_GOVERN_URL", raising=False)
    monkeypatch.setattr("jupyter_govern.vault._keyring", lambda: None)  # never the keyring of whoever runs the tests
    return tmp_path


@pytest_asyncio.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    (tmp_path / "gateway").mkdir()
    async with running(tmp_path / "gateway") as started:
        monkeypatch.setenv("JUPYTER_GOVERN_URL", started.url)
        yield started


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    async def call(*arguments: str, typed: str = "", terminal: bool = False) -> Ran:
        monkeypatch.setattr("sys.stdin", Terminal(typed) if terminal else io.StringIO(typed))
        capsys.readouterr()
        code = await asyncio.to_thread(cli.main, list(arguments))
        said = capsys.readouterr()
        return Ran(code=code, out=said.out, err=said.err)

    return call


@pytest.fixture
def log_in(run: Run) -> Callable[[str], Awaitable[Ran]]:
    async def call(name: str) -> Ran:
        return await run("login", "--user", name, "--password-stdin", typed=f"{name}-password\n")

    return call
