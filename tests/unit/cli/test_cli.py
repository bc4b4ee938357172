"""The dispatcher: finding commands, and turning our errors into one clear line."""

from __future__ import annotations

import subprocess
import sys
import types

import pytest

from jupyter_govern import cli
from jupyter_govern.errors import Blocked, ConfigError, GovernError


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    """A command `try` that does what a test puts into `run`."""
    module = types.ModuleType("a_command", "Try it.\n\nMore about it.")
    module.add_arguments = lambda parser: parser.add_argument("--number", type=int, default=1)  # type: ignore[attr-defined]
    module.run = lambda args: args.number  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "a_command", module)
    monkeypatch.setitem(cli.FALLBACK, "try", "a_command")
    return module


def raising(problem: BaseException) -> object:
    def run(_: object) -> int:
        raise problem

    return run


def test_a_commands_exit_code_is_ours(command: types.ModuleType) -> None:
    assert cli.main(["try"]) == 1
    assert cli.main(["try", "--number", "7"]) == 7


@pytest.mark.parametrize(
    ("problem", "code", "says"),
    [
        (GovernError("it went wrong"), 1, "jupyter govern: it went wrong\n"),
        (ConfigError("is not a setting", path="g.toml", key="rule[0].nam"), 2, "jupyter govern: g.toml: rule[0].nam: is not a setting\n"),
        (Blocked("refused", hint="ask for it"), 1, "jupyter govern: refused\n  ask for it\n"),
        (KeyboardInterrupt(), 130, "\n"),
    ],
)
def test_errors_are_one_clear_line(
    command: types.ModuleType, capsys: pytest.CaptureFixture[str], problem: BaseException, code: int, says: str
) -> None:
    command.run = raising(problem)  # type: ignore[attr-defined]
    assert cli.main(["try"]) == code
    assert capsys.readouterr().err == says


def test_a_bug_is_not_hidden(command: types.ModuleType) -> None:
    command.run = raising(ZeroDivisionError())  # type: ignore[attr-defined]
    with pytest.raises(ZeroDivisionError):
        cli.main(["try"])


def test_an_unknown_command_gets_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["aprovals"]) == 2
    said = capsys.readouterr().err
    assert "no command 'aprovals'. Did you mean 'approvals'?" in said
    assert "sessions" in said and "usage: jupyter govern" in said


def test_help_tells_each_commands_first_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--help"]) == 0
    said = capsys.readouterr().out
    for name in ("login", "logout", "connect", "approvals", "sessions", "gateway", "check", "explain", "demo"):
        assert f"\n  {name}" in said
    assert "List approvals, look at one, approve or deny it." in said
    assert cli.main([]) == 2


def test_a_missing_extra_says_how_to_install_it(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(cli.FALLBACK, "gateway", "jupyter_govern_gateway.not_there")
    monkeypatch.setattr(cli, "entry_points", lambda **_: [])
    assert cli.main(["gateway"]) == 2
    assert "pip install 'jupyter-govern[gateway]'" in capsys.readouterr().err


def test_a_reader_that_goes_away_is_no_trace() -> None:
    code = f"{sys.executable} -m jupyter_govern.cli --help | true; exit ${{PIPESTATUS[0]}}"
    ran = subprocess.run(["bash", "-c", code], capture_output=True, text=True, check=False, timeout=30)
    assert ran.returncode in {0, 1} and "Traceback" not in ran.stderr and "BrokenPipe" not in ran.stderr


def test_loading_the_dispatcher_loads_no_part() -> None:
    code = "import sys, jupyter_govern.cli; print([m for m in sys.modules if m.startswith(('jupyter_govern_', 'aiohttp', 'pydantic'))])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30)
    assert ran.stdout.strip() == "[]"
