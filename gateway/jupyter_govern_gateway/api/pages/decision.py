"""/approvals/N: the page where an approval is decided, and where its outcome is shown (jupyter.md 3.3.5).

Everything an answer should rest on is on the page. The POST is authorised by the form token alone: it is bound to this number,
this digest and this browser session, and works once. Whether that person may decide is for approvals.py to say.
"""

from __future__ import annotations

from typing import Any, LiteralString

from aiohttp import web

from jupyter_govern_gateway.api.approvals import decide, find
from jupyter_govern_gateway.api.bodies import path_number, read_form
from jupyter_govern_gateway.api.pages.facts import asked_by, clock_time, duration, statement, touches
from jupyter_govern_gateway.api.pages.layout import Page
from jupyter_govern_gateway.api.pages.markup import Safe, markup, visible
from jupyter_govern_gateway.api.pages.site import Site
from jupyter_govern_gateway.api.problems import ApiProblem, bad_request
from jupyter_govern_gateway.api.views import approval_view
from jupyter_govern_gateway.approvals import MAX_REASON, Approval
from jupyter_govern_gateway.identity.tokens import Token

PAGE: LiteralString = """<div class="card"><span class="state {state}">{state}</span><h1>{title}</h1>
<p class="soft">{asked}</p>{outcome}{who}{statement}{touches}
<h2>Digest</h2><code class="small">{digest}</code>
<p class="soft small">SHA-256 over actor, target, statement and parameters. An answer fits exactly this operation.</p>{form}</div>"""

FORM: LiteralString = """<form method="post" action="/approvals/{number}">{form}<input type="hidden" name="digest" value="{digest}">
<label for="reason">Reason <span class="soft">(recorded, and shown to {subject})</span></label>
<textarea id="reason" name="reason" maxlength="{longest}"></textarea>
<div class="actions armed"><button class="yes" name="decision" value="approve">Approve</button>
<button class="no" name="decision" value="deny">Deny</button></div></form>"""

LEFT: LiteralString = """<p class="small">Time left: <b>{left}</b> <span class="soft">when this page was made; it ends at {until}</span></p>
<div class="bar"><i></i></div>"""

OUTCOMES: dict[str, LiteralString] = {
    "approved": "<p><b>{by}</b> approved it at {at}. The statement was let through.</p>{reason}",
    "denied": "<p><b>{by}</b> denied it at {at}. The statement was not run.</p>{reason}",
    "expired": "<p>Nobody answered in time. The statement was not run.</p>",
    "withdrawn": "<p>It was withdrawn before anybody answered. The statement was not run.</p>{reason}",
}


class DecisionPages:
    """Look, then answer once."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def routes(self) -> list[web.RouteDef]:
        """Paths and handlers."""
        one = r"/approvals/{number:\d{1,15}}"
        return [web.get(one, self.show, allow_head=False), web.post(one, self.answer)]

    async def show(self, request: web.Request) -> web.Response:
        """The approval, with the form if this person may decide it and it still waits."""
        token = self._site.person(request)
        approval = find(self._site.services, path_number(request), token)
        return self._site.send(self._page(approval, token), token)

    async def answer(self, request: web.Request) -> web.Response:
        """Decide it, then show the page anew: it tells the outcome, and a reload decides nothing."""
        body = await read_form(request)
        form, token = self._site.redeem(request, body, "decision")
        number, digest, decision = path_number(request), body.get("digest", ""), body.get("decision", "")
        if form.about != f"{number}:{digest}":
            raise ApiProblem(403, "form-refused", "this form was made for another operation.", "Nothing happened. Open the page again.")
        if decision not in {"approve", "deny"}:
            raise bad_request("the form has no answer.")
        reason = body.get("reason", "").replace("\r\n", "\n").strip()
        if len(reason) > MAX_REASON:
            raise bad_request(f"the reason has more than {MAX_REASON} characters.")
        decide(self._site.services, number, token, decision, reason=reason, digest=digest)
        raise web.HTTPSeeOther(f"/approvals/{number}")

    def _page(self, approval: Approval, token: Token) -> Page:
        view = approval_view(approval, token.actor)
        left = approval.expires_at - self._site.services.clock()
        body = markup(
            PAGE,
            state=view["state"],
            title=f"Approval #{view['number']}",
            asked=f"{view['reason_asked'][:1].upper()}{view['reason_asked'][1:]}",
            outcome=self._time_left(view, left) if view["state"] == "pending" else _outcome(view, token),
            who=asked_by(view),
            statement=statement(view),
            touches=touches(view),
            digest=view["digest"],
            form=self._form(view, token),
        )
        return Page(f"Approval #{view['number']} · jupyter-govern", body, style=_drain(approval, left))

    def _form(self, view: dict[str, Any], token: Token) -> Safe:
        if view["may_decide"]:
            return markup(
                FORM,
                number=view["number"],
                digest=view["digest"],
                subject=view["actor"]["subject"],
                longest=MAX_REASON,
                form=self._site.hidden_form("decision", token, f"{view['number']}:{view['digest']}"),
            )
        if view["state"] != "pending":
            return Safe("")
        return markup('<p class="note">You asked for this, so somebody else answers: {approvers}.</p>', approvers=view["approvers"])

    @staticmethod
    def _time_left(view: dict[str, Any], left: float) -> Safe:
        return markup(LEFT, left=duration(left), until=view["expires_at"][11:19] + " UTC")


def _outcome(view: dict[str, Any], token: Token) -> Safe:
    by = "You" if view["decided_by"] == token.subject else view["decided_by"]
    reason = markup('<p class="soft">“{text}”</p>', text=visible(view["reason"])) if view["reason"] else Safe("")
    at = clock_time(view["decided_at"]) if view["decided_at"] else ""
    return markup(OUTCOMES[view["state"]], by=by, at=at, reason=reason)


def _drain(approval: Approval, left: float) -> Safe:
    """The bar under the time left, which runs empty without a script."""
    whole = max(approval.expires_at - approval.created_at, 1.0)
    share = round(100 * min(max(left / whole, 0.0), 1.0))
    return markup(".bar i{{width:{share}%;animation:drain {left}s linear both}}", share=share, left=max(int(left), 1))
