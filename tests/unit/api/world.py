"""A real ApiServer on a free port, over the real identity, approvals, gate, recorder and policy store in a temporary folder."""

from __future__ import annotations

import html
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from aiohttp import ClientResponse, ClientSession, CookieJar

from jupyter_govern.config.identity import OidcConfig, WorkloadConfig
from jupyter_govern.config.model import IdentityConfig
from jupyter_govern.config.saml import SamlConfig
from jupyter_govern.model import Access, Actor, Cell, Decision, Facts, Operation, RuleRef, TokenKind
from jupyter_govern_gateway.api.directory import PolicyDirectory
from jupyter_govern_gateway.api.server import ApiServer
from jupyter_govern_gateway.api.services import ApiServices, Counted, Listening
from jupyter_govern_gateway.approvals import Approvals
from jupyter_govern_gateway.gate import Gate, Pending, Permit, SessionRecord
from jupyter_govern_gateway.identity.accounts import write_accounts
from jupyter_govern_gateway.identity.oidc.build import oidc_logins, verifiers
from jupyter_govern_gateway.identity.oidc.service import OidcLogins
from jupyter_govern_gateway.identity.service import LocalIdentity
from jupyter_govern_gateway.identity.workload import Workloads
from jupyter_govern_gateway.policy.store import PolicyStore
from jupyter_govern_gateway.recorder.recorder import Recorder

PEOPLE = {
    "ana": ("ana-password", ["analysts"]),
    "ben": ("ben-password", ["dba"]),
    "eve": ("eve-password", ["support"]),
    "kim": ("kim-password", ["audit"]),
}
CONFIG = """
[gateway]
auditors = ["audit"]
admins = ["dba"]
[identity]
static_keys = true
[[identity.service]]
name = "etl"
groups = ["dba"]
[[target]]
name = "shop"
kind = "postgresql"
host = "127.0.0.1"
port = 1
database = "shop"
user = "gateway"
tls = "disable"
[[rule]]
name = "analysts read the shop"
because = "It is their job."
effect = "allow"
who = { groups = ["analysts"] }
on = { targets = ["shop"], verbs = ["read", "write"] }
[[rule]]
name = "no e-mail in clear"
because = "GDPR."
effect = "mask"
except_who = { groups = ["dba"] }
on = { columns = ["public.customers.email"] }
mask = { format = "partial", keep = 4 }
"""
NAVIGATION = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Sec-Fetch-Site": "none", "Sec-Fetch-User": "?1"}
SUBMIT = {**NAVIGATION, "Sec-Fetch-Site": "cross-site", "Origin": "null"}
CELL = Cell(notebook="work/<b>q</b>.ipynb", cell_id="c-1", execution_count=3, source_sha256="ab" * 32, kernel_id="k1")


class Clock:
    """Time that a test moves."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


@dataclass
class Browser:
    """A browser as far as the pages can tell: a cookie jar, Sec-Fetch headers, no cookie on a sandboxed page's POST."""

    url: str
    http: ClientSession = field(default_factory=lambda: ClientSession(cookie_jar=CookieJar(unsafe=True)))

    async def get(self, path: str, *, follow: bool = True, headers: dict[str, str] | None = None) -> Answer:
        async with self.http.get(self.url + path, headers=NAVIGATION if headers is None else headers, allow_redirects=follow) as got:
            return await Answer.of(got)

    async def post(self, path: str, body: dict[str, str], *, follow: bool = True, headers: dict[str, str] | None = None) -> Answer:
        """As a sandboxed page posts: Origin null, and the Lax cookie stays at home until the redirect's GET."""
        async with (
            ClientSession() as bare,
            bare.post(self.url + path, data=body, headers=SUBMIT if headers is None else headers, allow_redirects=False) as got,
        ):
            answer = await Answer.of(got)
        if follow and answer.status == 303:
            return await self.get(answer.headers["Location"])
        return answer

    async def log_in(self, name: str, *, leads_to: str = "/") -> Answer:
        page = await self.get(f"/login?next={leads_to}")
        return await self.post("/login", {"form": page.form(), "username": name, "password": PEOPLE[name][0]})

    async def begin(self, provider: str, *, leads_to: str = "/") -> dict[str, str]:
        """Start a login at a provider; the parameters with which the browser is sent there."""
        answer = await self.get(f"/login/oidc/{provider}?next={leads_to}", follow=False)
        assert answer.status == 303, answer.text
        return dict(parse_qsl(urlsplit(answer.headers["Location"]).query))

    async def come_back(self, provider: str, *, follow: bool = False, **parameters: str) -> Answer:
        """As the provider sends a browser back."""
        return await self.get(f"/login/callback/{provider}?{urlencode(parameters)}", follow=follow)

    def cookies(self) -> dict[str, Any]:
        return {cookie.key: cookie for cookie in self.http.cookie_jar}


@dataclass
class Answer:
    status: int
    headers: Any
    text: str
    json: Any = None

    @classmethod
    async def of(cls, got: ClientResponse) -> Answer:
        text = await got.text()
        return cls(
            status=got.status, headers=got.headers, text=text, json=await got.json() if got.content_type == "application/json" else None
        )

    def hidden(self, name: str, action: str = "") -> str:
        """A hidden field; `action` chooses among the page's forms."""
        within = self.text if not action else self.text[self.text.index(f'action="{action}"') :]
        found = re.search(rf'name="{name}" value="([^"]*)"', within)
        assert found is not None, f"no hidden field {name} for {action}"
        return html.unescape(found[1])

    def form(self, action: str = "/login") -> str:
        return self.hidden("form", action)

    @property
    def code(self) -> str:
        return str(self.json["error"]["code"])


@dataclass
class World:
    """The gateway without its wires."""

    api: ApiServer
    identity: LocalIdentity
    approvals: Approvals
    recorder: Recorder
    gate: Gate
    clock: Clock
    http: ClientSession
    oidc: OidcLogins
    browsers: list[Browser] = field(default_factory=list)
    sessions: list[SessionRecord] = field(default_factory=list)
    waiting: list[Pending] = field(default_factory=list)
    count: int = 0

    @property
    def url(self) -> str:
        return self.api.url

    def browser(self) -> Browser:
        self.browsers.append(Browser(self.url))
        return self.browsers[-1]

    def token(self, name: str, kind: TokenKind = "person") -> str:
        return self.identity.issue(subject=name, groups=frozenset(PEOPLE[name][1]), kind=kind)[0]

    async def ask(self, method: str, path: str, token: str = "", **options: Any) -> Answer:
        headers = {**({"Authorization": f"Bearer {token}"} if token else {}), **options.pop("headers", {})}
        async with self.http.request(method, f"{self.url}/api/v1/{path}", headers=headers, **options) as got:
            return await Answer.of(got)

    def session(self, name: str = "ana") -> SessionRecord:
        self.count += 1
        text, token = self.identity.issue(subject=name, groups=frozenset(PEOPLE[name][1]), kind="kernel")
        del text
        actor = Actor(subject=name, groups=frozenset(PEOPLE[name][1]))
        session = self.gate.open_session(
            identifier=f"s{self.count}-{name}", actor=actor, target="shop", protocol="postgresql", client="psql", token=token
        )
        self.sessions.append(session)
        return session

    def put(self, session: SessionRecord, statement: str, decision: Decision, **more: Any) -> Permit | Pending:
        self.count += 1
        facts = more.pop("facts", FACTS)
        operation = Operation(
            id=f"o{self.count}", session=session.id, actor=session.actor, target="shop", protocol="postgresql",
            statement=statement, facts=facts, cell=more.pop("cell", CELL), **more,
        )  # fmt: skip
        answer = self.gate.ask_now(operation, decision, session)
        if isinstance(answer, Pending):
            self.waiting.append(answer)
        return answer

    def pending(self, statement: str = "delete from orders", *, by: str = "ana", seconds: float = 900, **more: Any) -> Pending:
        answer = self.put(self.session(by), statement, needs_dba(seconds), **more)
        assert isinstance(answer, Pending)
        return answer

    async def stop(self) -> None:
        for session in self.sessions:
            self.gate.close_session(session, "the test is over")
        for browser in self.browsers:
            await browser.http.close()
        await self.http.close()
        await self.api.stop()
        self.recorder.close()


FACTS = Facts(
    kinds=frozenset({"delete"}),
    traits=frozenset({"without-where"}),
    accesses=(
        Access(verb="write", resource="public.orders"),
        Access(verb="read", resource="public.customers", columns=frozenset({"id", "name"})),
    ),
)


def needs_dba(seconds: float = 900) -> Decision:
    return Decision(
        effect="approve",
        rules=(RuleRef(name="deletes need a dba", because="Orders are <i>money</i>."),),
        reason="DELETE without where on public.orders needs approval",
        approver_groups=frozenset({"dba"}),
        approval_seconds=seconds,
    )


def allowed() -> Decision:
    return Decision(effect="allow", rules=(RuleRef(name="analysts read the shop", because="It is their job."),), reason="SELECT is allowed")


@cache
def accounts() -> str:
    """The accounts file: argon2 takes its time, so it is made once."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "accounts.json"
        write_accounts(path, {name: (password, list(groups)) for name, (password, groups) in PEOPLE.items()})
        return path.read_text()


@asynccontextmanager
async def running(
    tmp_path: Path,
    providers: tuple[OidcConfig, ...] = (),
    *,
    saml: tuple[SamlConfig, ...] = (),
    has_accounts: bool = True,
    workloads: tuple[WorkloadConfig, ...] = (),
    proxies: tuple[str, ...] = (),
) -> AsyncIterator[World]:
    """The world, started and stopped."""
    clock = Clock()
    (tmp_path / "govern.toml").write_text(CONFIG)
    (tmp_path / "accounts.json").write_text(accounts())
    recorder = Recorder(tmp_path, clock)
    identity = LocalIdentity(
        accounts=tmp_path / "accounts.json" if has_accounts else None, state_dir=tmp_path, secret=b"0" * 32, log=recorder.log, clock=clock,
        services=lambda: {"service/etl": frozenset({"dba"})},
        workloads=lambda: {f"service/{each.name}": frozenset(each.groups) for each in workloads},
    )  # fmt: skip
    approvals = Approvals(log=recorder.log, clock=clock, number_file=tmp_path / "number", url=lambda number: api.decision_url(number))
    policy = PolicyStore(tmp_path / "govern.toml", lambda kind, detail: None)
    directory = PolicyDirectory(policy, listening=lambda: Listening(host="127.0.0.1", port=6432, ca_file="/ca.pem"))
    gate = Gate(recorder=recorder, approvals=approvals, clock=clock)
    found = verifiers(providers, tmp_path, clock)
    oidc = oidc_logins(
        providers, verifiers=found, directory=tmp_path, state=tmp_path, identity=identity, log=recorder.log, clock=clock
    )  # fmt: skip
    exchange = Workloads(workloads, directory=tmp_path, state=tmp_path, identity=identity, log=recorder.log, clock=clock)
    partners = None
    if saml:
        from jupyter_govern_gateway.identity.saml.build import saml_logins

        settings = IdentityConfig(oidc=providers, saml=saml)
        partners = saml_logins(settings, directory=tmp_path, identity=identity, log=recorder.log, clock=clock)
    services = ApiServices(
        identity=identity, approvals=approvals, recorder=recorder, directory=directory, clock=clock, oidc=oidc if providers else None,
        saml=partners,
        workloads=exchange if workloads else None,
        counted=lambda: Counted(sessions_open=gate.sessions_open, blocked=gate.blocked, asked=gate.asked),
    )  # fmt: skip
    api = ApiServer(services, host="127.0.0.1", port=0, proxies=proxies)
    await api.start()
    world = World(
        api=api, identity=identity, approvals=approvals, recorder=recorder, gate=gate, clock=clock, http=ClientSession(), oidc=oidc
    )  # fmt: skip
    try:
        yield world
    finally:
        await world.stop()
        await exchange.close()
        for verifier in found.values():
            await verifier.close()
