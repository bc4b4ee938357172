"""GET /metrics: Prometheus text, written by hand. Numbers only: no name of a person, a target or a statement."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from aiohttp import web

from jupyter_govern_gateway.api.access import LOOKING, bearer, is_auditor
from jupyter_govern_gateway.api.problems import forbidden
from jupyter_govern_gateway.api.services import ApiServices, Counted

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-Ip", "Via")


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One family: `values` by label set, rendered as they come."""

    name: str
    kind: str
    text: str
    values: Mapping[tuple[tuple[str, str], ...], float] = field(default_factory=dict)


class MetricsRoute:
    """For this machine, or for an auditor's token."""

    def __init__(self, services: ApiServices) -> None:
        self._services = services

    def routes(self) -> list[web.RouteDef]:
        """Paths and handlers."""
        return [web.get("/metrics", self.show, allow_head=False)]

    async def show(self, request: web.Request) -> web.Response:
        """All families."""
        if request.headers.get("Authorization") or not _is_local(request):
            token = bearer(request, self._services, LOOKING)
            if not is_auditor(token, self._services):
                raise forbidden("metrics are for this machine and for auditors.")
        self._services.recorder.flush()
        return web.Response(body=rendered(self._families()).encode(), headers={"Content-Type": CONTENT_TYPE})

    def _families(self) -> list[Metric]:
        recorder, counted = self._services.recorder, self._services.counted()
        tally, index = recorder.tally, recorder.index
        pending = sum(1 for _ in self._services.approvals.list(pending_only=True))
        return [
            _one("jupyter_govern_sessions_open", "gauge", "Sessions that are open.", counted.sessions_open),
            Metric(
                name="jupyter_govern_operations_total",
                kind="counter",
                text="Operations by what policy decided.",
                values={(("decision", key),): value for key, value in _by_decision(tally.operations, counted).items()},
            ),
            _one("jupyter_govern_approvals_pending", "gauge", "Statements that wait for people.", pending),
            _one("jupyter_govern_record_write_errors_total", "counter", "Records that could not be written.", tally.write_errors),
            Metric(
                name="jupyter_govern_compile_cache_total",
                kind="counter",
                text="Statements that were compiled already, and those that had to be.",
                values={(("result", "hit"),): counted.plan_hits, (("result", "miss"),): counted.plan_misses},
            ),
            _one("jupyter_govern_recorded_bytes_total", "counter", "Bytes of recordings brought to the disk.", tally.bytes_synced),
            _one("jupyter_govern_record_syncs_total", "counter", "Files brought to the disk.", tally.syncs),
            _one("jupyter_govern_record_sync_seconds_total", "counter", "Time that took.", round(tally.sync_seconds, 6)),
            _one("jupyter_govern_delivered_rows_total", "counter", "Rows delivered, as far as the index has read.", index.delivered_rows),
            _one("jupyter_govern_delivered_bytes_total", "counter", "Bytes delivered, likewise.", index.delivered_bytes),
            _one("jupyter_govern_recordings_free_bytes", "gauge", "Free space where recordings are.", recorder.free_bytes()),
        ]


def _by_decision(operations: int, counted: Counted) -> dict[str, int]:
    # allowed ones are not counted one by one: nothing is added to their road
    others = counted.blocked + counted.asked
    return {"allow": max(0, operations - others), "block": counted.blocked, "approve": counted.asked}


def _one(name: str, kind: str, text: str, value: float) -> Metric:
    return Metric(name=name, kind=kind, text=text, values={(): value})


def rendered(families: Iterable[Metric]) -> str:
    """The exposition format, version 0.0.4."""
    lines = []
    for family in families:
        lines += [f"# HELP {family.name} {family.text}", f"# TYPE {family.name} {family.kind}"]
        for labels, value in family.values.items():
            inside = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels)
            lines.append(f"{family.name}{f'{{{inside}}}' if inside else ''} {value}")
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _is_local(request: web.Request) -> bool:
    """Whether the other end is this machine itself, and no proxy that says it speaks for another."""
    if any(name in request.headers for name in _FORWARDED):
        return False
    try:
        address = ipaddress.ip_address((request.remote or "").partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback
