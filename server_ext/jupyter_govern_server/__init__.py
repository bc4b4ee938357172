"""The Jupyter server extension of jupyter-govern: finds or starts the gateway, logs in, gives kernels their tokens.

app       settings, parts, start and stop (read this first)
handlers  the HTTP surface under `/jupyter-govern/`
gateway   the gateway's HTTP API as this server uses it
login     the device login; the token is in memory only
hub       the same under JupyterHub: this server's hub token is exchanged, nobody has to log in
kernels   tokens for proven kernels, revoked when the kernel ends
proofs    the check of a kernel's proof
relay     the gateway's events told again as Jupyter events (events/ holds the schema)
hygiene   outputs of governed cells that saved notebooks do not keep
launch    start a gateway of our own, and stop it
tasks     background tasks with an owner
"""

from __future__ import annotations

from typing import Any


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    """What Jupyter Server loads for `jupyter_govern`."""
    from jupyter_govern_server.app import GovernApp

    return [{"module": "jupyter_govern_server.app", "app": GovernApp}]


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    """Where the built labextension lies, seen from the package `jupyter_govern`."""
    return [{"src": "labextension", "dest": "jupyter-govern"}]
