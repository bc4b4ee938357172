"""Runs a notebook's cells in a kernel of a Jupyter server, through the server's own REST and websocket API, cell ids included.

The same road as JupyterLab's: the kernel proves itself to that server, and the server knows which notebook it belongs to.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from dataclasses import dataclass, field
from typing import Any

from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType

CELL_SECONDS = 120.0
START_SECONDS = 60.0


@dataclass(slots=True, kw_only=True)
class CellRun:
    """What one cell gave: texts in order of arrival, and the error's name and text if there was one."""

    texts: list[str] = field(default_factory=list)
    error: str = ""

    @property
    def text(self) -> str:
        return "\n".join(self.texts)


class RemoteKernel:
    """Use as `async with RemoteKernel(server_url, token, "quickstart.ipynb") as kernel:`."""

    def __init__(self, url: str, token: str, notebook: str) -> None:
        self._url, self._notebook = url.rstrip("/"), notebook
        self._session = uuid.uuid4().hex
        self._http = ClientSession(headers={"Authorization": f"token {token}"})
        self._socket: ClientWebSocketResponse
        self._id = self.kernel_id = ""

    async def __aenter__(self) -> RemoteKernel:
        body = {"path": self._notebook, "name": self._notebook, "type": "notebook", "kernel": {"name": "python3"}}
        async with self._http.post(f"{self._url}/api/sessions", json=body) as answer:
            answer.raise_for_status()
            said = await answer.json()
        self._id, kernel = said["id"], said["kernel"]["id"]
        self.kernel_id = str(kernel)
        self._socket = await self._http.ws_connect(f"{self._url}/api/kernels/{kernel}/channels?session_id={self._session}", max_msg_size=0)
        async with asyncio.timeout(START_SECONDS):
            await self.run("None", "")
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._socket.close()
        async with self._http.delete(f"{self._url}/api/sessions/{self._id}"):
            pass
        await self._http.close()

    async def run(self, source: str, cell_id: str) -> CellRun:
        """Run one cell to its end. Raises TimeoutError after CELL_SECONDS."""
        message = uuid.uuid4().hex
        header = {"msg_id": message, "session": self._session, "username": "demo", "msg_type": "execute_request", "version": "5.3"}
        content = {
            "code": source,
            "silent": False,
            "store_history": True,
            "user_expressions": {},
            "allow_stdin": False,
            "stop_on_error": False,
        }
        request = {
            "header": header,
            "parent_header": {},
            "metadata": {"cellId": cell_id},
            "content": content,
            "channel": "shell",
            "buffers": [],
        }
        await self._socket.send_str(json.dumps(request))
        done = CellRun()
        async with asyncio.timeout(CELL_SECONDS):
            waiting = {"idle", "reply"}
            while waiting:
                got = await self._socket.receive()
                if got.type is not WSMsgType.TEXT:
                    raise ConnectionError(f"the kernel's websocket ended ({got.type.name})")
                said = json.loads(got.data)
                if said["parent_header"].get("msg_id") == message:
                    _take(said, done, waiting)
        return done


def _take(message: dict[str, Any], done: CellRun, waiting: set[str]) -> None:
    kind, content = message["msg_type"], message["content"]
    match kind:
        case "stream":
            done.texts.append(content["text"])
        case "execute_result" | "display_data" | "update_display_data":
            done.texts.append(str(content["data"].get("text/plain", "")))
        case "error":
            done.error = "\n".join([content["ename"], content["evalue"], *content.get("traceback", ())])
        case "status" if content["execution_state"] == "idle":
            waiting.discard("idle")
        case "execute_reply":
            waiting.discard("reply")
