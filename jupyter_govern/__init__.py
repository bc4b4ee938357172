"""jupyter-govern: the vocabulary shared by gateway, kernel, server and CLI.

model      who asks, what is asked, what was decided
errors     the errors that somebody catches
config     govern.toml as one strict schema (needs the [gateway] extra)
recording  the recording format: canonical entries, hash chain, verification
proof      a kernel's proof to its own notebook server
client     a small client of the gateway's HTTP API (standard library only)
cli        `jupyter govern`: dispatches to the parts by entry point

`%load_ext jupyter_govern`, `jupyter_govern.engine("shop")`, `jupyter_govern.connect("shop")` come from the kernel's part,
Jupyter's extension points from the server's; each is loaded only when it is asked for.
"""

from __future__ import annotations

import importlib
from typing import Any

_FROM = {
    "load_ipython_extension": "jupyter_govern_kernel",
    "unload_ipython_extension": "jupyter_govern_kernel",
    "engine": "jupyter_govern_kernel",
    "connect": "jupyter_govern_kernel",
    "_jupyter_labextension_paths": "jupyter_govern_server",
    "_jupyter_server_extension_points": "jupyter_govern_server",
}


def __getattr__(name: str) -> Any:
    if name not in _FROM:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_FROM[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_FROM})
