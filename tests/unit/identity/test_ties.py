"""What hangs on tokens ends with them; what a token is bound to."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_govern.errors import AuthenticationFailed, ConfigError, RecordingFailed
from jupyter_govern_gateway.identity.accounts import write_accounts
from jupyter_govern_gateway.identity.binding import is_taken_from, network, opens
from jupyter_govern_gateway.identity.service import LocalIdentity
from jupyter_govern_gateway.identity.ties import EXPIRY_GRACE_SECONDS, Ties, ends_at
from jupyter_govern_gateway.identity.tokens import LIFETIME, Token, TokenStore
from jupyter_govern_gateway.recorder.log import GatewayLog

NOBODY: frozenset[str] = frozenset()


class World:
    def __init__(self, folder: Path) -> None:
        self.now = 1_800_000_000.0
        self.gone: set[str] = set()
        self.broken = False
        self.file = folder / "tokens.json"
        self.store = TokenStore(self.file, secret=b"s", clock=lambda: self.now)
        self.ties = Ties(clock=lambda: self.now, groups=self.groups)
        self.ended: dict[str, str] = {}

    def groups(self, subject: str) -> None:
        if self.broken:
            raise ConfigError("the accounts file is damaged")
        if subject in self.gone:
            raise AuthenticationFailed("the account is gone")

    def tie(self, name: str, token: Token, *, busy: bool = False) -> None:
        def end(why: str) -> None:
            self.ended[name] = why

        self.ties.tie(self.store.lineage(token), what="session", name=name, end=end, is_busy=lambda: busy)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_a_kernels_session_hangs_on_the_login_behind_it(world: World) -> None:
    _, login = world.store.issue(subject="ana", groups=NOBODY, kind="server")
    _, kernel = world.store.issue(subject="ana", groups=NOBODY, kind="kernel", parent=login.id)
    world.tie("s", kernel)
    assert ends_at(world.store.lineage(kernel)) == login.expires_at
    world.now += LIFETIME["kernel"] + 1
    world.store.issue(subject="ben", groups=NOBODY, kind="person")  # the store forgets the kernel's token
    world.ties.sweep()
    assert world.store.living(kernel.id) is None and world.ended == {}
    world.ties.cut("revoked", tokens=world.store.revoke(login.id))
    assert world.ended == {"s": "revoked"}


def test_expiry_has_a_grace_for_what_runs(world: World) -> None:
    _, token = world.store.issue(subject="ana", groups=NOBODY, kind="client", seconds=60, targets=("shop",))
    world.tie("idle", token)
    world.tie("busy", token, busy=True)
    world.now += 59
    world.ties.sweep()
    assert world.ended == {}
    world.now += 1
    world.ties.sweep()
    assert list(world.ended) == ["idle"] and "expired" in world.ended["idle"]
    world.now += EXPIRY_GRACE_SECONDS
    world.ties.sweep()
    assert set(world.ended) == {"idle", "busy"}


def test_who_is_gone_and_who_cannot_be_asked(world: World) -> None:
    for who in ("ana", "ben"):
        world.tie(who, world.store.issue(subject=who, groups=NOBODY, kind="person")[1])
    world.broken = True
    world.ties.sweep()
    assert world.ended == {}
    world.broken, world.gone = False, {"ana"}
    world.now += 1
    world.ties.sweep()
    assert world.ended == {"ana": "the account is gone"}


def test_a_cut_takes_no_bystanders(world: World) -> None:
    tokens = [world.store.issue(subject=who, groups=NOBODY, kind="person")[1] for who in ("ana", "ana", "ben")]
    for number, token in enumerate(tokens):
        world.tie(str(number), token)
    assert [tie.name for tie in world.ties.cut("out", tokens=frozenset({tokens[0].id}))] == ["0"]
    assert [tie.name for tie in world.ties.cut("out", subject="ana")] == ["1"]
    assert world.ties.cut("out", subject="ana") == [] and set(world.ended) == {"0", "1"}


def test_bonds_survive_a_restart(world: World) -> None:
    text, token = world.store.issue(
        subject="service/etl", groups=NOBODY, kind="service", targets=("shop",), networks=("10.0.0.0/8",), issued_by="ben"
    )
    again = TokenStore(world.file, secret=b"s", clock=lambda: world.now)
    assert again.authenticate_bearer(text) == token and again.of(kind="service") == [token]
    assert text not in world.file.read_text()


@pytest.mark.parametrize(("subject", "kind"), [("service/etl", "person"), ("etl", "service"), ("service/ana", "client")])
def test_people_are_no_services(world: World, subject: str, kind: str) -> None:
    with pytest.raises(AuthenticationFailed):
        world.store.issue(subject=subject, groups=NOBODY, kind=kind)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("networks", "address", "counts"),
    [
        ((), "", True),
        (("10.0.0.0/8",), "10.1.2.3", True),
        (("10.0.0.0/8",), "11.1.2.3", False),
        (("10.0.0.0/8",), "::ffff:10.1.2.3", True),
        (("10.0.0.0/8", "fe80::/10"), "fe80::1%eth0", True),
        (("10.0.0.0/8",), "", False),
        (("0.0.0.0/0",), "nonsense", False),
    ],
)
def test_networks(world: World, networks: tuple[str, ...], address: str, counts: bool) -> None:
    _, token = world.store.issue(subject="ana", groups=NOBODY, kind="client", networks=networks, targets=("shop",))
    assert is_taken_from(token, address) is counts
    assert opens(token, "shop") and not opens(token, "shop2") and not opens(token, "")


def test_a_network_as_people_write_it() -> None:
    assert (network("10.1.2.3"), network(" 10.1.2.3/8 "), network("::1")) == ("10.1.2.3/32", "10.0.0.0/8", "::1/128")
    with pytest.raises(ValueError):
        network("everywhere")


def test_a_full_disk_keeps_no_session_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_accounts(tmp_path / "accounts.json", {"ana": ("ana-password", [])})
    log = GatewayLog(tmp_path, lambda: 1.0)
    identity = LocalIdentity(accounts=tmp_path / "accounts.json", state_dir=tmp_path, secret=b"s", log=log, clock=lambda: 1.0)
    ended: list[str] = []
    texts = []
    for number in range(2):
        text, token = identity.issue(subject="ana", groups=NOBODY, kind="person")
        texts.append(text)
        identity.ties.tie(identity.lineage(token), what="session", name=str(number), end=ended.append)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as without_room:
        without_room.setattr("jupyter_govern_gateway.identity.tokens.private_files.replace", full)
        with pytest.raises(RecordingFailed, match="revoke again before a restart"):
            identity.revoke(identity.authenticate_bearer(texts[0]).id, by="ana")
    assert ended == ["revoked by ana"]
    with monkeypatch.context() as without_room:
        without_room.setattr(GatewayLog, "write", lambda *_, **__: full())
        with pytest.raises(OSError, match="No space"):
            identity.revoke_person("ana", by="ben", reason="gone")
    assert ended == ["revoked by ana", "revoked by ben: gone"]
    for text in texts:
        with pytest.raises(AuthenticationFailed):
            identity.authenticate_bearer(text)
    log.close()


def test_one_that_cannot_be_ended_saves_no_other(world: World) -> None:
    import asyncio

    def fail(_: str) -> None:
        raise ValueError("a bug")

    async def cut() -> list[str]:
        told: list[str] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, said: told.append(said["message"]))
        token = world.store.issue(subject="ana", groups=NOBODY, kind="person")[1]
        world.ties.tie([token], what="session", name="bad", end=fail)
        world.tie("good", token)
        world.ties.cut("out", subject="ana")
        return told

    assert asyncio.run(cut()) == ["session bad could not be ended"] and "good" in world.ended
