"""A browser's login at an identity provider, and every way to forge one: refused, on record, and nobody is signed in."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import jwt
import pytest
import pytest_asyncio
from cryptography.hazmat.primitives import serialization

from jupyter_govern.errors import RecordingFailed
from jupyter_govern_gateway.identity.oidc.flow import Granted
from jupyter_govern_gateway.identity.oidc.recheck import MAX_AT_ONCE, Recheck
from tests.unit.identity.oidc.signing import jwk, private_key

from .provider import Provider, providing, sign
from .world import Answer, Browser, World, running


@pytest_asyncio.fixture
async def provider() -> AsyncIterator[Provider]:
    async with providing() as started:
        yield started


@pytest_asyncio.fixture
async def other() -> AsyncIterator[Provider]:
    async with providing() as started:
        yield started


@pytest_asyncio.fixture
async def world(tmp_path: Path, provider: Provider, other: Provider) -> AsyncIterator[World]:
    settings = {"label": "Example & Co", "max_age_seconds": 60, "attributes": {"region": "region"}}
    async with running(tmp_path, (provider.config(**settings), other.config(name="other", prefix="other:", max_age_seconds=60))) as started:
        yield started


async def log_in(world: World, provider: Provider, browser: Browser | None = None, **claims: Any) -> tuple[Browser, Answer]:
    browser = browser or world.browser()
    provider.claims = claims
    asked = await browser.begin("idp")
    return browser, await browser.come_back("idp", state=asked["state"], code=provider.code(asked))


def logged(world: World, kind: str = "login", **fields: str) -> list[dict[str, Any]]:
    entries = [json.loads(line) for line in world.recorder.log.path.read_text().splitlines()]
    return [e for e in entries if e["type"] == kind and all(e.get(key) == value for key, value in fields.items())]


async def refused(world: World, browser: Browser, answer: Answer, why: str, detail: str = "") -> None:
    """Not signed in, told so on a page, and on record."""
    assert answer.status in {403, 503}, answer.text
    assert "This did not work" in answer.text and "govern" not in browser.cookies()
    assert (await browser.get("/", follow=False)).status == 303
    entry = logged(world, event="failed")[-1]
    assert entry["why"] == why and entry["detail"].startswith(detail), entry
    assert not world.identity.tokens_of("browser") and not world.identity.tokens_of("login")


async def test_a_login_at_a_provider(world: World, provider: Provider, tmp_path: Path) -> None:
    browser = world.browser()
    page = await browser.get("/login?next=/approvals/7")
    assert "Sign in with Example &amp; Co" in page.text and 'name="password"' in page.text
    asked = await browser.begin("idp", leads_to="/approvals/7")
    assert asked["code_challenge_method"] == "S256" and asked["response_type"] == "code" and "openid" in asked["scope"].split()
    assert asked["redirect_uri"] == f"{world.url}/login/callback/idp"
    provider.claims = {"region": "emea"}
    answer = await browser.come_back("idp", state=asked["state"], code=provider.code(asked))
    assert (answer.status, answer.headers["Location"]) == (303, "/approvals/7")
    assert "signed in as <b>ida</b>" in (await browser.get("/")).text
    [token] = world.identity.tokens_of("browser")
    current = world.identity.token_actor(token.id)
    assert (current.groups, current.claims) == ({"analysts"}, (("region", "emea"),))
    [entry] = logged(world, event="succeeded")
    assert (entry["subject"], entry["provider"], entry["issuer"]) == ("ida", "idp", provider.issuer)
    record = world.recorder.log.path.read_text() + (tmp_path / "logins.json").read_text()
    assert not any(secret in record for secret in provider.refresh_tokens)


async def test_without_local_accounts_there_is_no_form(tmp_path: Path, provider: Provider) -> None:
    async with running(tmp_path, (provider.config(),), has_accounts=False) as world:
        page = await world.browser().get("/login")
        assert "Sign in with idp" in page.text and "<form" not in page.text
        assert (await world.browser().post("/login", {"form": "x", "username": "ana", "password": "x"})).status == 404


def unsigned(claims: dict[str, Any]) -> str:
    return f"{b64({'alg': 'none', 'kid': 'rsa'})}.{b64(claims)}."


def with_public_key_as_secret(claims: dict[str, Any]) -> str:
    public = private_key("rsa").public_key()
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    head = f"{b64({'alg': 'HS256', 'kid': 'rsa'})}.{b64(claims)}"
    return f"{head}.{b64(jwt.algorithms.HMACAlgorithm(hashlib.sha256).sign(head.encode(), pem))}"


def b64(value: Any) -> str:
    return base64.urlsafe_b64encode(value if isinstance(value, bytes) else json.dumps(value).encode()).rstrip(b"=").decode()


BROWSING = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
FORGERIES: list[tuple[str, Callable[[dict[str, Any]], str]]] = [
    ("algorithm", unsigned),
    ("algorithm", with_public_key_as_secret),
    ("signature", lambda claims: sign(claims, "rsa-attacker", kid="rsa", jwk=jwk("rsa-attacker"))),
    ("signature", lambda claims: sign(claims, "rsa-attacker", kid="rsa", jku="https://evil.example/keys")),
    ("unknown-key", lambda claims: sign(claims, "rsa-attacker")),
    ("malformed", lambda claims: "not.a.token"),
]


@pytest.mark.parametrize(("why", "forge"), FORGERIES)
async def test_a_forged_token_is_refused(world: World, provider: Provider, why: str, forge: Callable[[dict[str, Any]], str]) -> None:
    provider.forge = forge
    await refused(world, *await log_in(world, provider), "token", why)


@pytest.mark.parametrize(
    ("why", "claims"),
    [
        ("audience", {"aud": "another"}),
        ("issuer", {"iss": "https://evil.example"}),
        ("nonce", {"nonce": "of-another-login"}),
        ("nonce", {"nonce": None}),
        ("expired", {"exp": 1_700_000_000}),
        ("not-yet-valid", {"nbf": 4_000_000_000}),
        ("issued-in-future", {"iat": 4_000_000_000}),
        ("authorized-party", {"aud": ["gateway", "x"], "azp": "x"}),
        ("access-token-hash", {"at_hash": "AAAA"}),
        ("subject", {"sub": "service/etl"}),
        ("subject", {"sub": "other:ida"}),
        ("groups", {"_claim_names": {"groups": "src"}}),
    ],
)
async def test_a_token_that_says_something_else_is_refused(world: World, provider: Provider, why: str, claims: dict[str, Any]) -> None:
    await refused(world, *await log_in(world, provider, **claims), "token", why)


async def test_a_local_accounts_name_is_not_for_providers(world: World, provider: Provider) -> None:
    await refused(world, *await log_in(world, provider, sub="ana"), "name")


async def test_the_same_sub_of_another_issuer_is_another_person(world: World, provider: Provider, other: Provider) -> None:
    await log_in(world, provider)
    browser = world.browser()
    asked = await browser.begin("other")
    assert (await browser.come_back("other", state=asked["state"], code=other.code(asked))).status == 303
    assert {token.subject for token in world.identity.tokens_of("browser")} == {"ida", "other:ida"}
    # a token of the other issuer, signed with its key, is nothing here
    provider.forge = lambda claims: sign({**claims, "iss": other.issuer})
    browser = world.browser()
    asked = await browser.begin("idp")
    answer = await browser.come_back("idp", state=asked["state"], code=provider.code(asked))
    assert answer.status == 403 and logged(world, event="failed")[-1]["detail"].startswith("issuer")


async def test_a_code_and_a_state_work_once(world: World, provider: Provider) -> None:
    browser = world.browser()
    asked = await browser.begin("idp")
    code = provider.code(asked)
    assert (await browser.come_back("idp", state=asked["state"], code=code)).status == 303
    other = world.browser()
    replayed_state = await other.come_back("idp", state=asked["state"], code=code)
    assert replayed_state.status == 403 and logged(world, event="failed")[-1]["why"] == "state"
    fresh = await other.begin("idp")
    replayed_code = await other.come_back("idp", state=fresh["state"], code=code)
    assert replayed_code.status == 403 and logged(world, event="failed")[-1]["why"] == "code"
    # a code of another request does not fit this one's PKCE secret
    fresh, stolen = await other.begin("idp"), provider.code(await world.browser().begin("idp"))
    assert (await other.come_back("idp", state=fresh["state"], code=stolen)).status == 403
    assert "govern" not in other.cookies()


async def test_a_stranger_cannot_log_a_browser_in(world: World, provider: Provider) -> None:
    attacker, victim = world.browser(), world.browser()
    asked = await attacker.begin("idp")
    await victim.begin("idp")  # the victim has a login cookie of its own
    answer = await victim.come_back("idp", state=asked["state"], code=provider.code(asked))
    await refused(world, victim, answer, "browser")
    bare = world.browser()
    asked = await attacker.begin("idp")
    await refused(world, bare, await bare.come_back("idp", state=asked["state"], code=provider.code(asked)), "browser")
    await refused(world, bare, await bare.come_back("idp", code="x"), "state")
    await refused(world, bare, await bare.come_back("idp", state="x" * 5000, code="x"), "state")


async def test_states_of_one_provider_are_not_for_another(world: World, provider: Provider) -> None:
    browser = world.browser()
    asked = await browser.begin("idp")
    await refused(world, browser, await browser.come_back("other", state=asked["state"], code=provider.code(asked)), "state")


async def test_a_provider_that_names_itself_must_be_the_one_asked(world: World, provider: Provider) -> None:
    browser = world.browser()
    asked = await browser.begin("idp")
    answer = await browser.come_back("idp", state=asked["state"], code=provider.code(asked), iss="https://evil.example")
    await refused(world, browser, answer, "issuer")


async def test_a_state_does_not_wait_for_ever(world: World, provider: Provider) -> None:
    browser = world.browser()
    asked = await browser.begin("idp")
    world.clock.ahead = 601
    await refused(world, browser, await browser.come_back("idp", state=asked["state"], code=provider.code(asked)), "state")


@pytest.mark.parametrize(("error", "why", "detail"), [("access_denied", "denied", "access_denied"), ("<script>", "provider", "unknown")])
async def test_what_the_provider_refuses_is_said(world: World, provider: Provider, error: str, why: str, detail: str) -> None:
    browser = world.browser()
    asked = await browser.begin("idp")
    answer = await browser.come_back("idp", state=asked["state"], error=error, error_description="<b>call 555</b>")
    assert "555" not in answer.text and "<script>" not in answer.text
    await refused(world, browser, answer, why, detail)


async def test_a_session_is_never_one_from_before(world: World, provider: Provider) -> None:
    browser, _ = await log_in(world, provider)
    before = browser.cookies()["govern"].value
    # the attacker's own session, planted in the victim's browser
    await log_in(world, provider, browser, sub="victor")
    after = browser.cookies()["govern"].value
    assert after != before and "signed in as <b>victor</b>" in (await browser.get("/")).text
    planted = await world.browser().get("/", follow=False, headers={"Cookie": f"govern={before}", **BROWSING})
    assert planted.status == 303 and planted.headers["Location"].startswith("/login")


ELSEWHERE = ["https://evil.example/", "//evil.example", "/\\evil.example", "/approvals/1/../../x", "/login", "%2F%2Fx"]


@pytest.mark.parametrize("leads_to", ELSEWHERE)
async def test_a_login_leads_to_our_own_pages_only(world: World, provider: Provider, leads_to: str) -> None:
    browser = world.browser()
    asked = await browser.begin("idp", leads_to=leads_to)
    answer = await browser.come_back("idp", state=asked["state"], code=provider.code(asked))
    assert (answer.status, answer.headers["Location"]) == (303, "/")
    why = [entry["why"] for entry in logged(world, "token", event="refused")]
    assert why == [f"a login that would lead elsewhere: {unquote(leads_to)}"]


async def test_pages_of_a_login_are_for_windows_only(world: World, provider: Provider) -> None:
    for path in ("/login/oidc/idp", "/login/callback/idp?state=x&code=y"):
        for mode, destination in (("cors", "empty"), ("no-cors", "image"), ("navigate", "iframe")):
            headers = {"Sec-Fetch-Mode": mode, "Sec-Fetch-Dest": destination}
            assert (await world.browser().get(path, headers=headers, follow=False)).status == 403
    assert len(logged(world, "token", event="refused", why="not-a-navigation")) == 6
    assert (await world.browser().get("/login/oidc/nobody", follow=False)).status == 404


async def test_a_flood_of_unknown_keys_does_not_flood_the_provider(world: World, provider: Provider) -> None:
    provider.forge = lambda claims: sign(claims, "rsa-attacker", kid=str(len(provider.asked)))
    for _ in range(20):
        await log_in(world, provider)
    assert provider.asked.count("keys") == 1 and provider.asked.count("discovery") == 1


async def test_a_rotated_key_is_found(world: World, provider: Provider) -> None:
    await log_in(world, provider)
    provider.key, provider.keys = "rsa-2", [jwk("rsa-2")]
    world.clock.ahead = 20
    browser, answer = await log_in(world, provider)
    assert answer.status == 303 and "govern" in browser.cookies()
    provider.key = "rsa"  # which the provider has withdrawn
    world.clock.ahead = 40
    _, answer = await log_in(world, provider)
    assert answer.status == 403 and logged(world, event="failed")[-1]["detail"].startswith("unknown-key")


async def look(world: World) -> None:
    """As the watch does, until everything it began is done."""
    recheck = Recheck(world.oidc)
    recheck.look()
    for task in list(recheck._asking.values()):
        await task


async def test_a_login_is_checked_again_and_lost_groups_are_lost(world: World, provider: Provider) -> None:
    browser, _ = await log_in(world, provider)
    [login] = world.oidc.logins.all()
    await look(world)
    assert provider.asked.count("refresh_token") == 0
    world.clock.ahead, provider.claims = 31, {"groups": []}
    await look(world)
    [token] = world.identity.tokens_of("browser")
    assert provider.asked.count("refresh_token") == 1 and world.identity.token_actor(token.id).groups == frozenset()
    [again] = world.oidc.logins.all()
    assert again.refresh_token != login.refresh_token and again.checked_at > login.checked_at + 30
    assert "signed in" in (await browser.get("/")).text


async def test_what_the_provider_revoked_ends_with_all_that_hangs_on_it(world: World, provider: Provider) -> None:
    browser, _ = await log_in(world, provider)
    ended: list[str] = []
    [token] = world.identity.tokens_of("browser")
    world.identity.ties.tie(world.identity.lineage(token), what="session", name="s1", end=ended.append)
    world.clock.ahead = 31
    provider.revoke_all()
    await look(world)
    assert ended and not world.identity.tokens_of("browser") and not world.oidc.logins.all()
    assert (await browser.get("/", follow=False)).status == 303
    assert logged(world, event="refresh refused", subject="ida") and logged(world, "token", event="revoked")


@pytest.mark.parametrize("claims", [{"sub": "somebody-else"}, {"aud": "another"}, {"_claim_names": {"groups": "x"}}])
async def test_a_refresh_that_says_something_else_ends_the_login(world: World, provider: Provider, claims: dict[str, Any]) -> None:
    await log_in(world, provider)
    world.clock.ahead, provider.claims = 31, claims
    await look(world)
    assert not world.identity.tokens_of("login") and logged(world, event="refresh refused")


async def test_a_provider_that_is_away_ends_logins_when_their_time_is_over(world: World, provider: Provider) -> None:
    await log_in(world, provider)
    provider.is_down, world.clock.ahead = True, 31
    await look(world)
    assert world.identity.tokens_of("browser")
    world.clock.ahead = 61
    await look(world)
    assert not world.identity.tokens_of("browser") and logged(world, event="refresh failed")


async def test_without_a_refresh_token_a_login_lasts_as_long_as_it_is_believed(world: World, provider: Provider) -> None:
    provider.gives_refresh_tokens = False
    await log_in(world, provider)
    world.clock.ahead = 61
    assert not world.identity.tokens_of("browser")


async def test_a_login_outlives_a_restart_and_one_without_its_key_does_not(world: World, provider: Provider, tmp_path: Path) -> None:
    await log_in(world, provider)
    Recheck(world.oidc).restore()
    assert world.identity.tokens_of("browser")
    world.oidc.logins.drop(world.oidc.logins.all()[0].id)
    Recheck(world.oidc).restore()
    assert not world.identity.tokens_of("browser")


async def test_signing_out_ends_it_here_and_leads_to_the_provider(world: World, provider: Provider) -> None:
    browser, _ = await log_in(world, provider)
    page = await browser.get("/")
    answer = await browser.post("/logout", {"form": page.form("/logout")})
    url = urlsplit(answer.text.split('class="button" href="')[1].split('"')[0].replace("&amp;", "&"))
    assert f"{url.scheme}://{url.netloc}{url.path}" == f"{provider.issuer}/logout"
    query = parse_qs(url.query)
    assert query["post_logout_redirect_uri"] == [f"{world.url}/login"] and query["id_token_hint"][0].count(".") == 2
    assert not world.identity.tokens_of("browser") and not world.identity.tokens_of("login") and logged(world, event="logged out")
    kept = world.oidc.logins.all()[0].refresh_token
    await look(world)
    assert provider.revoked == [kept] and not world.oidc.logins.all()


async def test_another_sites_forms_do_nothing(world: World, provider: Provider) -> None:
    browser, _ = await log_in(world, provider)
    form = (await browser.get("/")).form("/logout")
    evil = {**BROWSING, "Origin": "https://evil.example"}
    assert (await browser.post("/logout", {"form": form}, headers=evil)).status == 403
    assert logged(world, "token", event="refused")[-1]["why"] == "wrong-origin"
    assert (await browser.post("/logout", {"form": "forged"})).status == 403
    assert "unknown" in logged(world, "token", event="refused")[-1]["why"]
    assert "signed in as <b>ida</b>" in (await browser.get("/")).text


async def test_a_login_that_cannot_be_kept_is_none(world: World, provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise RecordingFailed("logins.json cannot be kept: no space left on device")

    monkeypatch.setattr("jupyter_govern_gateway.identity.oidc.logins.write_private_json", full)
    browser, answer = await log_in(world, provider)
    assert answer.status == 503 and "govern" not in browser.cookies()
    assert not world.identity.tokens_of("login") and not world.oidc.logins.all()


async def test_a_full_disk_saves_no_login_and_does_not_end_the_checks(
    world: World, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise RecordingFailed("no space left")

    await log_in(world, provider)
    ended: list[str] = []
    [token] = world.identity.tokens_of("browser")
    world.identity.ties.tie(world.identity.lineage(token), what="session", name="s1", end=ended.append)
    world.clock.ahead = 61
    with monkeypatch.context() as disk:
        disk.setattr(world.recorder.log, "write", full)
        watching = asyncio.get_running_loop().create_task(Recheck(world.oidc).watch())
        await asyncio.sleep(0.05)
        assert not world.identity.tokens_of("browser") and len(ended) == 1
    assert not watching.done()
    watching.cancel()


async def test_a_provider_that_hangs_costs_no_other_providers_people_their_logins(
    world: World, provider: Provider, other: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(MAX_AT_ONCE + 1):
        await log_in(world, provider)
    browser = world.browser()
    asked = await browser.begin("other")
    await browser.come_back("other", state=asked["state"], code=other.code(asked))

    async def hangs(_: str) -> Granted:
        await asyncio.sleep(60)
        raise AssertionError("not so long")

    monkeypatch.setattr(world.oidc.flows["idp"], "refresh", hangs)
    world.clock.ahead = 31
    recheck = Recheck(world.oidc)
    recheck.look()
    assert other.asked.count("refresh_token") == 0
    await asyncio.sleep(0.3)
    assert other.asked.count("refresh_token") == 1
    for task in list(recheck._asking.values()):
        task.cancel()


@pytest.mark.parametrize("claims", [{}, {"sid": "another-s"}])
async def test_a_logout_with_a_session_reaches_logins_without_one(world: World, provider: Provider, claims: dict[str, Any]) -> None:
    """ID tokens need not say `sid`; then the `sub` is all there is to go by."""
    await log_in(world, provider, **claims)
    async with world.http.post(f"{world.url}/login/backchannel/idp", data={"logout_token": logout_token(provider, sid="s-9")}) as answer:
        assert answer.status == 200
    assert bool(world.identity.tokens_of("login")) == bool(claims)


async def test_who_takes_another_name_is_not_two_people(tmp_path: Path, provider: Provider) -> None:
    async with running(tmp_path, (provider.config(username_claim="preferred_username"),)) as world:
        await log_in(world, provider, sub="1", preferred_username="ida")
        [before] = world.identity.tokens_of("browser")
        ended: list[str] = []
        world.identity.ties.tie(world.identity.lineage(before), what="session", name="s1", end=ended.append)
        await log_in(world, provider, sub="1", preferred_username="ida.b")
        assert len(ended) == 1 and [token.subject for token in world.identity.tokens_of("browser")] == ["ida.b"]
        assert logged(world, "token", event="person renamed", subject="ida")
        # and whoever takes the old name gets nothing that was the other's, whoever takes the new one nothing at all
        await log_in(world, provider, sub="2", preferred_username="ida")
        assert sorted(token.subject for token in world.identity.tokens_of("browser")) == ["ida", "ida.b"]
        _, answer = await log_in(world, provider, sub="2", preferred_username="ida.b")
        assert answer.status == 403 and logged(world, event="failed")[-1]["why"] == "name"
        # until an administrator has ended what the first had
        world.identity.revoke_person("ida.b", by="ben", reason="has left")
        _, answer = await log_in(world, provider, sub="2", preferred_username="ida.b")
        assert answer.status == 303 and [token.subject for token in world.identity.tokens_of("browser")] == ["ida.b"]


def logout_token(provider: Provider, **more: Any) -> str:
    now = int(time.time())
    event = {"http://schemas.openid.net/event/backchannel-logout": {}}
    said = {"iss": provider.issuer, "aud": "gateway", "iat": now, "exp": now + 60, "jti": "j1", "sub": "ida", "events": event}
    return sign({key: value for key, value in {**said, **more}.items() if value is not None})


async def test_the_provider_can_log_out(world: World, provider: Provider) -> None:
    await log_in(world, provider, sid="s-1")
    path = f"{world.url}/login/backchannel/idp"
    for wrong in ({"nonce": "n"}, {"events": {}}, {"jti": None}, {"aud": "x"}, {"iat": 1_700_000_000}):
        async with world.http.post(path, data={"logout_token": logout_token(provider, **wrong)}) as answer:
            assert answer.status == 400
    async with world.http.post(path, data={"logout_token": logout_token(provider, sub=None, sid="another")}) as answer:
        assert answer.status == 200 and world.identity.tokens_of("login")
    right = logout_token(provider, sid="s-1", jti="j2")
    async with world.http.post(path, data={"logout_token": right}) as answer:
        assert answer.status == 200 and not world.identity.tokens_of("login")
    async with world.http.post(path, data={"logout_token": right}) as answer:
        assert answer.status == 400 and logged(world, event="logout refused")[-1]["why"] == "replayed"


async def test_what_a_browser_confirms_hangs_on_its_login(world: World, provider: Provider) -> None:
    browser, _ = await log_in(world, provider)
    started = await world.ask("POST", "device", json={"client": "cli"})
    page = await browser.get(f"/device?user_code={started.json['user_code']}")
    await browser.post("/device", {"form": page.form("/device"), "answer": "confirm"})
    token = await world.ask("POST", "device/token", json={"device_code": started.json["device_code"]})
    assert token.json["subject"] == "ida"
    assert (await world.ask("GET", "me", token.json["token"])).status == 200
    world.clock.ahead = 31
    provider.revoke_all()
    await look(world)
    assert (await world.ask("GET", "me", token.json["token"])).status == 401


async def test_a_provider_that_is_away_is_said(world: World, provider: Provider) -> None:
    provider.metadata = {"issuer": "https://evil.example"}
    browser = world.browser()
    answer = await browser.get("/login/oidc/idp", follow=False)
    await refused(world, browser, answer, "unavailable")
