"""Outputs of governed cells that are not to be in saved notebooks: left out, or replaced by a note on where they are on record.

Pure but for being a pre-save hook. The open notebook keeps what it shows; only what goes to the file changes. Governed is a cell whose
source begins with our magic or that shows one of our tables; a picture that another cell draws of the rows is not recognised
(docs/notebooks.md).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal

Saving = Literal["keep", "drop", "reference"]
SAVINGS: Final = ("keep", "drop", "reference")
ANY: Final = "*"
_MAGIC = re.compile(r"(?:^|=)[ \t]*%%?govsql\b[ \t]*([^\n]*)", re.MULTILINE)
_SHOWN = re.compile(r'data-govern-target="([a-z][a-z0-9_-]{0,62})"')
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_STRICTEST: Final = {"drop": 2, "reference": 1, "keep": 0}


def pre_save_hook(saving: Mapping[str, Saving]) -> Callable[..., None]:
    """The hook for a contents manager; saving: by target, `*` for all others."""

    def clean_model(model: dict[str, Any], path: str = "", **_: Any) -> None:
        if model.get("type") == "notebook" and isinstance(model.get("content"), dict):
            clean(model["content"], path, saving)

    return clean_model


def clean(notebook: dict[str, Any], path: str, saving: Mapping[str, Saving]) -> int:
    """Change the outputs of a notebook (nbformat 4) in place; how many cells that were."""
    count = 0
    for cell in notebook.get("cells", ()):
        if cell.get("cell_type") != "code" or not cell.get("outputs") or _is_reference(cell["outputs"]):
            continue
        targets = targets_of(cell)
        if targets is None:
            continue
        how = max((_saving_of(each, saving) for each in targets), key=_STRICTEST.__getitem__)
        if how == "keep":
            continue
        cell["outputs"] = [_reference(sorted(targets), path, str(cell.get("id", "")))] if how == "reference" else []
        count += 1
    return count


def targets_of(cell: Mapping[str, Any]) -> set[str] | None:
    """The targets that a code cell's outputs come from, `*` for one that cannot be told; None where the cell is not governed."""
    calls = [call[1] for call in _MAGIC.finditer(_text(cell.get("source")))]
    shown = {name for output in cell["outputs"] for name in _SHOWN.findall(_text((output.get("data") or {}).get("text/html")))}
    if not calls and not shown:
        return None
    first = [next(iter(call.split()), "") for call in calls]
    return shown | {word if _NAME.fullmatch(word) else ANY for word in first}


def _saving_of(target: str, saving: Mapping[str, Saving]) -> Saving:
    if target == ANY:  # which target it was cannot be told: the strictest of all settings counts
        return max(saving.values(), key=_STRICTEST.__getitem__, default="keep")
    return saving.get(target, saving.get(ANY, "keep"))


def _text(value: object) -> str:
    """nbformat's multi-line text."""
    return "".join(map(str, value)) if isinstance(value, list) else str(value or "")


def _reference(targets: list[str], path: str, cell: str) -> dict[str, Any]:
    named = [each for each in targets if each != ANY]
    of = f" of {', '.join(named)}" if named else ""
    text = (
        f"This result{of} is not saved in the notebook; it is on record, as it was seen. In the Govern sidebar: Timeline. On a command "
        f"line: jupyter govern sessions list --notebook {path}"
    )
    govern = {"not_saved": True, "targets": targets, "notebook": path, "cell_id": cell}
    return {"output_type": "display_data", "data": {"text/plain": text}, "metadata": {"jupyter_govern": govern}}


def _is_reference(outputs: list[dict[str, Any]]) -> bool:
    """A notebook that was opened again and saved without running the cell."""
    return len(outputs) == 1 and bool(((outputs[0].get("metadata") or {}).get("jupyter_govern") or {}).get("not_saved"))
