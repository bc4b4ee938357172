"""Ask the notebook server that started this kernel for a gateway token, proving only that we are its kernel.

Nothing secret lies in the environment: the proof is a MAC under the key that signs this kernel's messages, which the
server holds too. Knows the server extension's two proof endpoints, nothing of the gateway.
"""

from __future__ import annotations

import json
import os
import secrets
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jupyter_core.paths import jupyter_runtime_dir

from jupyter_govern.proof import proof_mac
from jupyter_govern_kernel.provenance import kernel_id, session_key

PROOF_SECONDS = 10.0
PATH_SECONDS = 1.0
MAX_ANSWER = 64 * 1024


class ProofRefused(Exception):
    """The notebook server gave no token; the text says why. `code` is its error code, "" where it gave none."""

    def __init__(self, message: str, code: str = "") -> None:
        self.code = code
        super().__init__(message)


class NotebookServer:
    """The server extension of the notebook server that started this kernel."""

    def __init__(self, url: str, shell: Any) -> None:
        self._url, self._shell = url.rstrip("/") + "/jupyter-govern/", shell

    def token(self) -> dict[str, Any]:
        """A fresh kernel token: {token, subject, expires_at, api_url, notebook}; raises ProofRefused."""
        return self._prove("kernel-token", PROOF_SECONDS)

    def notebook(self) -> str:
        """The notebook's path as the server knows it now, also after a rename; raises ProofRefused."""
        return str(self._prove("kernel-path", PATH_SECONDS).get("notebook") or "")

    def _prove(self, endpoint: str, seconds: float) -> dict[str, Any]:
        proof = {"kernel_id": kernel_id(self._shell), "ts": str(int(time.time())), "nonce": secrets.token_hex(16)}
        try:
            proof["mac"] = proof_mac(session_key(self._shell), **proof)
        except ValueError:
            raise ProofRefused("this kernel has no message key to prove itself with") from None
        request = urllib.request.Request(  # noqa: S310 (the scheme was checked in find_server)
            self._url + endpoint, json.dumps(proof).encode(), {"Content-Type": "application/json"}, method="POST"
        )
        try:
            # never through a proxy: the answer holds a token and the server is this machine's own
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            with opener.open(request, timeout=seconds) as answer:
                body = json.loads(answer.read(MAX_ANSWER))
        except urllib.error.HTTPError as problem:
            raise _refusal(problem) from None
        except (OSError, ValueError) as problem:
            raise ProofRefused(f"the notebook server did not answer properly: {problem}") from None
        if not isinstance(body, dict):
            raise ProofRefused("the notebook server did not answer properly")
        return body


def find_server(shell: Any) -> NotebookServer | None:
    """The notebook server that started this kernel, by the file it keeps in the runtime directory; None without one."""
    pid = os.environ.get("JPY_PARENT_PID", "")
    if not pid.isdigit() or not session_key(shell):
        return None
    try:
        info = json.loads((Path(jupyter_runtime_dir()) / f"jpserver-{pid}.json").read_text())
        url = info["url"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if not isinstance(url, str) or urlsplit(url).scheme not in {"http", "https"}:
        return None
    return NotebookServer(url, shell)


def _refusal(problem: urllib.error.HTTPError) -> ProofRefused:
    with problem:
        try:
            error = json.loads(problem.read(MAX_ANSWER))["error"]
            return ProofRefused(str(error["message"]), str(error["code"]))
        except (OSError, ValueError, KeyError, TypeError):
            pass
    if problem.code == 404:
        return ProofRefused("the notebook server does not have the jupyter_govern extension", "no-extension")
    return ProofRefused(f"the notebook server answered HTTP {problem.code}")
