"""What an approver must see of an approval, as HTML: who, where, what exactly, what it touches, which rule, since when.

Input is the API's own view of it, so that page, panel and CLI cannot tell different stories.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from jupyter_govern.characters import is_odd
from jupyter_govern_gateway.api.pages.markup import Safe, joined, markup, visible

View = dict[str, Any]
STRONG_TRAITS = {"without-where": "without WHERE", "program": "runs a program", "server-file": "server file", "dynamic": "dynamic code"}


def statement(view: View) -> Safe:
    """The whole statement, however long: what is not shown cannot be approved."""
    text = view["statement"]
    lines, odd = text.count("\n") + 1, sum(map(is_odd, text))
    warning = (
        markup('<p class="note error">It holds {odd}, shown as U+…: it may not be what it seems.</p>', odd=_odd_ones(odd))
        if odd
        else Safe("")
    )
    return markup(
        '<h2>Statement <span class="soft">{size}</span></h2><pre>{text}</pre>{warning}{parameters}',
        size=f"· {lines} line{'s' if lines > 1 else ''}, {len(text)} characters",
        text=visible(text),
        warning=warning,
        parameters=_parameters(view["parameters"]),
    )


def _odd_ones(count: int) -> str:
    return f"{count} invisible or unusual character{'' if count == 1 else 's'}"


def _parameters(values: list[str | None]) -> Safe:
    if not values:
        return Safe("")
    rows = joined(
        markup(
            "<tr><th>${number}</th><td><code>{value}</code></td></tr>",
            number=number,
            value=markup('<span class="soft">NULL</span>') if value is None else visible(value),
        )
        for number, value in enumerate(values, 1)
    )
    return markup('<h2>Parameters</h2><table class="values">{rows}</table>', rows=rows)


def touches(view: View) -> Safe:
    """What the statement does to what, as policy understood it."""
    tags = joined(markup('<span class="tag">{kind}</span>', kind=kind.upper()) for kind in view["kinds"])
    strong = joined(markup('<span class="tag strong">{trait}</span>', trait=STRONG_TRAITS.get(t, t)) for t in view["traits"])
    rows = joined(_access(access) for access in view["accesses"])
    table = markup("<table><tr><th>does</th><th>to</th><th>columns</th></tr>{rows}</table>", rows=rows) if rows else Safe("")
    return markup("<h2>What it touches</h2><p>{tags}{strong}</p>{table}", tags=tags, strong=strong, table=table)


def _access(access: dict[str, Any]) -> Safe:
    columns = access["columns"]
    verb = access["verb"]
    return markup(
        '<tr><td><span class="{style}">{verb}</span></td><td><code>{resource}</code></td><td>{columns}</td></tr>',
        style="tag" if verb == "read" else "tag strong",
        verb=verb,
        resource=visible(access["resource"]),
        columns="may be any" if columns is None else visible(", ".join(columns) or "–"),
    )


def asked_by(view: View) -> Safe:
    """Who asks, where, under which rule, from which notebook."""
    actor = view["actor"]
    groups = joined(markup('<span class="tag">{group}</span>', group=visible(group)) for group in actor["groups"])
    rules = joined(markup("<div><b>{name}</b><br>{because}</div>", name=rule["name"], because=rule["because"]) for rule in view["rules"])
    return markup(
        "<dl><dt>Who asks</dt><dd><b>{subject}</b> {groups}</dd><dt>Target</dt><dd><b>{target}</b></dd>"
        "<dt>Rule</dt><dd>{rules}</dd>{cell}<dt>Asked at</dt><dd>{asked}</dd><dt>Approvers</dt><dd>{approvers}</dd></dl>",
        subject=visible(actor["subject"]),
        groups=groups,
        target=view["target"],
        rules=rules,
        cell=_cell(view["cell"]),
        asked=clock_time(view["created_at"]),
        approvers=view["approvers"],
    )


def _cell(cell: dict[str, Any] | None) -> Safe:
    if cell is None:
        return Safe("")
    count = f" · execution [{cell['execution_count']}]" if cell["execution_count"] else ""
    where = visible(f" · cell {cell['cell_id']}") if cell["cell_id"] else Safe("")
    return markup(
        '<dt>Notebook cell</dt><dd>{notebook}{where}{count}<br><span class="tag">reported, not proven</span> '
        '<span class="soft small">the kernel says so; nobody can check it</span></dd>',
        notebook=visible(cell["notebook"] or "(no name)"),
        where=where,
        count=count,
    )


def clock_time(moment: str) -> str:
    """An ISO time for people."""
    return datetime.fromisoformat(moment).strftime("%Y-%m-%d %H:%M:%S UTC")


def duration(seconds: float) -> str:
    """Seconds in words: `14 min 3 s`."""
    whole = max(0, int(seconds))
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    return " ".join(f"{n} {unit}" for n, unit in ((hours, "h"), (minutes, "min"), (left, "s")) if n) or "0 s"
