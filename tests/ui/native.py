"""A native PostgreSQL client of a person, beside JupyterLab: its own login at the gateway, statements in threads."""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import httpx
import psycopg
from jupyter_govern.demo.stack import Stack


class Native:
    """One person's login by password and the connections made with it. Close it: what waits is withdrawn."""

    def __init__(self, stack: Stack, person: str) -> None:
        self._stack, self._person = stack, person
        self._token = ""
        self._token = str(self.api("POST", "login", {"username": person, "password": stack.people[person][0]})["token"])
        self._pool = ThreadPoolExecutor(max_workers=4)
        self._connections: list[psycopg.Connection[Any]] = []

    def api(self, method: str, path: str, body: Any = None) -> Any:
        """One request to the gateway's API."""
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        answer = httpx.request(method, f"{self._stack.api_url}/api/v1/{path}", json=body, headers=headers, timeout=20)
        return answer.raise_for_status().json()

    def start(self, statement: str) -> Future[str]:
        """Run a statement in a thread; its result is the command tag, or the error."""
        connection = psycopg.connect(
            host="127.0.0.1",
            port=self._stack.pg_port,
            user=self._person,
            password=self._token,
            dbname="shop",
            sslmode="require",
            autocommit=True,
        )
        self._connections.append(connection)
        return self._pool.submit(lambda: connection.execute(statement).statusmessage or "")  # type: ignore[arg-type]

    def pending(self, statement: str, seconds: float = 20.0) -> dict[str, Any]:
        """The approval that this statement waits for."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            for approval in self.api("GET", "approvals?state=pending"):
                if approval["statement"] == statement:
                    return dict(approval)
            time.sleep(0.1)
        raise AssertionError(f"nothing waits for {statement!r}")

    def close(self) -> None:
        """Hang up."""
        for connection in self._connections:
            connection.close()
        self._pool.shutdown(wait=True, cancel_futures=True)
