"""/: what waits for me, and what of mine waits for others. Links only."""

from __future__ import annotations

from aiohttp import web

from jupyter_govern_gateway.api.pages.facts import View, duration
from jupyter_govern_gateway.api.pages.layout import Page
from jupyter_govern_gateway.api.pages.markup import Safe, joined, markup, visible
from jupyter_govern_gateway.api.pages.site import Site
from jupyter_govern_gateway.api.views import approval_view, may_see

SUMMARY_CHARACTERS = 160
LISTED = 100


class HomePage:
    """The first page after a login that leads nowhere else."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def routes(self) -> list[web.RouteDef]:
        """Paths and handlers."""
        return [web.get("/", self.show, allow_head=False)]

    async def show(self, request: web.Request) -> web.Response:
        """The pending approvals that concern this person."""
        token = self._site.person(request)
        services = self._site.services
        now = services.clock()
        seen = [a for a in services.approvals.list(pending_only=True) if may_see(a, token.actor)][:LISTED]
        rows = [(approval_view(a, token.actor), a.expires_at - now) for a in seen]
        body = markup(
            '<div class="card"><h1>Approvals</h1>{mine}{asked}</div>',
            mine=_table("Waiting for your answer", [row for row in rows if row[0]["may_decide"]], "Nothing waits for you."),
            asked=_table("Asked by you", [row for row in rows if not row[0]["may_decide"]], "Nothing of yours waits."),
        )
        return self._site.send(Page("Approvals · jupyter-govern", body), token)


def _table(title: str, rows: list[tuple[View, float]], nothing: str) -> Safe:
    if not rows:
        return markup('<h2>{title}</h2><p class="soft">{nothing}</p>', title=title, nothing=nothing)
    lines = joined(
        markup(
            '<tr><td><a href="/approvals/{number}">#{number}</a></td><td>{subject}</td><td>{target}</td>'
            '<td><code>{statement}</code></td><td class="small">{left}</td></tr>',
            number=view["number"],
            subject=visible(view["actor"]["subject"]),
            target=view["target"],
            statement=visible(" ".join(view["statement"].split())[:SUMMARY_CHARACTERS]),
            left=duration(left),
        )
        for view, left in rows
    )
    return markup(
        "<h2>{title}</h2><table><tr><th></th><th>who</th><th>target</th><th>statement begins</th><th>time left</th></tr>{lines}</table>",
        title=title,
        lines=lines,
    )
