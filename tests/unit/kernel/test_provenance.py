"""Which cell runs, and the report about it: one SQL string literal whatever the names hold."""

from __future__ import annotations

import hashlib
import json
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_govern.model import Cell
from jupyter_govern_kernel.provenance import current_cell, kernel_id, report_statement, session_key


def shell(message: Any = None, **more: Any) -> Any:
    app = SimpleNamespace(connection_file="/run/x/kernel-12ab.json")
    kernel = SimpleNamespace(parent=app, session=SimpleNamespace(key=b"k"))
    return SimpleNamespace(kernel=kernel, execution_count=7, user_ns={}, get_parent=lambda: message, **more)


@pytest.fixture(autouse=True)
def _no_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GOVERN_NOTEBOOK", raising=False)
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)


def test_a_cell_of_jupyterlab() -> None:
    message = {"content": {"code": "%%govsql shop\nselect 1"}, "metadata": {"cellId": "c-1"}}
    assert current_cell(shell(message), "work/a.ipynb") == Cell(
        notebook="work/a.ipynb",
        cell_id="c-1",
        execution_count=7,
        source_sha256=hashlib.sha256(b"%%govsql shop\nselect 1").hexdigest(),
        kernel_id="12ab",
    )


def test_what_tells_the_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    quiet = shell({"content": {}, "metadata": {}})
    assert current_cell(quiet).notebook == ""  # type: ignore[union-attr]
    monkeypatch.setenv("JPY_SESSION_NAME", "/old/name.ipynb")
    assert current_cell(quiet).notebook == "/old/name.ipynb"  # type: ignore[union-attr]
    quiet.user_ns["__vsc_ipynb_file__"] = "/code/vs.ipynb"
    assert current_cell(quiet).notebook == "/code/vs.ipynb"  # type: ignore[union-attr]
    monkeypatch.setenv("GOVERN_NOTEBOOK", "batch.ipynb")
    assert current_cell(quiet).notebook == "batch.ipynb"  # type: ignore[union-attr]
    assert current_cell(quiet, "server/says.ipynb").notebook == "server/says.ipynb"  # type: ignore[union-attr]


@pytest.mark.parametrize("message", [None, [], {"content": {}, "metadata": {"cellId": 5}}])
def test_odd_messages_do_no_harm(message: Any) -> None:
    cell = current_cell(shell(message))
    assert cell is not None
    assert cell.cell_id == ""


def test_outside_ipython_there_is_no_cell() -> None:
    assert current_cell(None) is None
    terminal = SimpleNamespace(execution_count=1, history_manager=SimpleNamespace(input_hist_raw=["", "x = 1"]))
    assert kernel_id(terminal) == ""
    assert session_key(terminal) == b""
    cell = current_cell(terminal)
    assert cell is not None
    assert cell.source_sha256 == hashlib.sha256(b"x = 1").hexdigest()


@given(st.text(max_size=80), st.text(max_size=40))
def test_the_report_is_one_literal_that_gives_the_fields_back(notebook: str, cell_id: str) -> None:
    statement = report_statement(Cell(notebook=notebook, cell_id=cell_id, execution_count=3))
    assert statement.startswith("SET govern.cell TO '")
    literal = statement.removeprefix("SET govern.cell TO '").removesuffix("'")
    assert "'" not in literal.replace("''", "")
    assert "\x00" not in literal
    fields = json.loads(literal.replace("''", "'"))
    assert fields["execution_count"] == 3
    assert fields["notebook"] == notebook.encode("utf-8", "replace").decode()
