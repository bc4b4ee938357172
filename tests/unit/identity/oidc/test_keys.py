"""Keys and discovery over HTTP: rotation without a storm, and answers that are none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from jupyter_govern_gateway.identity.oidc import fetch
from jupyter_govern_gateway.identity.oidc.discovery import RETRY_SECONDS, Discovery, metadata
from jupyter_govern_gateway.identity.oidc.errors import ProviderUnavailable
from jupyter_govern_gateway.identity.oidc.keys import KEYS_LAST_SECONDS, KEYS_SECONDS, REFETCH_SECONDS, Keys, signing_keys
from tests.unit.identity.oidc.signing import ISSUER, jwk


class Issuer:
    """What an issuer publishes, how often it was asked, and a clock."""

    def __init__(self) -> None:
        self.keys, self.asked, self.now = [jwk("rsa")], 0, 1000.0
        self.answer: Callable[[], httpx.Response] = lambda: httpx.Response(200, json={"keys": self.keys})
        self.http = httpx.AsyncClient(transport=httpx.MockTransport(self._serve))

    def _serve(self, _: httpx.Request) -> httpx.Response:
        self.asked += 1
        return self.answer()

    def all_keys(self) -> Keys:
        async def where() -> str:
            return f"{ISSUER}/keys"

        return Keys(where, self.http, lambda: self.now)


async def test_keys_are_kept_and_a_new_one_is_found() -> None:
    issuer = Issuer()
    keys = issuer.all_keys()
    for _ in range(3):
        assert await keys.for_kid("rsa")
    assert issuer.asked == 1
    issuer.keys.append(jwk("rsa-2"))
    issuer.now += REFETCH_SECONDS
    assert len(await keys.for_kid("rsa-2")) == 2 and issuer.asked == 2


async def test_unknown_keys_do_not_make_a_storm() -> None:
    issuer = Issuer()
    keys = issuer.all_keys()
    for number in range(100):
        await keys.for_kid(f"unknown-{number}")
        issuer.now += 0.5
    assert issuer.asked <= 50 / REFETCH_SECONDS + 1


async def test_withdrawn_keys_go() -> None:
    issuer = Issuer()
    keys = issuer.all_keys()
    await keys.for_kid("rsa")
    issuer.keys, issuer.now = [jwk("rsa-2")], issuer.now + KEYS_SECONDS
    assert [key["kid"] for key in await keys.for_kid("rsa")] == ["rsa-2"]


async def test_an_issuer_that_is_away_is_believed_for_an_hour_and_no_longer() -> None:
    issuer = Issuer()
    keys = issuer.all_keys()
    await keys.for_kid("rsa")
    issuer.answer = lambda: httpx.Response(503)
    issuer.now += KEYS_LAST_SECONDS
    assert await keys.for_kid("rsa")
    issuer.now += REFETCH_SECONDS
    with pytest.raises(ProviderUnavailable):
        await keys.for_kid("rsa")


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(302, headers={"Location": "https://evil.example/keys"}),
        httpx.Response(200, text="not json"),
        httpx.Response(200, json=["keys"]),
        httpx.Response(200, json={"keys": {}}),
        httpx.Response(200, json={"keys": [{}] * 65}),
        httpx.Response(200, content=b'{"keys": "' + b"x" * (fetch.MAX_BYTES + 1) + b'"}'),
        httpx.Response(200, content=b"[" * 200_000),
    ],
)
async def test_answers_that_are_none(answer: httpx.Response) -> None:
    issuer = Issuer()
    issuer.answer = lambda: answer
    with pytest.raises(ProviderUnavailable):
        await issuer.all_keys().for_kid("rsa")


def test_symmetric_and_encryption_keys_are_no_signing_keys() -> None:
    keys: list[Any] = [{"kty": "oct", "k": "AA"}, jwk("rsa", use="enc"), "text", jwk("ec")]
    assert [key["kid"] for key in signing_keys({"keys": keys})] == ["ec"]


async def test_discovery_is_kept_and_failures_are_not_repeated_at_once() -> None:
    issuer = Issuer()
    discovery = Discovery(ISSUER, issuer.http, lambda: issuer.now)
    issuer.answer = lambda: httpx.Response(500)
    for _ in range(3):
        with pytest.raises(ProviderUnavailable):
            await discovery.get()
    assert issuer.asked == 1
    issuer.now += RETRY_SECONDS
    issuer.answer = lambda: httpx.Response(200, json={"issuer": ISSUER, "jwks_uri": f"{ISSUER}/keys"})
    assert (await discovery.get()).jwks_uri == (await discovery.get()).jwks_uri and issuer.asked == 2


@pytest.mark.parametrize(
    "wrong",
    [
        {"issuer": f"{ISSUER}/"},
        {"issuer": None},
        {"jwks_uri": ""},
        {"jwks_uri": "http://idp.example.com/keys"},
        {"token_endpoint": "file:///etc/passwd"},
        {"authorization_endpoint": "https://user:password@idp.example.com/"},
    ],
)
def test_discovery_documents_that_are_not_believed(wrong: dict[str, Any]) -> None:
    with pytest.raises(ProviderUnavailable):
        metadata({"issuer": ISSUER, "jwks_uri": f"{ISSUER}/keys", **wrong}, ISSUER)
