"""The frame of every page: headers, and the page that says no. Plain HTML and CSS; there is no script at all."""

from __future__ import annotations

import secrets

from aiohttp import web

from jupyter_govern_gateway.api.pages.markup import Safe, joined, markup
from jupyter_govern_gateway.api.pages.style import STYLE

SANDBOX = "sandbox allow-forms allow-scripts allow-top-navigation-by-user-activation"
"""No allow-same-origin: a script of our own origin (notebook output behind one proxy) cannot reach into the page (jupyter.md 0.2).
`allow-scripts` alone runs nothing, because default-src 'none' allows no script."""

FRAME = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><title>{title}</title><style nonce="{nonce}">{style}</style></head>
<body><header><a class="brand" href="/"><i></i>jupyter-govern</a>{who}</header><main>{body}</main></body></html>
"""

SIGNED_IN = """<div class="who"><span>signed in as <b>{subject}</b></span>
<form method="post" action="/logout"><input type="hidden" name="form" value="{form}"><button class="plain">Sign out</button></form></div>"""


class Page:
    """A page before it is sent: its title and body, who is signed in, and style that only this page needs."""

    __slots__ = ("body", "style", "title", "who")

    def __init__(self, title: str, body: Safe, *, who: Safe | None = None, style: Safe | None = None) -> None:
        self.title, self.body, self.who, self.style = title, body, who or Safe(""), style or Safe("")


def signed_in(subject: str, form: str) -> Safe:
    """The corner of a page that says who one is, with the way out."""
    return markup(SIGNED_IN, subject=subject, form=form)


def problem_page(message: str, hint: str = "") -> Page:
    """A page that says no."""
    body = markup(
        '<div class="narrow card"><h1>This did not work</h1><p>{message}</p><p class="soft">{hint}</p></div>',
        message=message[:1].upper() + message[1:],
        hint=hint,
    )
    return Page("jupyter-govern", body)


def page_response(page: Page, *, status: int = 200) -> web.Response:
    """The page with its nonce and its Content-Security-Policy."""
    nonce = secrets.token_urlsafe(16)
    style = joined([Safe(STYLE), page.style])
    text = markup(FRAME, title=page.title, nonce=nonce, style=style, who=page.who, body=page.body)
    response = web.Response(text=text, content_type="text/html", charset="utf-8", status=status)
    response.headers["Content-Security-Policy"] = (
        f"{SANDBOX}; default-src 'none'; style-src 'nonce-{nonce}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    )
    return response
