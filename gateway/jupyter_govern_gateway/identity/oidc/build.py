"""The providers of govern.toml → flows, verifiers and the logins that live. Reads secrets, asks no provider yet."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from cryptography.fernet import Fernet

from jupyter_govern import private_files
from jupyter_govern.config.identity import OidcConfig
from jupyter_govern.errors import ConfigError
from jupyter_govern_gateway.identity.oidc.flow import Flow
from jupyter_govern_gateway.identity.oidc.logins import Logins
from jupyter_govern_gateway.identity.oidc.service import OidcLogins
from jupyter_govern_gateway.identity.oidc.verifier import Verifier
from jupyter_govern_gateway.identity.service import Identity
from jupyter_govern_gateway.recorder.log import GatewayLog

LOGINS: Final = "logins.json"


def verifiers(
    providers: tuple[OidcConfig, ...], directory: Path, clock: Callable[[], float], other_prefixes: Sequence[str] = ()
) -> dict[str, Verifier]:
    """One for each provider, by name; other_prefixes: of providers of other kinds. Raises ConfigError where `ca` cannot be used."""
    prefixes = [*other_prefixes, *(provider.prefix for provider in providers)]
    return {provider.name: _verifier(provider, directory, clock, prefixes) for provider in providers}


def oidc_logins(
    providers: tuple[OidcConfig, ...],
    *,
    verifiers: dict[str, Verifier],
    directory: Path,
    state: Path,
    identity: Identity,
    log: GatewayLog,
    clock: Callable[[], float],
) -> OidcLogins:
    """Raises ConfigError."""
    flows = {
        provider.name: Flow(provider, verifiers[provider.name], secret=_secret(provider, directory), directory=directory)
        for provider in providers
    }
    logins = Logins(state / LOGINS, login_key(state / "logins.key"))
    return OidcLogins(flows=flows, logins=logins, identity=identity, log=log, clock=clock)


def login_key(path: Path) -> bytes:
    """The key that refresh tokens are kept under, made once with mode 0600."""
    if not path.exists():
        private_files.replace(path, Fernet.generate_key())
    return path.read_bytes()


def _verifier(provider: OidcConfig, directory: Path, clock: Callable[[], float], prefixes: list[str]) -> Verifier:
    try:
        return Verifier(provider, directory, clock, prefixes=prefixes)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"cannot be used: {error}", key=f"identity.oidc.{provider.name}.ca") from error


def _secret(provider: OidcConfig, directory: Path) -> str:
    key = f"identity.oidc.{provider.name}.client_secret"
    return provider.client_secret.read(directory, key) if provider.client_secret is not None else ""
