"""A workload's own OIDC token for a gateway token of minutes; what does not fit a rule gets nothing and is on record."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from pydantic import ValidationError

from jupyter_govern.config.identity import WorkloadConfig
from jupyter_govern_gateway.api.workload import EXCHANGE, TOKEN_TYPES
from jupyter_govern_gateway.identity.oidc.errors import TokenRefused
from jupyter_govern_gateway.identity.workload import Workloads, _fits
from tests.unit.identity.oidc.signing import jwk

from .provider import Provider, providing, sign
from .world import Answer, World, running

RULE = {"repository": "acme/reports", "ref": ("refs/heads/main", "refs/tags/v*")}


@pytest_asyncio.fixture
async def issuer() -> AsyncIterator[Provider]:
    async with providing() as started:
        yield started


def workload(issuer: Provider, **more: Any) -> WorkloadConfig:
    said = {"name": "reports", "issuer": issuer.issuer, "audience": "https://govern.acme.example", "claims": RULE, "groups": ["analysts"]}
    return WorkloadConfig.model_validate({**said, **more})


@pytest_asyncio.fixture
async def world(tmp_path: Path, issuer: Provider) -> AsyncIterator[World]:
    more = workload(issuer, name="deploys", claims={"repository": "acme/*", "environment": "production"}, targets=["elsewhere"])
    async with running(tmp_path, workloads=(workload(issuer), more)) as started:
        yield started


def job(issuer: Provider, **more: Any) -> dict[str, Any]:
    """What GitHub says of a job."""
    now = int(time.time())
    said = {"iss": issuer.issuer, "aud": "https://govern.acme.example", "sub": "repo:acme/reports:ref:refs/heads/main", "iat": now}
    said |= {"exp": now + 300, "jti": f"j-{time.monotonic_ns()}", "repository": "acme/reports", "ref": "refs/heads/main"}
    return {key: value for key, value in {**said, **more}.items() if value is not None}


async def exchange(world: World, token: str, **more: str) -> Answer:
    body = {"grant_type": EXCHANGE, "subject_token": token, "subject_token_type": TOKEN_TYPES[0], **more}
    return await world.ask("POST", "token-exchange", data=body)


def recorded(world: World) -> dict[str, Any]:
    entries = [json.loads(line) for line in world.recorder.log.path.read_text().splitlines()]
    found: dict[str, Any] = [entry for entry in entries if str(entry.get("event", "")).startswith("workload")][-1]
    return found


async def test_a_fresh_token_is_exchanged(world: World, issuer: Provider) -> None:
    answer = await exchange(world, sign(job(issuer)))
    assert answer.status == 200, answer.text
    said = answer.json
    assert (said["token_type"], said["expires_in"], said["subject"], said["groups"]) == ("Bearer", 900, "service/reports", ["analysts"])
    me = await world.ask("GET", "me", said["access_token"])
    assert (me.json["kind"], me.json["subject"]) == ("workload", "service/reports")
    assert (await world.ask("GET", "targets", said["access_token"])).status == 200
    for method, path, body in (
        ("POST", "tokens", {"kernel_id": "k"}),
        ("POST", "credentials", {"target": "shop"}),
        ("GET", "approvals", None),
        ("GET", "sessions", None),
    ):
        assert (await world.ask(method, path, said["access_token"], json=body)).status == 403
    entry = recorded(world)
    assert (entry["event"], entry["subject"], entry["claims"]["ref"]) == ("workload succeeded", "service/reports", "refs/heads/main")
    assert said["access_token"] not in world.recorder.log.path.read_text()
    world.clock.ahead = 901
    assert (await world.ask("GET", "me", said["access_token"])).status == 401


async def test_a_token_for_one_target(world: World, issuer: Provider) -> None:
    answer = await exchange(world, sign(job(issuer)), audience="shop")
    assert answer.json["targets"] == ["shop"]
    answer = await exchange(world, sign(job(issuer)), audience="nowhere")
    assert (answer.status, answer.code) == (400, "invalid_target")
    assert all("nowhere" not in token.targets for token in world.identity.tokens_of("workload"))
    answer = await exchange(world, sign(job(issuer, ref="x", environment="production")), audience="shop")
    assert (answer.status, answer.code) == (400, "invalid_grant") and recorded(world)["why"] == "no-rule"


async def test_each_token_is_taken_once(world: World, issuer: Provider, tmp_path: Path) -> None:
    token = sign(job(issuer))
    assert (await exchange(world, token)).status == 200
    assert (await exchange(world, token)).code == "invalid_grant" and recorded(world)["why"] == "replayed"
    # nor by a gateway that was started anew
    again = Workloads(
        (workload(issuer),), directory=tmp_path, state=tmp_path, identity=world.identity, log=world.recorder.log, clock=world.clock
    )
    with pytest.raises(TokenRefused, match="replayed"):
        await again.exchange(token, address="127.0.0.1")
    await again.close()
    same_jti = sign(job(issuer, jti=json.loads(_payload(token))["jti"], extra=1))
    assert (await exchange(world, same_jti)).code == "invalid_grant"
    without = sign(job(issuer, jti=None))
    assert (await exchange(world, without)).status == 200
    assert (await exchange(world, without)).code == "invalid_grant" and recorded(world)["why"] == "replayed"


def _payload(token: str) -> bytes:
    import base64

    part = token.split(".")[1]
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"repository": "acme/reports-evil"}, "no-rule"),
        ({"repository": "evil/reports"}, "no-rule"),
        ({"repository": None}, "no-rule"),
        ({"repository": ["acme/reports"]}, "no-rule"),
        ({"ref": "refs/pull/7/merge"}, "no-rule"),
        ({"ref": "refs/heads/main\n"}, "no-rule"),
        ({"ref": "refs/heads/mainx"}, "no-rule"),
        ({"aud": "https://other.example"}, "audience"),
        ({"iss": "https://evil.example"}, "issuer"),
        ({"exp": 1_700_000_000}, "expired"),
        ({"exp": 4_000_000_000}, "expired"),
        ({"exp": None}, "missing-claim"),
        ({"nbf": 4_000_000_000}, "not-yet-valid"),
    ],
)
async def test_what_fits_no_rule_gets_nothing(world: World, issuer: Provider, more: dict[str, Any], why: str) -> None:
    answer = await exchange(world, sign(job(issuer, **more)))
    assert (answer.status, answer.code) == (400, "invalid_grant")
    assert (recorded(world)["event"], recorded(world)["why"]) == ("workload refused", why)
    assert not world.identity.tokens_of("workload")


async def test_forged_tokens_get_nothing(world: World, issuer: Provider) -> None:
    for token, why in (
        (sign(job(issuer), "rsa-attacker", kid="rsa", jwk=jwk("rsa-attacker")), "signature"),
        (sign(job(issuer), "rsa-attacker"), "unknown-key"),
        ("x.y.z", "malformed"),
    ):
        assert (await exchange(world, token)).code == "invalid_grant"
        assert recorded(world)["why"] == why


async def test_where_several_fit_one_is_named(world: World, issuer: Provider) -> None:
    both = {"environment": "production"}
    assert (await exchange(world, sign(job(issuer, **both)))).code == "invalid_grant" and recorded(world)["why"] == "ambiguous"
    answer = await exchange(world, sign(job(issuer, **both)), scope="reports")
    assert answer.json["subject"] == "service/reports"
    assert (await exchange(world, sign(job(issuer, **both)), scope="nobody")).code == "invalid_grant"


async def test_the_request_is_the_rfcs(world: World, issuer: Provider) -> None:
    assert (await exchange(world, sign(job(issuer)), grant_type="password")).code == "bad-request"
    assert (await exchange(world, sign(job(issuer)), actor_token="x")).code == "bad-request"
    body = {"grant_type": EXCHANGE, "subject_token": sign(job(issuer)), "subject_token_type": TOKEN_TYPES[0]}
    assert (await world.ask("POST", "token-exchange", json=body)).status == 200


def test_rules_that_fit_strangers_are_no_rules(issuer: Provider) -> None:
    for wrong in ({}, {"repository": "*"}, {"repository": "*/reports"}, {"repository": ("acme/x", "?")}, {"repository": ()}):
        with pytest.raises(ValidationError):
            workload(issuer, claims=wrong)
    with pytest.raises(ValidationError):
        workload(issuer, token_seconds=901)


@pytest.mark.parametrize(
    ("value", "pattern", "fits"),
    [("a.b", "a.b", True), ("axb", "a.b", False), ("a[b", "a[b", True), ("ab", "a?", True), ("a\nb", "a*", True), ("A", "a", False)],
)
def test_patterns(value: str, pattern: str, fits: bool) -> None:
    assert _fits(value, pattern) is fits
