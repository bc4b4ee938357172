"""The promises of the gate: no Permit without a decision and its record on disk, two people means two people."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_govern.errors import Blocked, Declined, Expired, RecordingFailed, Withdrawn
from jupyter_govern.model import Actor, Decision, Facts, Operation, RuleRef
from jupyter_govern.recording import read_entries, verify
from jupyter_govern_gateway.approvals import Approvals, DecisionRefused
from jupyter_govern_gateway.gate import Gate, Pending, Permit, SessionRecord
from jupyter_govern_gateway.identity.tokens import Token
from jupyter_govern_gateway.recorder.recorder import Recorder

ANA = Actor(subject="ana", groups=frozenset({"analysts"}))
BEN = Actor(subject="ben", groups=frozenset({"dba"}))
RULE = RuleRef(name="four eyes", because="of mistakes")
ALLOW = Decision(effect="allow", rules=(), reason="fine")
BLOCK = Decision(effect="block", rules=(RULE,), reason="no", hint="ask")
TOKEN = Token(id="t1", subject="ana", groups=ANA.groups, kind="kernel", issued_at=0, expires_at=1)


def approve(seconds: float = 60) -> Decision:
    who = frozenset({"dba", "analysts"})
    return Decision(effect="approve", rules=(RULE,), reason="asks", approver_groups=who, approval_seconds=seconds)


class House:
    """A gate with real files below it."""

    def __init__(self, state: Path) -> None:
        self.recorder = Recorder(state, lambda: 1_800_000_000.0)
        self.approvals = Approvals(
            log=self.recorder.log, clock=lambda: 1_800_000_000.0, number_file=state / "last", url=lambda number: f"http://x/approvals/{number}"
        )
        self.gate = Gate(recorder=self.recorder, approvals=self.approvals, clock=lambda: 1_800_000_000.0)
        self.session = self.open("s1")
        self.count = 0

    def open(self, identifier: str) -> SessionRecord:
        return self.gate.open_session(identifier=identifier, actor=ANA, target="shop", protocol="postgresql", client="test", token=TOKEN)

    def operation(self, statement: str = "select 1", parameters: tuple[bytes | None, ...] = ()) -> Operation:
        self.count += 1
        return Operation(
            id=f"s1.{self.count}", session="s1", actor=ANA, target="shop", protocol="postgresql", statement=statement,
            facts=Facts(kinds=frozenset({"select"})), parameters=parameters,
        )  # fmt: skip

    def pending(self, seconds: float = 60) -> Pending:
        answer = self.gate.ask_now(self.operation("delete from t"), approve(seconds), self.session)
        assert isinstance(answer, Pending)
        return answer

    def entries(self) -> list[dict[str, Any]]:
        return read_entries(self.session.recording.chain.path)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    yield made
    made.recorder.close()


def test_only_the_gate_makes_a_permit(house: House) -> None:
    with pytest.raises(PermissionError):
        Permit(object(), session=house.session, operation=house.operation(), limits=(), budget=0, clock=lambda: 0.0)


def test_the_record_is_on_disk_before_the_permit(house: House) -> None:
    op = house.operation("select 42", (b"x", None))
    permit = house.gate.ask_now(op, ALLOW, house.session)
    assert isinstance(permit, Permit)
    entry = house.entries()[-1]
    assert (entry["type"], entry["statement"], entry["outcome"], entry["digest"]) == ("operation", "select 42", "permitted", op.digest())
    assert entry["parameters"] == ["x", None]


def test_a_refusal_is_recorded_too(house: House) -> None:
    with pytest.raises(Blocked) as refused:
        house.gate.ask_now(house.operation("drop table t"), BLOCK, house.session)
    assert (refused.value.reason, refused.value.hint, refused.value.rules) == ("no", "ask", (RULE,))
    assert house.entries()[-1]["outcome"] == "blocked"


def test_no_record_no_permit(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def read_only(descriptor: int, data: bytes) -> int:
        raise OSError(30, "Read-only file system")

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", read_only)
        with pytest.raises(RecordingFailed):
            house.gate.ask_now(house.operation(), ALLOW, house.session)
    with pytest.raises(RecordingFailed):
        house.gate.ask_now(house.operation(), ALLOW, house.session)
    assert isinstance(house.gate.ask_now(_of("s2"), ALLOW, house.open("s2")), Permit), "other sessions go on"


def _of(session: str) -> Operation:
    facts = Facts(kinds=frozenset())
    return Operation(id=f"{session}.1", session=session, actor=ANA, target="shop", protocol="postgresql", statement="x", facts=facts)


def test_an_operation_belongs_to_its_session(house: House) -> None:
    with pytest.raises(PermissionError):
        house.gate.ask_now(_of("s2"), ALLOW, house.session)


def test_finish_writes_result_and_end_once_and_the_chain_holds(house: House) -> None:
    permit = house.gate.ask_now(house.operation(), ALLOW, house.session)
    assert isinstance(permit, Permit)
    permit.finish(tag="SELECT 1", rows=1, bytes_=10, error=None)
    permit.finish(tag="SELECT 1", rows=1, bytes_=10, error=None)
    assert [entry["type"] for entry in house.entries()] == ["session-open", "operation", "end"]
    house.gate.close_session(house.session, "client left")
    assert verify(house.session.recording.chain.path).complete


async def test_approval_releases_exactly_this_operation(house: House) -> None:
    pending = house.pending()
    house.approvals.decide(pending.number, BEN, "person", "approve", reason="ok", digest=pending.approval.digest)
    permit = await pending.future
    assert permit.operation is not None and permit.operation.statement == "delete from t"
    assert [e.get("state") for e in house.entries() if e["type"] == "approval"] == ["pending", "approved"]
    with pytest.raises(DecisionRefused, match="approved already"):
        house.approvals.decide(pending.number, BEN, "person", "deny", reason="", digest=pending.approval.digest)


@pytest.mark.parametrize(
    ("actor", "kind", "digest", "code"),
    [
        (ANA, "person", None, "self-approval"),
        (Actor(subject="eve"), "person", None, "not-an-approver"),
        (BEN, "kernel", None, "wrong-login"),
        (BEN, "server", None, "wrong-login"),
        (BEN, "browser", "0" * 64, "changed"),
    ],
)
async def test_who_may_not_decide(house: House, actor: Actor, kind: Any, digest: str | None, code: str) -> None:
    pending = house.pending()
    with pytest.raises(DecisionRefused) as refused:
        house.approvals.decide(pending.number, actor, kind, "approve", reason="", digest=digest or pending.approval.digest)
    assert refused.value.code == code
    assert not pending.future.done()
    log = [e for e in read_entries(house.recorder.log.path) if e["type"] == "approval"]
    assert log[-1]["event"] == "refused" and log[-1]["code"] == code
    pending.withdraw("done testing")


async def test_denied_expired_withdrawn(house: House) -> None:
    denied = house.pending()
    house.approvals.decide(denied.number, BEN, "browser", "deny", reason="not today", digest=denied.approval.digest)
    with pytest.raises(Declined, match="not today"):
        await denied.future
    expired = house.pending(seconds=0.01)
    with pytest.raises(Expired):
        await asyncio.wait_for(expired.future, 5)
    gone = house.pending()
    house.gate.close_session(house.session, "the client went away")
    with pytest.raises(Withdrawn, match="went away"):
        await gone.future
    states = [entry["state"] for entry in house.entries() if entry["type"] == "approval"]
    assert states == ["pending", "denied", "pending", "expired", "pending", "withdrawn"]


async def test_an_approval_that_cannot_be_recorded_permits_nothing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    pending = house.pending()

    def full(descriptor: int, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        house.approvals.decide(pending.number, BEN, "person", "approve", reason="", digest=pending.approval.digest)
    with pytest.raises((RecordingFailed, Withdrawn)):
        await pending.future


def test_the_digest_covers_actor_target_statement_and_parameters(house: House) -> None:
    digests = {house.operation(statement, parameters).digest() for statement in ("a", "b") for parameters in ((), (None,), (b"",), (b"x",))}
    assert len(digests) == 8
