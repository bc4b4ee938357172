"""A folder of recordings as a gateway leaves it: several sessions, a log, signatures; and ways to tamper with it."""

from __future__ import annotations

import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from jupyter_govern.model import Access, Actor, Cell, Decision, Facts, Operation, RuleRef
from jupyter_govern.recording import canonical, genesis
from jupyter_govern_gateway.approvals import Approvals
from jupyter_govern_gateway.gate import Gate
from jupyter_govern_gateway.identity.tokens import Token
from jupyter_govern_gateway.recorder.recorder import Recorder
from jupyter_govern_gateway.recorder.signer import Signer, own_signer

ANA = Actor(subject="ana", groups=frozenset({"analysts"}))
BEN = Actor(subject="ben", groups=frozenset({"dba"}))
TOKEN = Token(id="t1", subject="ana", groups=ANA.groups, kind="kernel", issued_at=0, expires_at=1)
RULE = RuleRef(name="reading is fine", because="a test")
NO_DROPS = RuleRef(name="no drops", because="dear")
ALLOW = Decision(effect="allow", rules=(RULE,), reason="fine")
BLOCK = Decision(effect="block", rules=(NO_DROPS,), reason="no")
READS = Facts(kinds=frozenset({"select"}), accesses=(Access(verb="read", resource="public.customers", columns=frozenset({"id", "email"})),))
DROPS = Facts(kinds=frozenset({"drop"}), accesses=(Access(verb="define", resource="public.orders"),))
CELL = Cell(notebook="q.ipynb", cell_id="c1", execution_count=1)


class Place:
    """A gate over real files; `clock` goes on by a second with each look."""

    def __init__(self, state: Path, *, signer: Signer | None = None, start: float = 1_800_000_000.0, **more: object) -> None:
        state.mkdir(exist_ok=True)
        self.state, self.now = state, start
        self.signer = signer or own_signer(state)
        self.signer.publish(state)
        self.recorder = Recorder(state, self.clock, signer=self.signer, **more)  # type: ignore[arg-type]
        self.approvals = Approvals(log=self.recorder.log, clock=self.clock, number_file=state / "last", url=str)
        self.gate = Gate(recorder=self.recorder, approvals=self.approvals, clock=self.clock)
        self.count = 0

    def clock(self) -> float:
        self.now += 1
        return self.now

    def session(self, name: str, actor: Actor = ANA, target: str = "shop", *, close: bool = True, statements: int = 2) -> None:
        session = self.gate.open_session(identifier=name, actor=actor, target=target, protocol="postgresql", client="t", token=TOKEN)
        self.last = session
        for number in range(statements):
            op = self.operation(f"select email from customers where id = {number}", READS, actor, target)
            permit = self.gate.ask_now(op, ALLOW, session)
            permit.finish(tag="SELECT 1", rows=1, bytes_=20, error=None)  # type: ignore[union-attr]
        if close:
            self.gate.close_session(session, "done")

    def operation(self, statement: str, facts: Facts = READS, actor: Actor = ANA, target: str = "shop") -> Operation:
        self.count += 1
        session = self.last.id
        return Operation(
            id=f"{session}.{self.count}", session=session, actor=actor, target=target, protocol="postgresql",
            statement=statement, facts=facts, cell=CELL,
        )  # fmt: skip

    def stop(self) -> None:
        self.recorder.log.write("gateway", event="stopped")
        self.recorder.close()


def archive(state: Path) -> Path:
    """Three sessions in two runs of a gateway; the folder of recordings."""
    first = Place(state)
    first.recorder.log.write("gateway", event="started")
    first.recorder.log.sign()
    first.session("s1")
    first.session("s2", BEN)
    first.stop()
    second = Place(state, start=1_800_100_000.0)
    second.recorder.log.write("gateway", event="started")
    second.session("s3", statements=3)
    second.stop()
    return state / "recordings"


def file_of(folder: Path, session: str) -> Path:
    return next(folder.glob(f"*/*/*/{session}.jsonl"))


def rehashed(path: Path, change: Callable[[list[dict]], list[dict]]) -> str:  # type: ignore[type-arg]
    """Change a recording as somebody does who knows the format and has no key: all hashes fit again. The new head."""
    entries = change([json.loads(line) for line in path.read_bytes().splitlines()])
    head, out = genesis(path.stem), b""
    for number, entry in enumerate(entries, 1):
        entry.pop("hash", None)
        entry |= {"seq": number, "prev": head}
        head = entry["hash"] = sha256(canonical(entry)).hexdigest()
        out += canonical(entry) + b"\n"
    path.write_bytes(out)
    return head
