"""`%govtargets`: what one may reach, what is masked there, and why not the rest. Shows what GET targets says."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

from jupyter_govern_kernel.problems import clean

_HEADINGS = ("target", "may", "masked", "why")


class TargetList(Sequence[dict[str, Any]]):
    """The targets as dictionaries, as the gateway's API gives them."""

    def __init__(self, targets: list[dict[str, Any]]) -> None:
        self._targets = targets

    def __len__(self) -> int:
        return len(self._targets)

    def __getitem__(self, key: Any) -> Any:
        return self._targets[key]

    def _lines(self) -> list[tuple[str, str, str, str]]:
        return [
            (
                clean(str(target["name"])),
                clean(", ".join(target.get("verbs") or [])) or "nothing",
                clean(", ".join(f"{mask['column']} ({mask['format']})" for mask in target.get("masks") or [])) or "nothing",
                clean(str(target.get("why") or "")),
            )
            for target in self._targets
        ]

    def __repr__(self) -> str:
        if not self._targets:
            return "No target is open to you."
        lines = [_HEADINGS, *self._lines()]
        widths = [max(len(line[i]) for line in lines) for i in range(len(_HEADINGS))]
        return "\n".join(
            "  ".join(part.ljust(width) for part, width in zip(line, widths, strict=True)).rstrip() for line in lines
        )

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{name}</th>" for name in _HEADINGS)
        rows = "".join("<tr>" + "".join(f"<td>{html.escape(p)}</td>" for p in line) + "</tr>" for line in self._lines())
        return f'<table class="dataframe"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'
