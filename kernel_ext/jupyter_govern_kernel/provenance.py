"""Which notebook cell runs right now, as far as the kernel can tell.

It is reported, never proof: what a client writes into an execute request is accepted as is (docs/notebooks.md).
Knows IPython's shell, no connection.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import PurePath
from typing import Any

from jupyter_govern.model import Cell

MAX_NOTEBOOK_PATH = 1024
MAX_CELL_ID = 128


def kernel_id(shell: Any) -> str:
    """This kernel's id, from its connection file's name; "" outside a kernel."""
    app = getattr(getattr(shell, "kernel", None), "parent", None)
    name = PurePath(getattr(app, "connection_file", "") or "").stem
    return name.removeprefix("kernel-") if name.startswith("kernel-") else ""


def session_key(shell: Any) -> bytes:
    """The key that signs this kernel's messages; b"" outside a kernel."""
    session = getattr(getattr(shell, "kernel", None), "session", None)
    return bytes(getattr(session, "key", b"") or b"")


def current_cell(shell: Any, notebook: str = "") -> Cell | None:
    """The cell that runs now; None outside IPython. `notebook` is what the notebook server says its path is."""
    if shell is None:
        return None
    message = _parent_message(shell)
    source = message.get("content", {}).get("code") or _last_input(shell)
    cell_id = message.get("metadata", {}).get("cellId", "")
    path = notebook or guess_notebook(shell)
    return Cell(
        notebook=path[-MAX_NOTEBOOK_PATH:],
        cell_id=cell_id[:MAX_CELL_ID] if isinstance(cell_id, str) else "",
        execution_count=_execution_count(shell),
        source_sha256=hashlib.sha256(source.encode("utf-8", "surrogatepass")).hexdigest() if source else "",
        kernel_id=kernel_id(shell),
    )


def _execution_count(shell: Any) -> int:
    """The number beside the cell. IPython counts on before the cell runs (9) or behind it (8): what it has stored tells in both."""
    stored = getattr(getattr(shell, "history_manager", None), "input_hist_raw", None)
    return len(stored) - 1 if stored and len(stored) > 1 else int(getattr(shell, "execution_count", 0) or 0)


def guess_notebook(shell: Any) -> str:
    """The notebook's path where no notebook server tells it: what was set, what the editor left, or nothing."""
    said = os.environ.get("GOVERN_NOTEBOOK") or getattr(shell, "user_ns", {}).get("__vsc_ipynb_file__")
    return str(said or os.environ.get("JPY_SESSION_NAME") or "")


def report_statement(cell: Cell) -> str:
    """The one SET that the gateway takes for itself and never forwards."""
    fields = {
        "notebook": cell.notebook,
        "cell_id": cell.cell_id,
        "execution_count": cell.execution_count,
        "source_sha256": cell.source_sha256,
        "kernel_id": cell.kernel_id,
    }
    payload = json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace").decode()
    return "SET govern.cell TO '" + payload.replace("\x00", "").replace("'", "''") + "'"


def _parent_message(shell: Any) -> dict[str, Any]:
    try:
        message = shell.get_parent()
    except (AttributeError, LookupError):  # a terminal shell has none; a bare thread cannot see it
        return {}
    return message if isinstance(message, dict) else {}


def _last_input(shell: Any) -> str:
    inputs = getattr(getattr(shell, "history_manager", None), "input_hist_raw", None) or [""]
    return str(inputs[-1])
