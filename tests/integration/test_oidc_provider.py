"""The whole way with a real provider (Canaille, by pytest-iam) and a real PostgreSQL: login in a browser, a program's login confirmed
there, psql's connection, groups, key rotation, and a revocation at the provider that ends the open session."""

from __future__ import annotations

import asyncio
import datetime
import html
import re
import threading
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx
import psycopg
import pytest
from person import Person, hidden
from pgwire_rig import Rig
from pytest_iam import Server

from tests.unit.api.provider import Provider, providing, sign

SECRET = "the gateway's own"
PROVIDER = """
[[identity.oidc]]
name = "canaille"
label = "the staff directory"
issuer = "{issuer}"
client_id = "govern"
client_secret = {{ file = "client" }}
scopes = ["openid", "profile", "email", "groups"]
max_age_seconds = 10
"""
WORKLOAD = """
[[identity.workload]]
name = "reports"
issuer = "{issuer}"
audience = "https://govern.acme.example"
claims = {{ repository = "acme/reports", ref = "refs/heads/main" }}
groups = ["analysts"]
targets = ["shop"]
"""


class OidcRig(Rig):
    """The wire rig without local accounts, before a provider."""

    issuer = platform = ""

    def policy(self, more: str = "") -> str:
        (self.directory / "client").write_text(SECRET)
        text = super().policy(more).replace('[identity.local]\naccounts = "accounts.json"\n', "")
        return text + PROVIDER.format(issuer=self.issuer) + WORKLOAD.format(issuer=self.platform)

    def log(self, event: str) -> list[dict[str, Any]]:
        return [entry for entry in self.gateway_log() if entry.get("event") == event]


@pytest.fixture(scope="module")
def platform() -> Iterator[Provider]:
    """Where CI jobs get their tokens."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    running = providing()
    try:
        yield asyncio.run_coroutine_threadsafe(running.__aenter__(), loop).result(20)
    finally:
        asyncio.run_coroutine_threadsafe(running.__aexit__(None, None, None), loop).result(20)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.fixture(scope="module")
def rig(iam_server: Server, platform: Provider) -> Iterator[OidcRig]:
    started = OidcRig()
    started.issuer, started.platform = iam_server.url.rstrip("/"), platform.issuer
    with started:
        register(iam_server, started.app.api.url)
        yield started


def register(iam: Server, url: str) -> None:
    client = iam.models.Client(
        client_id="govern",
        client_name="jupyter-govern",
        client_secret=SECRET,
        client_id_issued_at=datetime.datetime.now(datetime.UTC),
        client_uri=url,
        redirect_uris=[f"{url}/login/callback/canaille"],
        post_logout_redirect_uris=[f"{url}/login"],
        grant_types=["authorization_code", "refresh_token"],
        response_types=["code"],
        scope=["openid", "profile", "email", "groups"],
        token_endpoint_auth_method="client_secret_basic",
        id_token_signed_response_alg="RS256",
    )
    iam.backend.save(client)
    iam.backend.update(client, audience=[client])
    iam.backend.save(client)


@pytest.fixture
def ida(iam_server: Server) -> Iterator[Any]:
    user = iam_server.models.User(
        user_name="ida", family_name="Ida", formatted_name="Ida", emails=["ida@example.org"], password="correct horse battery"
    )  # fmt: skip
    iam_server.backend.save(user)
    group = iam_server.models.Group(display_name="analysts", members=[user])
    iam_server.backend.save(group)
    yield user
    iam_server.backend.delete(group)
    iam_server.backend.delete(user)


@pytest.fixture
def person(rig: OidcRig) -> Iterator[Staff]:
    somebody = Staff(rig.app.api.url)
    yield somebody
    somebody.http.close()


class Staff(Person):
    def log_in(self, leads_to: str = "/") -> httpx.Response:
        page = self.http.get(f"{self.gateway}/login?next={leads_to}")
        assert "Sign in with the staff directory" in page.text and 'type="password"' not in page.text
        page = self.http.get(urljoin(self.gateway, html.unescape(re.findall(r'class="button" href="([^"]+)"', page.text)[0])))
        for answers in ({"login": "ida", "user_name": "ida"}, {"password": "correct horse battery"}):
            page = self.http.post(str(page.url), data={**hidden(page.text), **answers})
            assert page.status_code == 200, page.text
        return page


def connect(rig: OidcRig, token: str, user: str = "ida") -> psycopg.Connection[Any]:
    return psycopg.connect(
        host="127.0.0.1", port=rig.port, user=user, dbname="shop", password=token, sslmode="verify-full", sslrootcert=rig.authority,
        autocommit=True, connect_timeout=10,
    )  # fmt: skip


def test_from_the_browser_to_the_table_and_back_out(rig: OidcRig, iam_server: Server, ida: Any, person: Staff) -> None:
    page = person.log_in()
    assert "signed in as <b>ida</b>" in page.text
    with connect(rig, person.program_login("ida")) as connection:
        assert connection.execute("select email from customers where id = 1").fetchone() == ("*************mple",)
        [entry] = rig.log("succeeded")
        assert (entry["subject"], entry["groups"], entry["provider"]) == ("ida", ["analysts"], "canaille")
        for token in iam_server.backend.query(iam_server.models.Token):
            iam_server.backend.update(token, revokation_date=datetime.datetime.now(datetime.UTC))
            iam_server.backend.save(token)
        revoked_at = time.monotonic()
        with pytest.raises(psycopg.OperationalError):
            while time.monotonic() < revoked_at + 20:
                connection.execute("select 1")
                time.sleep(0.2)
        assert time.monotonic() - revoked_at < 11
    assert rig.log("refresh refused") or rig.log("refresh failed")
    assert str(person.http.get(f"{rig.app.api.url}/").url).startswith(f"{rig.app.api.url}/login")


def test_the_login_is_renewed_while_the_provider_confirms_it(rig: OidcRig, iam_server: Server, ida: Any, person: Staff) -> None:
    person.log_in()
    token = person.program_login("ida")
    time.sleep(11)
    with connect(rig, token) as connection:
        assert connection.execute("select 1").fetchone() == (1,)


def test_signing_out_leads_to_the_providers_own_sign_out(rig: OidcRig, iam_server: Server, ida: Any, person: Staff) -> None:
    page = person.submit(person.log_in(), "/logout")
    url = html.unescape(re.findall(r'class="button" href="([^"]+)"', page.text)[0])
    assert urlsplit(url).netloc == urlsplit(iam_server.url).netloc and "id_token_hint" in parse_qs(urlsplit(url).query)
    assert str(person.http.get(url).url) == f"{rig.app.api.url}/login"
    assert str(person.http.get(f"{rig.app.api.url}/").url).startswith(f"{rig.app.api.url}/login")


def test_a_ci_job_reads_a_table_with_its_platforms_token(rig: OidcRig, platform: Provider) -> None:
    now = int(time.time())
    job = {"iss": platform.issuer, "aud": "https://govern.acme.example", "sub": "repo:acme/reports", "iat": now, "exp": now + 300}
    token = sign({**job, "jti": "j-1", "repository": "acme/reports", "ref": "refs/heads/main"})
    asked = {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "subject_token": token,
    }
    with httpx.Client(trust_env=False) as http:
        given = http.post(f"{rig.app.api.url}/api/v1/token-exchange", data=asked).json()
        assert http.post(f"{rig.app.api.url}/api/v1/token-exchange", data=asked).status_code == 400
    with connect(rig, given["access_token"], "service/reports") as connection:
        assert connection.execute("select email from customers where id = 1").fetchone() == ("*************mple",)
    with pytest.raises(psycopg.OperationalError):
        connect(rig, given["access_token"], "ida")
    assert [entry["subject"] for entry in rig.log("workload succeeded")] == ["service/reports"]
    assert [entry["why"] for entry in rig.log("workload refused")] == ["replayed"]
