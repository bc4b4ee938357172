"""/device: a person confirms the login of a program that shows a code. The form token is bound to that one login.

What a confirmation gives away is said in plain words: a login for the CLI can answer approvals, a notebook server's cannot.
"""

from __future__ import annotations

from aiohttp import web

from jupyter_govern_gateway.api.bodies import read_form
from jupyter_govern_gateway.api.bounds import CODES_PER_MINUTE
from jupyter_govern_gateway.api.devices import Client, Device, Devices
from jupyter_govern_gateway.api.pages.facts import duration
from jupyter_govern_gateway.api.pages.layout import Page
from jupyter_govern_gateway.api.pages.markup import Safe, markup
from jupyter_govern_gateway.api.pages.site import Site
from jupyter_govern_gateway.api.problems import ApiProblem, bad_request, too_many
from jupyter_govern_gateway.api.rates import Rate
from jupyter_govern_gateway.identity.tokens import Token

WHAT: dict[Client, tuple[str, str]] = {
    "jupyter-server": (
        "a notebook server (JupyterLab)",
        "It will run your notebooks' statements in your name, and show you your approvals and sessions. It can never answer an approval.",
    ),
    "cli": (
        "the command line (jupyter govern login)",
        "It will act fully in your name: it connects clients and can also approve or deny what others ask for.",
    ),
}

ASK = """<div class="narrow"><div class="card"><h1>Connect a program</h1>
<p class="soft">Type the code that the program shows you.</p>{problem}
<form method="get" action="/device"><label for="user_code">Code</label>
<input type="text" id="user_code" name="user_code" placeholder="XXXX-XXXX" maxlength="16" autocomplete="off"
 autocapitalize="characters" spellcheck="false" required autofocus>
<div class="actions"><button>Continue</button></div></form></div></div>"""

CONFIRM = """<div class="narrow"><div class="card"><h1>Let this program act as {subject}?</h1>
<p>It says it is <b>{client}</b>, at the address <code>{peer}</code>, and asked {ago} ago.</p>
<div class="usercode">{code}</div>
<p>Is this the code that <b>your</b> program shows, and did you start it yourself? If somebody sent you here, deny.</p>
<p class="note">{means}</p>
<form method="post" action="/device">{form}<div class="actions armed">
<button class="yes" name="answer" value="confirm">Yes, connect it</button>
<button class="no" name="answer" value="deny">Deny</button></div></form></div></div>"""

DONE = """<div class="narrow"><div class="card"><span class="state {state}">{word}</span><h1>{title}</h1>
<p class="soft">{after}</p></div></div>"""


class DevicePages:
    """The person's side of a device login."""

    def __init__(self, site: Site, devices: Devices) -> None:
        self._site, self._devices = site, devices
        self._tries = Rate(CODES_PER_MINUTE, site.services.clock)

    def routes(self) -> list[web.RouteDef]:
        """Paths and handlers."""
        return [web.get("/device", self.show, allow_head=False), web.post("/device", self.answer)]

    async def show(self, request: web.Request) -> web.Response:
        """Ask for the code, or show what waits under it."""
        token = self._site.person(request)
        code = request.query.get("user_code", "")
        if not code:
            return self._ask(token)
        if not self._tries.allows(token.id):
            raise too_many("too many codes were tried.")
        device = self._devices.find(code)
        if device is None:
            return self._ask(token, "No program waits under this code. It may be too old, or answered already.", status=404)
        return self._site.send(self._confirmation(device, token), token)

    async def answer(self, request: web.Request) -> web.Response:
        """Confirm or deny the login that the form is about."""
        body = await read_form(request)
        form, token = self._site.redeem(request, body, "device")
        if body.get("answer") not in {"confirm", "deny"}:
            raise bad_request("the form has no answer.")
        device = self._devices.find(form.about)
        if device is None:
            raise ApiProblem(409, "expired_token", "this login was answered already, or is too old.", "Start it again.")
        confirmed = body["answer"] == "confirm"
        self._devices.answer(device, confirmed_by=token.id if confirmed else "")
        return self._site.send(_done(device, confirmed=confirmed), token)

    def _ask(self, token: Token, problem: str = "", *, status: int = 200) -> web.Response:
        note = markup('<p class="note error" role="alert">{problem}</p>', problem=problem) if problem else Safe("")
        return self._site.send(Page("Connect a program · jupyter-govern", markup(ASK, problem=note)), token, status=status)

    def _confirmation(self, device: Device, token: Token) -> Page:
        client, means = WHAT[device.client]
        body = markup(
            CONFIRM,
            subject=token.subject,
            client=client,
            peer=device.peer or "unknown",
            ago=duration(self._site.services.clock() - device.created_at),
            code=device.user_code,
            means=means,
            form=self._site.hidden_form("device", token, device.user_code),
        )
        return Page("Connect a program · jupyter-govern", body)


def _done(device: Device, *, confirmed: bool) -> Page:
    client, _ = WHAT[device.client]
    if confirmed:
        text = {"state": "approved", "word": "Connected", "title": f"Logged in: {client}", "after": "You may close this window."}
    else:
        text = {"state": "denied", "word": "Denied", "title": "Nothing was connected", "after": "The program is told so."}
    return Page("Connect a program · jupyter-govern", markup(DONE, **text))
