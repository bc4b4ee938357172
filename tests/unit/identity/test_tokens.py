"""Tokens: verifiers only on disk, expiry, revocation, parents; SCRAM as a client computes it; accounts and back-off."""

from __future__ import annotations

import hashlib
import hmac
from pathlib import Path

import pytest

from jupyter_govern.errors import AuthenticationFailed, ConfigError
from jupyter_govern.model import TokenKind
from jupyter_govern_gateway.identity.accounts import write_accounts
from jupyter_govern_gateway.identity.backoff import FREE_TRIES, MAX_ENTRIES, Backoff
from jupyter_govern_gateway.identity.service import LocalIdentity, TooManyFailures
from jupyter_govern_gateway.identity.tokens import LIFETIME, MAX_TOKENS_PER_PERSON, TokenStore
from jupyter_govern_gateway.recorder.log import GatewayLog

GROUPS = frozenset({"analysts"})


class Clock:
    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> TokenStore:
    return TokenStore(tmp_path / "tokens.json", secret=b"s", clock=clock)


def issue(store: TokenStore, kind: TokenKind = "person", parent: str = "") -> tuple[str, str]:
    text, token = store.issue(subject="ana", groups=GROUPS, kind=kind, parent=parent)
    return text, token.id


def test_no_token_in_clear_on_disk_and_survives_a_restart(store: TokenStore, tmp_path: Path, clock: Clock) -> None:
    text, _ = issue(store)
    file = tmp_path / "tokens.json"
    assert text not in file.read_text() and text[11:] not in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600
    again = TokenStore(file, secret=b"s", clock=clock)
    assert again.authenticate_bearer(text).subject == "ana"
    file.write_text("{")
    with pytest.raises(ConfigError, match="damaged"):
        TokenStore(file, secret=b"s", clock=clock)


def test_expiry_and_revocation_reach_children(store: TokenStore, clock: Clock) -> None:
    parent, parent_id = issue(store, "server")
    child, _ = issue(store, "kernel", parent_id)
    assert store.authenticate_bearer(child).parent == parent_id
    store.revoke(parent_id)
    for text in (parent, child):
        with pytest.raises(AuthenticationFailed):
            store.authenticate_bearer(text)
    text, _ = issue(store, "kernel")
    clock.now += LIFETIME["kernel"] - 1
    store.authenticate_bearer(text)
    clock.now += 2
    with pytest.raises(AuthenticationFailed):
        store.authenticate_bearer(text)


def test_scram_as_a_client_computes_it(store: TokenStore) -> None:
    text, token_id = issue(store)
    issue(store)
    verifiers = store.scram_verifiers("ana")
    salted = hashlib.pbkdf2_hmac("sha256", text.encode(), verifiers.salt, verifiers.iterations)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    assert [candidate[0] for candidate in verifiers.candidates if candidate[1] == stored] == [token_id]
    stranger = store.scram_verifiers("nobody")
    assert (len(stranger.salt), stranger.iterations, stranger.candidates) == (16, verifiers.iterations, ())


def test_tokens_that_may_not_connect_are_no_scram_candidates(store: TokenStore) -> None:
    issue(store, "server")
    issue(store, "browser")
    assert store.scram_verifiers("ana").candidates == ()


def test_tokens_of_a_person_are_bounded(store: TokenStore) -> None:
    first, _ = issue(store)
    for _ in range(MAX_TOKENS_PER_PERSON):
        issue(store)
    assert len(store.scram_verifiers("ana").candidates) == MAX_TOKENS_PER_PERSON
    with pytest.raises(AuthenticationFailed):
        store.authenticate_bearer(first)


def test_backoff_grows_and_is_bounded(clock: Clock) -> None:
    backoff = Backoff(clock)
    for _ in range(FREE_TRIES):
        assert backoff.wait("name:ana") <= 0
        backoff.failed("name:ana")
    first = backoff.wait("name:ana")
    backoff.failed("name:ana")
    assert 0 < first < backoff.wait("name:ana", "address:x")
    backoff.succeeded("name:ana")
    assert backoff.wait("name:ana") <= 0
    for number in range(MAX_ENTRIES + 10):
        backoff.failed(f"name:{number}")
    assert len(backoff._failures) == MAX_ENTRIES


@pytest.fixture
def identity(tmp_path: Path, clock: Clock) -> LocalIdentity:
    write_accounts(tmp_path / "accounts.json", {"ana": ("right", ["analysts"])})
    log = GatewayLog(tmp_path / "log", clock)
    return LocalIdentity(accounts=tmp_path / "accounts.json", state_dir=tmp_path, secret=b"s", log=log, clock=clock)


def test_passwords(identity: LocalIdentity, tmp_path: Path) -> None:
    assert identity.check_password("ana", "right", "127.0.0.1") == GROUPS
    assert (tmp_path / "accounts.json").stat().st_mode & 0o777 == 0o600
    messages = set()
    for name, password in (("ana", "wrong"), ("nobody", "right")):
        with pytest.raises(AuthenticationFailed) as refused:
            identity.check_password(name, password, "127.0.0.2")
        messages.add(str(refused.value))
    assert len(messages) == 1, "a wrong name and a wrong password look the same"
    for _ in range(FREE_TRIES):
        with pytest.raises(AuthenticationFailed):
            identity.check_password("ana", "wrong", "127.0.0.3")
    with pytest.raises(TooManyFailures):
        identity.check_password("ana", "right", "127.0.0.3")


def test_groups_are_live_and_people_can_be_gone(identity: LocalIdentity, tmp_path: Path) -> None:
    text, _ = identity.issue(subject="ana", groups=GROUPS, kind="person")
    assert identity.authenticate_password("ana", text).groups == GROUPS
    with pytest.raises(AuthenticationFailed):
        identity.authenticate_password("ben", text)
    write_accounts(tmp_path / "accounts.json", {"ana": ("right", ["former"])})
    assert identity.authenticate_bearer(text).groups == {"former"}
    write_accounts(tmp_path / "accounts.json", {"ben": ("right", [])})
    with pytest.raises(AuthenticationFailed):
        identity.authenticate_bearer(text)


def test_a_flood_of_tokens_hides_no_login_from_its_end(identity: LocalIdentity) -> None:
    """What is not in the store is never asked about again: a session must not outlive the login that it hangs on like that."""
    identity.people.remember("pia", source="https://idp.example.com", groups=GROUPS)
    _, login = identity.issue(subject="pia", groups=GROUPS, kind="login", issued_by="jupyterhub/pia/a2")
    _, kernel = identity.issue(subject="pia", groups=GROUPS, kind="kernel", parent=login.id)
    ended: list[str] = []
    identity.ties.tie(identity.lineage(kernel), what="session", name="s1", end=ended.append)
    for _ in range(MAX_TOKENS_PER_PERSON + 1):  # as the server under a Hub may ask for them
        identity.issue(subject="pia", groups=GROUPS, kind="server", parent=login.id)
    assert identity.tokens_of("login") == [login] and not ended
    for _ in range(MAX_TOKENS_PER_PERSON):
        identity.issue(subject="pia", groups=GROUPS, kind="browser")
    assert not identity.tokens_of("login") and len(ended) == 1


def test_a_local_account_and_a_provider_never_share_a_token(identity: LocalIdentity, tmp_path: Path) -> None:
    """Whichever comes later: the other's tokens do not become theirs."""
    identity.people.remember("pia", source="https://idp.example.com", groups=GROUPS)
    _, login = identity.issue(subject="pia", groups=GROUPS, kind="login", issued_by="saml/corp")
    text, _ = identity.issue(subject="pia", groups=GROUPS, kind="person", parent=login.id)
    assert identity.authenticate_bearer(text).groups == GROUPS
    write_accounts(tmp_path / "accounts.json", {"pia": ("right", ["dba"])})
    with pytest.raises(AuthenticationFailed):
        identity.authenticate_bearer(text)
    own, _ = identity.issue(subject="pia", groups=GROUPS, kind="person")
    assert identity.authenticate_bearer(own).groups == {"dba"}
    write_accounts(tmp_path / "accounts.json", {"ben": ("right", [])})
    with pytest.raises(AuthenticationFailed):
        identity.authenticate_bearer(own)
    assert identity.authenticate_bearer(text).groups == GROUPS
