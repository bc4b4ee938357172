"""An OpenID Connect provider for the JupyterHub demo and its tests: Canaille, in memory, on loopback. Never for anything else.

    python -m jupyter_govern.demo.provider SETTINGS.json

SETTINGS: {"port", "people": {name: [password, [group, …]]}, "clients": {id: {"secret", "redirect_uris": […]}}, "signing_key": PEM or
absent}. Everything it knows is in that file and in its memory: passwords of the demo, tokens over plain http. It trusts its clients, so
nobody is asked for consent.
"""

from __future__ import annotations

import datetime
import json
import os
import secrets
import sys
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

SCOPES = ["openid", "profile", "email", "groups"]


class Threading(ThreadingMixIn, WSGIServer):
    """A browser keeps idle connections; they must not hold up the next request."""

    daemon_threads = True


class Quiet(WSGIRequestHandler):
    """Requests hold codes and tokens: none is written down."""

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


def application(settings: dict[str, Any]) -> Any:
    """Canaille with the people, groups and clients of `settings`."""
    os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"  # plain http, which is why this is on loopback only
    from canaille import create_app
    from canaille.backends import Backend

    app = create_app(config=_configuration(settings), env_file=None)
    with app.app_context():
        _fill(Backend.instance, settings)
    return app


def serve(settings: dict[str, Any]) -> None:
    """Until the process ends."""
    with make_server("localhost", int(settings["port"]), application(settings), server_class=Threading, handler_class=Quiet) as server:
        print("ready", flush=True)
        server.serve_forever()


def _configuration(settings: dict[str, Any]) -> dict[str, Any]:
    from joserfc.jwk import JWKRegistry, RSAKey

    given = settings.get("signing_key")
    key: Any = RSAKey.import_key(given) if given else JWKRegistry.generate_key("RSA", 2048)
    key.ensure_kid()
    return {
        "SECRET_KEY": secrets.token_urlsafe(32),
        "PREFERRED_URL_SCHEME": "http",
        "SERVER_NAME": f"localhost:{settings['port']}",
        "CANAILLE": {
            "DATABASE": "memory",
            "NAME": "Demo provider",
            "JAVASCRIPT": False,
            "ACL": {"DEFAULT": {"PERMISSIONS": ["use_oidc"]}},
            "LOGGING": {"version": 1, "disable_existing_loggers": False},
        },
        "CANAILLE_OIDC": {
            "REQUIRE_NONCE": False,  # oauthenticator sends none
            "TRUSTED_DOMAINS": ["localhost", "127.0.0.1"],
            "ACTIVE_JWKS": [key.as_dict(private=True)],
        },
    }


def _fill(backend: Any, settings: dict[str, Any]) -> None:
    from canaille.app import models

    groups: dict[str, list[Any]] = {}
    for name, (password, member_of) in settings["people"].items():
        user = models.User(user_name=name, family_name=name, formatted_name=name.title(), emails=[f"{name}@example.org"], password=password)
        backend.save(user)
        for group in member_of:
            groups.setdefault(group, []).append(user)
    for name, members in groups.items():
        backend.save(models.Group(display_name=name, members=members))
    now = datetime.datetime.now(datetime.UTC)
    for identifier, client in settings["clients"].items():
        made = models.Client(
            client_id=identifier,
            client_name=identifier,
            client_secret=client["secret"],
            client_id_issued_at=now,
            client_uri="http://localhost",
            redirect_uris=client["redirect_uris"],
            post_logout_redirect_uris=client.get("post_logout_redirect_uris", []),
            grant_types=["authorization_code", "refresh_token"],
            response_types=["code"],
            scope=SCOPES,
            token_endpoint_auth_method="client_secret_basic",  # noqa: S106 (names of a method and an algorithm)
            id_token_signed_response_alg="RS256",  # noqa: S106
        )
        backend.save(made)
        backend.update(made, audience=[made])
        backend.save(made)


if __name__ == "__main__":
    serve(json.loads(Path(sys.argv[1]).read_text()))
