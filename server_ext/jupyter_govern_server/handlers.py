"""The HTTP handlers under `/jupyter-govern/`: thin, one error shape, authenticated and authorised but for the kernels' proof.

There is no way to decide an approval in here, on purpose: kernels can read this server's token (docs/notebooks.md).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from jupyter_server.auth.decorator import allow_unauthenticated, authorized
from jupyter_server.base.handlers import APIHandler
from tornado import web

from jupyter_govern_server.gateway import GatewayProblem
from jupyter_govern_server.proofs import Proof, ProofRefused, read_proof

if TYPE_CHECKING:
    from jupyter_govern_server.app import GovernApp

MAX_BODY = 4096
SETTING = "jupyter_govern_app"


class GovernHandler(APIHandler):
    """What all our handlers share: the app, and errors as `{"error": {"code", "message", "hint"}}`."""

    auth_resource = "govern"

    @property
    def govern(self) -> GovernApp:
        """The extension that this handler belongs to."""
        app: GovernApp = self.settings[SETTING]
        return app

    def say(self, body: Any, status: int = 200) -> None:
        """Answer with JSON that nobody keeps."""
        self.set_status(status)
        self.set_header("Content-Type", "application/json")
        self.set_header("Cache-Control", "no-store")
        self.finish(body if isinstance(body, bytes) else json.dumps(body))

    def say_problem(self, status: int, code: str, message: str, hint: str = "") -> None:
        """Answer with an error."""
        self.say({"error": {"code": code, "message": message, "hint": hint}}, status)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Expected problems, Jupyter's own refusals and our bugs in one shape; a bug's text stays in the log."""
        problem = kwargs.get("exc_info", (None, None, None))[1]
        if isinstance(problem, GatewayProblem):
            self.say_problem(problem.status, problem.code, problem.message, problem.hint)
            return
        message = getattr(problem, "log_message", None) if status_code < 500 else None
        self.say_problem(status_code, f"http-{status_code}", str(message or self._reason))

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        """A gateway that says no is not a bug of this server's."""
        if isinstance(value, GatewayProblem):
            self.log.debug("jupyter-govern: %s %s", value.status, value)
        else:
            super().log_exception(typ, value, tb)


class StatusHandler(GovernHandler):
    """GET status: the gateway, who is logged in, what login waits."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Answer with what the panel shows first."""
        self.say(await self.govern.status())


class LoginHandler(GovernHandler):
    """POST login: begin a device login; the person confirms it on the gateway's own page."""

    @web.authenticated
    @authorized
    async def post(self) -> None:
        """Begin, or give again what waits already."""
        await self.govern.login.start()
        self.say(await self.govern.status())


class LogoutHandler(GovernHandler):
    """POST logout: forget the token and have it and the kernels' revoked."""

    @web.authenticated
    @authorized
    async def post(self) -> None:
        """Log out."""
        await self.govern.kernels.drop_all()
        await self.govern.login.log_out()
        self.say(await self.govern.status())


class GatewayHandler(GovernHandler):
    """GET gateway/<path>: the gateway's lists, read with this server's token. There is no POST, and no path that acts."""

    @web.authenticated
    @authorized
    async def get(self, path: str) -> None:
        """Pass one list through."""
        self.say(await self.govern.read(path, self.request.query))


class ProofHandler(GovernHandler):
    """What a kernel may ask with a proof under its message key in place of a login."""

    def check_xsrf_cookie(self) -> None:
        """No cookie takes part: the MAC over a nonce is the authority, and no page can compute it."""

    def proof(self) -> Proof:
        """The request's proof, checked; raises GatewayProblem that tells a stranger nothing."""
        try:
            if len(self.request.body) > MAX_BODY:
                raise ProofRefused("too long")
            proof = read_proof(json.loads(self.request.body))
            self.govern.kernels.check(proof)
        except (ValueError, RecursionError, ProofRefused) as problem:
            self.log.warning("jupyter-govern: a kernel's proof was refused: %s", problem)
            raise GatewayProblem(403, "proof-refused", "this proof of being a kernel is not accepted.") from None
        return proof


class KernelTokenHandler(ProofHandler):
    """POST kernel-token: a short-lived gateway token for a kernel of ours."""

    @allow_unauthenticated
    async def post(self) -> None:
        """Give one."""
        proof = self.proof()
        self.say(await self.govern.kernels.give(proof.kernel_id, self.govern.server_name))


class KernelPathHandler(ProofHandler):
    """POST kernel-path: where the kernel's notebook is now, also after a rename."""

    @allow_unauthenticated
    async def post(self) -> None:
        """Say it."""
        proof = self.proof()
        self.say({"notebook": await self.govern.kernels.notebook(proof.kernel_id)})


class UnknownHandler(GovernHandler):
    """Everything else under the prefix: a 404 in JSON, for people who are logged in."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Refuse."""
        raise web.HTTPError(404, "There is nothing here.")

    @web.authenticated
    @authorized
    async def post(self) -> None:
        """Refuse."""
        raise web.HTTPError(404, "There is nothing here; approvals are decided at the gateway only.")


def routes() -> list[tuple[str, type[GovernHandler]]]:
    """Our handlers by path; the server puts its base URL in front."""
    under = "/jupyter-govern/"
    return [
        (under + "status", StatusHandler),
        (under + "login", LoginHandler),
        (under + "logout", LogoutHandler),
        (under + "kernel-token", KernelTokenHandler),
        (under + "kernel-path", KernelPathHandler),
        (under + "gateway/(.*)", GatewayHandler),
        (under + ".*", UnknownHandler),
    ]
