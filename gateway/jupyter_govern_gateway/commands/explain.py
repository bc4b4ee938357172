"""Explain what the policy makes of one statement: the decision, its rules, and the SQL that would be sent.

Connects to the target for its catalog; the statement itself is not run.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import psycopg

from jupyter_govern.config.load import load
from jupyter_govern.config.model import Config, Target
from jupyter_govern.errors import ConfigError, SyntaxProblem, TargetUnavailable
from jupyter_govern.model import Actor, Decision
from jupyter_govern_gateway.app import complain
from jupyter_govern_gateway.identity.accounts import LocalAccounts, accounts_file
from jupyter_govern_gateway.net.estimates import Estimates
from jupyter_govern_gateway.policy.snapshot import PolicySnapshot
from jupyter_govern_gateway.policy.standing import Standing
from jupyter_govern_gateway.reaches import TargetReaches
from jupyter_govern_gateway.sql.catalog_load import load_catalog
from jupyter_govern_gateway.sql.compiler import Compiled, compile_statement
from jupyter_govern_gateway.sql.governed import Governed, governed
from jupyter_govern_gateway.sql.naming import Naming


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("config", type=Path, metavar="FILE", help="govern.toml")
    parser.add_argument("--as", dest="user", required=True, metavar="USER", help="whose statement it would be")
    parser.add_argument("--groups", default="", metavar="G1,G2", help="that person's groups (default: those of the local account)")
    parser.add_argument("--on", dest="target", required=True, metavar="TARGET", help="the target")
    parser.add_argument("statement", metavar="SQL", help="the statement")


def run(args: argparse.Namespace) -> int:
    """0 for allow, 1 for block or a syntax error, 4 for approve. Raises ConfigError, TargetUnavailable."""
    config = load(args.config)
    directory = args.config.resolve().parent
    databases = config.postgresql_targets
    target = next((t for t in databases if t.name == args.target), None)
    if target is None:
        known = ", ".join(t.name for t in databases)
        raise ConfigError(f"there is no target {args.target!r} of kind postgresql; known: {known}", path=str(args.config))
    actor = Actor(subject=args.user, groups=_groups(args, config, directory), claims=_attributes(args, config, directory))
    snapshot = PolicySnapshot(config, args.config.read_bytes())
    with contextlib.closing(TargetReaches([target], directory)) as reaches:
        reaches.read()
        return _explain(args.statement, actor, snapshot, target, reaches.conninfos)


def _explain(statement: str, actor: Actor, snapshot: PolicySnapshot, target: Target, conninfos: Mapping[str, str]) -> int:
    standing = snapshot.standing(actor, target.name)
    try:
        catalog = load_catalog(conninfos[target.name])
    except psycopg.Error as error:
        raise TargetUnavailable(f"the catalog of {target.name} cannot be read: {error}") from error
    try:
        compiled = compile_statement(
            statement, catalog=catalog, naming=Naming(database=target.database, user=target.user), standing=standing
        )
    except SyntaxProblem as problem:
        complain(f"syntax error at position {problem.position}: {problem}")
        return 1
    if standing.estimates and snapshot.decide(actor, target.name, replace(compiled.facts, estimated_rows=0)).effect != "block":
        naming = Naming(database=target.database, user=target.user)
        compiled = asyncio.run(Estimates(conninfos).of(target.name, compiled, naming))
    decision = snapshot.decide(actor, target.name, compiled.facts)
    _print(actor, decision, compiled)
    _print_relations(compiled, governed(catalog, standing), standing)
    if standing.content:
        print(f"looked for in the texts of the result: {', '.join(name for name, _ in standing.content)}")
    if decision.effect != "block":
        print("sent:" if compiled.sql != compiled.source else "sent as it is:")
        print("  " + compiled.sql.replace("\n", "\n  "))
    return {"allow": 0, "approve": 4}.get(decision.effect, 1)


def _groups(args: argparse.Namespace, config: Config, directory: Path) -> frozenset[str]:
    if args.groups:
        return frozenset(group.strip() for group in args.groups.split(",") if group.strip())
    file = accounts_file(config.identity, directory)
    groups = LocalAccounts(file).groups(args.user)
    if groups is None:
        raise ConfigError(f"there is no local account {args.user!r}: give --groups", path=str(file or ""))
    return groups


def _attributes(args: argparse.Namespace, config: Config, directory: Path) -> tuple[tuple[str, str], ...]:
    try:
        return LocalAccounts(accounts_file(config.identity, directory)).attributes(args.user)
    except ConfigError:
        return ()


def _print(actor: Actor, decision: Decision, compiled: Compiled) -> None:
    print(f"{actor.subject} ({', '.join(sorted(actor.groups)) or 'no groups'}): {decision.effect.upper()}")
    print(f"  {decision.reason}")
    for rule in decision.rules:
        print(f"  rule {rule.name!r}: {rule.because}")
    if decision.effect == "approve":
        who = sorted(decision.approver_groups | decision.approver_users)
        print(f"  approvers: {', '.join(who)}, within {decision.approval_seconds:.0f} seconds")
    for limit in decision.limits:
        print(f"  limit {limit.rule.name!r}: {limit.rows or 'any number of'} rows, {limit.seconds or 'any number of'} seconds")
    facts = compiled.facts
    print(f"kinds:  {', '.join(sorted(facts.kinds))}" + (f"   traits: {', '.join(sorted(facts.traits))}" if facts.traits else ""))
    for access in facts.accesses:
        columns = "all columns" if access.columns is None else ", ".join(sorted(access.columns)) or "no columns"
        print(f"{access.verb + ':':8}{access.resource} ({columns})")
    for output in compiled.masked_outputs:
        print(f"masked: {output.name} ({output.format} of {output.column}, rule {output.rule!r})")


def _print_relations(compiled: Compiled, scope: Governed, standing: Standing) -> None:
    """Relation by relation, what is put in its place and why."""
    for access in compiled.facts.accesses:
        schema, _, name = access.resource.partition(".")
        key = (schema, name)
        if not scope.touches(key):
            continue
        what = "expanded, since it is a view over what is hidden" if key in scope.derived else "read through its masks"
        print(f"hidden: {access.resource} is {'not readable: it cannot be masked' if key in scope.opaque else what}")
        for column, mask in sorted(scope.masks.get(key, {}).items()):
            way = f" below {'.'.join(mask.path)}" if mask.path else ""
            print(f"        {column}{way}: {mask.format} (rule {mask.rule.name!r}: {mask.rule.because})")
        for condition in standing.filters:
            if condition.covers(*key):
                print(f"        rows where {condition.condition} (rule {condition.rule.name!r}: {condition.rule.because})")
