"""Check a govern.toml and list everything that is wrong with it."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

from jupyter_govern.config.load import examine
from jupyter_govern.config.model import Config, Target
from jupyter_govern.config.saml import SamlConfig
from jupyter_govern.errors import ConfigError
from jupyter_govern_gateway.app import complain
from jupyter_govern_gateway.identity.accounts import LocalAccounts, accounts_file
from jupyter_govern_gateway.reaches import reach_of, said_unverified, unverified
from jupyter_govern_gateway.sql import filters
from jupyter_govern_gateway.tls import listener_tls


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("config", type=Path, metavar="FILE", help="govern.toml")


def run(args: argparse.Namespace) -> int:
    """0 if it is right, 2 and every problem on stderr if not. Secrets and accounts are looked for too."""
    config, problems = examine(args.config)
    if config is not None:
        directory = args.config.resolve().parent
        references = [("gateway.hash_key", config.gateway.hash_key)]
        references += [(f"target.{target.name}.private_key", target.private_key) for target in config.ssh_targets]
        references += [(f"target.{target.name}.password", target.password) for target in config.ssh_targets]
        references += [("gateway.recording.signing_key", config.gateway.recording.signing_key)]
        references += [(f"identity.oidc.{provider.name}.client_secret", provider.client_secret) for provider in config.identity.oidc]
        for key, reference in references:
            if reference is not None:
                problems += _attempt(args.config, partial(reference.read, directory, key))
        for target in config.postgresql_targets:
            problems += _attempt(args.config, partial(_reach, target, directory))
        problems += _attempt(args.config, partial(_certificate, config, directory))
        for provider in config.identity.saml:
            problems += _attempt(args.config, partial(_saml, provider, directory))
        for rule in config.rule:
            if rule.rows and (why := filters.problem_of(re.sub(r":actor\.[A-Za-z0-9_-]+", "''", rule.rows))):
                problems.append(ConfigError(why, path=str(args.config), key=f"rule.{rule.name}.rows"))
        try:
            LocalAccounts(accounts_file(config.identity, directory))
        except ConfigError as broken:
            problems.append(broken)
        for target in unverified(config):
            complain(f"WARNING: {said_unverified(target)}")
    for problem in problems:
        complain(str(problem))
    if problems or config is None:
        complain(f"{args.config}: {len(problems)} problem{'s' if len(problems) != 1 else ''}")
        return 2
    print(f"{args.config}: right ({len(config.target)} targets, {len(config.rule)} rules)")
    return 0


def _attempt(path: Path, act: Callable[[], object]) -> list[ConfigError]:
    try:
        act()
    except ConfigError as problem:
        return [ConfigError(problem.message, path=str(path), key=problem.key)]
    return []


def _reach(target: Target, directory: Path) -> None:
    """Whether its secrets and certificates can be read; it is not connected to."""
    if (key := reach_of(target, directory).key) is not None:
        key.close()


def _saml(provider: SamlConfig, directory: Path) -> None:
    """Its metadata and certificates; the extra, and xmlsec1."""
    try:
        from jupyter_govern_gateway.identity.saml.partner import Partner
    except ModuleNotFoundError as missing:
        what = f"{missing.name} is not installed here: pip install 'jupyter-govern[saml]'"
        raise ConfigError(what, key=f"identity.saml.{provider.name}") from None
    Partner(provider, directory)


def _certificate(config: Config, directory: Path) -> None:
    """Only one of the operator's own: a local authority is not made by a check."""
    tls = config.gateway.tls
    if tls is None or not tls.certificate:
        return
    if end := listener_tls(tls, directory, directory, ()).ends_soon():
        complain(f"WARNING: the certificate of the listeners ends on {end}")
