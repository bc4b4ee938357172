"""What [identity.jupyterhub] is put together to: names of every provider are known to it, SAML ones too."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from jupyter_govern.config.model import IdentityConfig
from jupyter_govern_gateway.identity.hub.proof import IdTokenRefused
from jupyter_govern_gateway.identity.hub.setup import hub_parts
from jupyter_govern_gateway.identity.service import LocalIdentity
from jupyter_govern_gateway.recorder.log import GatewayLog
from tests.unit.api.provider import providing


async def test_a_hubs_id_token_names_nobody_of_a_saml_provider(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUB_SERVICE_TOKEN", "service-token-0000001")
    log = GatewayLog(tmp_path, time.time)
    identity = LocalIdentity(accounts=None, state_dir=tmp_path, secret=b"s", log=log, clock=time.time)
    async with providing() as provider:
        config = IdentityConfig.model_validate(
            {
                "oidc": [provider.config().model_dump(include={"name", "issuer", "client_id"})],
                "saml": [{"name": "corp", "idp_metadata": "idp.xml", "prefix": "corp:"}],
                "jupyterhub": {
                    "api_url": "http://127.0.0.1:8081/hub/api",
                    "proxy_url": "http://127.0.0.1:8000",
                    "token": {"env": "HUB_SERVICE_TOKEN"},
                    "oidc": "idp",
                    "client_id": "gateway",
                },
            }
        )
        parts = hub_parts(config, directory=tmp_path, identity=identity, log=log, clock=time.time)
        assert parts is not None
        try:
            assert (await parts.id_tokens.verify(provider.id_token(None))).subject == "ida"
            provider.claims = {"sub": "corp:ceo"}
            with pytest.raises(IdTokenRefused, match="begins like"):
                await parts.id_tokens.verify(provider.id_token(None))
        finally:
            await parts.close()
