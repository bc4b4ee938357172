"""A small client of the gateway's HTTP API: standard library only, so that a kernel can import it for nothing.

Knows paths, the shape of errors and how to keep a token from going astray (no redirects, no proxy to this machine, no plain
HTTP to another one). Knows nothing of where tokens are kept.
"""

from __future__ import annotations

import http.client
import ipaddress
import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from jupyter_govern.errors import GovernError

SECONDS = 15.0
LIVE_SECONDS = 60.0
"""A watched session where nothing happens still sends an empty line every 15 seconds."""
MAX_ANSWER = 32 * 1024 * 1024
HOW_TO_START = "Start it with `jupyter govern gateway govern.toml`; if it runs elsewhere, give --url or set $JUPYTER_GOVERN_URL."

Json = dict[str, Any]


class GatewayProblem(GovernError):
    """The gateway's API refused: `status` of HTTP, `code` for programs, message and `hint` for people."""

    def __init__(self, status: int, code: str, message: str, hint: str = "") -> None:
        self.status, self.code, self.message, self.hint = status, code, message, hint
        super().__init__(message)


class GatewayUnreachable(GatewayProblem):
    """Nothing that speaks our API answers at the address."""

    def __init__(self, message: str, hint: str = HOW_TO_START) -> None:
        super().__init__(0, "gateway-unreachable", message, hint)


def _verifying(ca_file: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file or None)
    except (OSError, ssl.SSLError) as problem:
        reason = getattr(problem, "strerror", None) or problem
        raise GatewayUnreachable(f"the authority in {ca_file} cannot be used: {reason}.", "See `jupyter govern trust`.") from None


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """urllib would carry the Authorization header to wherever a redirect points."""

    def redirect_request(self, *_: Any) -> None:
        """Never; the redirect itself then counts as the answer, an error."""


class GatewayClient:
    """One gateway, one token ("" before login). Every method raises GatewayProblem or GatewayUnreachable."""

    def __init__(self, url: str, token: str = "", *, ca_file: str = "", seconds: float = SECONDS) -> None:
        self.url, self.token, self._seconds = url.rstrip("/"), token, seconds
        parts = urlsplit(self.url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise GatewayUnreachable(f"{url!r} is not a gateway's address: http://host:port or https://host:port is expected.")
        local = is_loopback(parts.hostname)
        if parts.scheme == "http" and not local:
            # fail closed: a password or token in clear on the network is everybody's
            raise GatewayUnreachable(f"{url} would send your token in clear over the network.", "Use its https address.")
        handlers: list[urllib.request.BaseHandler] = [_NoRedirects()]
        if local:
            handlers.append(urllib.request.ProxyHandler({}))
        if parts.scheme == "https":
            handlers.append(urllib.request.HTTPSHandler(context=_verifying(ca_file)))
        self._opener = urllib.request.build_opener(*handlers)

    # identity

    def log_in(self, username: str, password: str) -> Json:
        """A person token for a password."""
        return _object(self.ask("POST", "login", {"username": username, "password": password}))

    def start_device(self, client: str = "cli") -> Json:
        """Begin a device login (RFC 8628)."""
        return _object(self.ask("POST", "device", {"client": client}))

    def device_token(self, device_code: str) -> Json:
        """The token of a finished device login; `code` is `authorization_pending` until then."""
        return _object(self.ask("POST", "device/token", {"device_code": device_code}))

    def exchange(self, workload_token: str, *, service: str = "", target: str = "") -> Json:
        """A short-lived token for a workload's own OIDC token (RFC 8693): {access_token, expires_in, subject, …}."""
        fields = {
            "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
            "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
            "subject_token": workload_token,
        }
        chosen = {key: value for key, value in (("scope", service), ("audience", target)) if value}
        return _object(self.ask("POST", "token-exchange", fields | chosen))

    def kernel_token(self, kernel_id: str, server: str = "", target: str = "") -> Json:
        """A short-lived token for one kernel, or for one native client; with a target, for that one only."""
        body = {"kernel_id": kernel_id, "server": server} | ({"target": target} if target else {})
        return _object(self.ask("POST", "tokens", body))

    def drop_token(self) -> Json:
        """Revoke this very token: {sessions} that end with it."""
        return _object(self.ask("DELETE", "tokens/self"))

    def credential(self, target: str, seconds: int, networks: list[str]) -> Json:
        """A credential for one target that lives so long."""
        return _object(self.ask("POST", "credentials", {"target": target, "seconds": seconds, "networks": networks}))

    def ssh_certificate(self, target: str, seconds: int, networks: list[str], public_key: str) -> Json:
        """A certificate for a key of ours: {certificate, host, port, host_key, subject, expires_at}."""
        asked = {"target": target, "seconds": seconds, "networks": networks, "public_key": public_key}
        return _object(self.ask("POST", "credentials", asked))

    def revoke(self, user: str, reason: str = "") -> Json:
        """End everything of a person: {tokens, sessions, streams}."""
        return _object(self.ask("POST", "revocations", {"user": user, "reason": reason}))

    def keys(self) -> list[Json]:
        """The static keys that live, without what opens anything."""
        return _list(self.ask("GET", "keys"))

    def make_key(self, service: str, days: int, targets: list[str], networks: list[str]) -> Json:
        """A new static key; its text is in this answer only."""
        return _object(self.ask("POST", "keys", {"service": service, "days": days, "targets": targets, "networks": networks}))

    def revoke_key(self, identifier: str) -> Json:
        """End a static key and its sessions."""
        return _object(self.ask("DELETE", f"keys/{quote(identifier, safe='')}"))

    def me(self) -> Json:
        """Whose token this is: {subject, groups, kind, expires_at}."""
        return _object(self.ask("GET", "me"))

    # lists

    def targets(self) -> list[Json]:
        """What may be reached and what is masked there."""
        return _list(self.ask("GET", "targets"))

    def approvals(self, state: str = "pending") -> list[Json]:
        """What I asked for and what I may decide; state is `pending` or `all`."""
        return _list(self.ask("GET", "approvals", query={"state": state}))

    def approval(self, number: int) -> Json:
        """One approval."""
        return _object(self.ask("GET", f"approvals/{number:d}"))

    def decide(self, number: int, decision: str, *, digest: str, reason: str = "") -> Json:
        """Approve or deny exactly the operation whose digest was looked at."""
        return _object(self.ask("POST", f"approvals/{number:d}/decision", {"decision": decision, "reason": reason, "digest": digest}))

    def sessions(self, limit: int = 50, notebook: str = "") -> list[Json]:
        """My sessions (an auditor's: everybody's), newest first."""
        query = {"limit": str(limit), **({"notebook": notebook} if notebook else {})}
        return _list(self.ask("GET", "sessions", query=query))

    def session(self, session: str) -> Json:
        """One session with its operations."""
        return _object(self.ask("GET", f"sessions/{quote(session, safe='')}"))

    def operations(self, filters: Mapping[str, str]) -> Json:
        """One page of operations, newest first: {operations, cursor, complete}."""
        return _object(self.ask("GET", "operations", query=filters))

    def recording(self, session: str, purpose: str) -> Iterator[Json]:
        """The entries of a recording, one by one; that it was taken goes on record."""
        yield from self._entries(f"sessions/{quote(session, safe='')}/recording", {"purpose": purpose})

    def live(self, session: str) -> Iterator[Json]:
        """The entries of an open session, and then each as it is written; for auditors and administrators."""
        yield from self._entries(f"sessions/{quote(session, safe='')}/live", {}, LIVE_SECONDS)

    def _entries(self, path: str, query: Mapping[str, str], seconds: float = 0.0) -> Iterator[Json]:
        with self._open("GET", path, None, query, seconds) as answer:
            try:
                while line := answer.readline(MAX_ANSWER + 1):
                    if line.strip():
                        yield _object(self._read(line))
            except (OSError, http.client.HTTPException) as problem:
                raise GatewayUnreachable(f"{self.url} hung up ({problem}).") from None

    def act(self, session: str, what: str, reason: str) -> Json:
        """terminate, hold, release or delete a session; the reason is on record."""
        return _object(self.ask("POST", f"sessions/{quote(session, safe='')}/{what}", {"reason": reason}))

    def verify(self, session: str) -> Json:
        """Whether a session's recording is whole: {ok, entries, head, problem}."""
        return _object(self.ask("GET", f"sessions/{quote(session, safe='')}/verify"))

    def ask(self, method: str, path: str, body: Json | None = None, *, query: Mapping[str, str] | None = None) -> Any:
        """One call below /api/v1; the parsed answer."""
        with self._open(method, path, body, query) as answer:
            try:
                raw = answer.read(MAX_ANSWER + 1)
            except (OSError, http.client.HTTPException) as problem:
                raise GatewayUnreachable(f"no gateway answers at {self.url} ({problem}).") from None
        return self._read(raw)

    def _open(self, method: str, path: str, body: Json | None, query: Mapping[str, str] | None, seconds: float = 0.0) -> Any:
        url = f"{self.url}/api/v1/{path}" + (f"?{urlencode(query)}" if query else "")
        headers = {"Accept": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        if body is not None:
            headers["Content-Type"] = "application/json"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, data, headers, method=method)  # noqa: S310 (the scheme was checked at the start)
        try:
            return self._opener.open(request, timeout=seconds or self._seconds)
        except urllib.error.HTTPError as problem:
            raise _refusal(problem) from None
        except (OSError, http.client.HTTPException) as problem:
            reason = getattr(problem, "reason", None) or problem
            raise GatewayUnreachable(f"no gateway answers at {self.url} ({reason}).") from None

    def _read(self, raw: bytes) -> Any:
        if len(raw) > MAX_ANSWER:
            raise GatewayUnreachable(f"what {self.url} answered is larger than {MAX_ANSWER} bytes.")
        try:
            return json.loads(raw) if raw else {}
        except ValueError:
            raise GatewayUnreachable(f"what {self.url} answered is not JSON: is it a jupyter-govern gateway?") from None


def is_loopback(host: str) -> bool:
    """Whether a host name or address in a URL is this very machine."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _refusal(problem: urllib.error.HTTPError) -> GatewayProblem:
    with problem:
        try:
            error = json.loads(problem.read(MAX_ANSWER))["error"]
            code, message, hint = str(error["code"]), str(error["message"]), str(error.get("hint") or "")
        except (OSError, ValueError, KeyError, TypeError, http.client.HTTPException):
            return GatewayUnreachable(f"what answers as the gateway says HTTP {problem.code}.")
    return GatewayProblem(problem.code, code, message, hint)


def _object(answer: Any) -> Json:
    if not isinstance(answer, dict):
        raise GatewayUnreachable("the gateway's answer could not be read: an object was expected.")
    return answer


def _list(answer: Any) -> list[Json]:
    if not isinstance(answer, list) or not all(isinstance(item, dict) for item in answer):
        raise GatewayUnreachable("the gateway's answer could not be read: a list was expected.")
    return answer
