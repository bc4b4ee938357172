"""Outputs of governed cells that are not to be in saved notebooks: what is recognised, and what the file on the disk has."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from jupyter_govern_kernel.table import Shown, Table
from jupyter_govern_server.hygiene import clean, targets_of

from .conftest import TOKEN, StartLab

NUMBERS = itertools.count()
SHOWN = Table(["email"], [("a***",)], Shown(target="shop"))._repr_html_()


def cell(source: str, *outputs: dict[str, Any], kind: str = "code") -> dict[str, Any]:
    made: dict[str, Any] = {"cell_type": kind, "id": f"c{next(NUMBERS)}", "metadata": {}, "source": source}
    return made | ({"outputs": list(outputs), "execution_count": 1} if kind == "code" else {})


def printed(text: str = "rows of the shop") -> dict[str, Any]:
    return {"output_type": "stream", "name": "stdout", "text": text}


def table() -> dict[str, Any]:
    return {"output_type": "execute_result", "execution_count": 1, "metadata": {}, "data": {"text/html": [SHOWN], "text/plain": "a***"}}


@pytest.mark.parametrize(
    ("source", "targets"),
    [
        ("%%govsql shop\nselect 1", {"shop"}),
        (["%%govsql shop busy <<\n", "select 1"], {"shop"}),
        ("x = 1\ntop = %govsql stock select 1", {"stock"}),
        ("  %govsql shop select 1\n%govsql stock select 2", {"shop", "stock"}),
        ("%%govsql --rows 5 shop\nselect 1", {"*"}),
        ("%%govsql", {"*"}),
        ("print('%%govsql shop')", None),
        ("1 + 1", None),
    ],
)
def test_which_cells_are_governed(source: Any, targets: set[str] | None) -> None:
    assert targets_of(cell(source, printed())) == targets


def test_a_frame_that_another_cell_shows_is_recognised() -> None:
    assert targets_of(cell("frame.head()", table())) == {"shop"}


def test_each_target_has_its_own_way_and_the_strictest_counts() -> None:
    cells = [
        cell("%%govsql shop", printed()), cell("%%govsql stock", printed()), cell("%%govsql notes", printed()),
        cell("%govsql shop\n%govsql notes", printed()), cell("%%govsql", printed()), cell("1 + 1", printed()),
        cell("text", kind="markdown"),
    ]  # fmt: skip
    notebook = {"cells": cells}
    assert clean(notebook, "q.ipynb", {"shop": "drop", "stock": "reference", "*": "keep"}) == 4
    saved = [each.get("outputs") for each in notebook["cells"]]
    assert saved[0] == saved[3] == saved[4] == [] and saved[2] == saved[5] == [printed()] and saved[6] is None
    assert saved[1] is not None and "stock" in saved[1][0]["data"]["text/plain"] and "q.ipynb" in saved[1][0]["data"]["text/plain"]
    assert saved[1][0]["metadata"]["jupyter_govern"]["cell_id"] == cells[1]["id"]
    assert clean(notebook, "q.ipynb", {"*": "reference"}) == 1, "what is a reference already stays one"


async def test_the_file_has_no_rows_and_the_rest_of_the_notebook(start_lab: StartLab, tmp_path: Path) -> None:
    lab = await start_lab(saved_outputs={"shop": "reference", "*": "drop"})
    notebook = {"cells": [cell("frame", table()), cell("%%govsql stock\nselect 1", printed("a secret")), cell("1", printed("2"))],
                "metadata": {}, "nbformat": 4, "nbformat_minor": 5}  # fmt: skip
    headers = {"Authorization": f"token {TOKEN}"}
    body = {"type": "notebook", "format": "json", "content": notebook}
    answer = await lab.http.put("/api/contents/q.ipynb", json=body, headers=headers)
    assert answer.status_code == 201, answer.text
    text = (tmp_path / "q.ipynb").read_text()
    assert "a***" not in text and "a secret" not in text and "is on record" in text
    saved = json.loads(text)["cells"]
    assert [len(each["outputs"]) for each in saved] == [1, 0, 1] and saved[2]["outputs"][0]["text"] in ("2", ["2"])
    assert [each["execution_count"] for each in saved] == [1, 1, 1]


async def test_without_the_setting_nothing_is_changed(start_lab: StartLab, tmp_path: Path) -> None:
    lab = await start_lab()
    notebook = {"cells": [cell("%%govsql shop", printed("kept"))], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    body = {"type": "notebook", "format": "json", "content": notebook}
    await lab.http.put("/api/contents/q.ipynb", json=body, headers={"Authorization": f"token {TOKEN}"})
    assert "kept" in (tmp_path / "q.ipynb").read_text()
