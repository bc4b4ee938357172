"""Check a govern.toml and list everything that is wrong with it."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from jupyter_govern.config.load import examine
from jupyter_govern.config.secrets import SecretReference
from jupyter_govern.errors import ConfigError
from jupyter_govern_gateway.app import complain
from jupyter_govern_gateway.identity.accounts import LocalAccounts, accounts_file
from jupyter_govern_gateway.sql import filters


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("config", type=Path, metavar="FILE", help="govern.toml")


def run(args: argparse.Namespace) -> int:
    """0 if it is right, 2 and every problem on stderr if not. Secrets and accounts are looked for too."""
    config, problems = examine(args.config)
    if config is not None:
        directory = args.config.resolve().parent
        references = [("gateway.hash_key", config.gateway.hash_key)]
        references += [(f"target.{target.name}.password", target.password) for target in config.target]
        references += [(f"identity.oidc.{provider.name}.client_secret", provider.client_secret) for provider in config.identity.oidc]
        for key, reference in references:
            problems += _unreadable(reference, directory, key, args.config)
        for rule in config.rule:
            if rule.rows and (why := filters.problem_of(re.sub(r":actor\.[A-Za-z0-9_-]+", "''", rule.rows))):
                problems.append(ConfigError(why, path=str(args.config), key=f"rule.{rule.name}.rows"))
        try:
            LocalAccounts(accounts_file(config.identity, directory))
        except ConfigError as broken:
            problems.append(broken)
    for problem in problems:
        complain(str(problem))
    if problems or config is None:
        complain(f"{args.config}: {len(problems)} problem{'s' if len(problems) != 1 else ''}")
        return 2
    print(f"{args.config}: right ({len(config.target)} targets, {len(config.rule)} rules)")
    return 0


def _unreadable(reference: SecretReference | None, directory: Path, key: str, path: Path) -> list[ConfigError]:
    if reference is None:
        return []
    try:
        reference.read(directory, key)
    except ConfigError as problem:
        return [ConfigError(problem.message, path=str(path), key=key)]
    return []
