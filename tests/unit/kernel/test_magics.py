"""The magics in a real IPython shell, the database stood in for: what is read, assigned, shown and refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell

from jupyter_govern_kernel import magics
from jupyter_govern_kernel.options import Request, UsageProblem
from jupyter_govern_kernel.problems import Report, StatementRefused
from jupyter_govern_kernel.results import Done
from jupyter_govern_kernel.session import KernelSession
from jupyter_govern_kernel.table import Shown, Table


class Asked:
    """Stands for `run_request`: keeps what it was asked, answers with `answer`."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.names: Mapping[str, Any] = {}
        self.answer: Any = Table(["a"], [(1,), (2,)], Shown())

    def __call__(self, request: Request, names: Mapping[str, Any], session: KernelSession) -> Any:
        self.requests.append(request)
        self.names = names
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    stand_in = Asked()
    monkeypatch.setattr(magics, "run_request", stand_in)
    monkeypatch.setattr(magics, "current_session", lambda: None)
    return stand_in


@pytest.fixture
def shell(asked: Asked) -> Iterator[InteractiveShell]:
    made: Any = InteractiveShell.instance()
    made.run_line_magic("load_ext", "jupyter_govern_kernel")
    yield made
    made.reset()
    InteractiveShell.clear_instance()


def test_a_line_gives_its_result_and_its_text_is_not_expanded(shell: Any, asked: Asked) -> None:
    shell.user_ns["x"] = 5
    result = shell.run_cell("r = %govsql shop select '{x}', $x$ a $x$")
    assert result.success
    assert shell.user_ns["r"] is asked.answer
    assert asked.requests == [Request(target="shop", sql="select '{x}', $x$ a $x$")]
    assert asked.names["x"] == 5


def test_a_cell_assigns_and_says_what(shell: Any, asked: Asked, capsys: pytest.CaptureFixture[str]) -> None:
    result = shell.run_cell("%%govsql shop top <<\nselect 1\n")
    assert result.result is None
    assert shell.user_ns["top"] is asked.answer
    assert "top = Table, 2 long" in capsys.readouterr().out


def test_a_functions_own_variables_are_seen(shell: Any, asked: Asked) -> None:
    shell.run_cell("def f(customer):\n    %govsql shop select :customer\nf(7)")
    assert asked.names["customer"] == 7


def test_quiet(shell: Any, asked: Asked, capsys: pytest.CaptureFixture[str]) -> None:
    asked.answer = Done(("SET",))
    assert shell.run_cell("%govsql shop -q set x = 1").result is None
    assert shell.run_cell("%govsql shop set x = 1").result is asked.answer
    shell.run_cell("%govsql shop -q y << select 1")
    assert "y =" not in capsys.readouterr().out


def test_help(shell: Any, asked: Asked, capsys: pytest.CaptureFixture[str]) -> None:
    shell.run_cell("%govsql --help")
    assert "--rows N" in capsys.readouterr().out
    assert asked.requests == []


@pytest.mark.parametrize("line", ["%govsql", "%govsql shop", "%govsql shop --nope select 1", "%govtargets shop"])
def test_wrong_use_is_a_usage_error(shell: Any, asked: Asked, line: str) -> None:
    assert isinstance(shell.run_cell(line).error_in_exec, UsageError)
    asked.answer = UsageProblem("no Python variable")
    assert isinstance(shell.run_cell("%govsql shop select :x").error_in_exec, UsageError)


def test_a_refusal_is_shown_without_a_stack(shell: Any, asked: Asked, capsys: pytest.CaptureFixture[str]) -> None:
    report = Report(sqlstate="42501", message="drop is refused", detail='rule "no drops": data stays')
    asked.answer = StatementRefused(report, target="shop", text="drop table t")
    shell.run_cell("%govsql shop drop table t")
    said = capsys.readouterr().out
    assert "drop is refused" in said
    assert 'rule "no drops": data stays' in said
    assert "Traceback" not in said
    assert ".py" not in said


def test_the_extension_unloads(shell: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[bool] = []
    session = type("Session", (), {"close": lambda self: closed.append(True)})()
    monkeypatch.setattr("jupyter_govern_kernel.session.current_session", lambda: session)
    shell.run_line_magic("unload_ext", "jupyter_govern_kernel")
    assert shell.find_line_magic("govsql") is None
    assert closed == [True]


def test_the_shared_package_gives_the_kernels_part() -> None:
    import jupyter_govern
    import jupyter_govern_kernel

    assert jupyter_govern.load_ipython_extension is jupyter_govern_kernel.load_ipython_extension
    assert jupyter_govern.engine is jupyter_govern_kernel.engine
    with pytest.raises(AttributeError):
        jupyter_govern.nothing  # noqa: B018
