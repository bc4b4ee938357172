"""Decisions: strictest wins, order does not matter, nothing allowed is blocked, what cannot be judged is blocked."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_govern.config.model import Config
from jupyter_govern.model import Access, Actor, Decision, Facts
from jupyter_govern_gateway.policy.snapshot import PolicySnapshot

ANA = Actor(subject="ana", groups=frozenset({"analysts"}))
BEN = Actor(subject="ben", groups=frozenset({"dba"}))
READ = Facts(kinds=frozenset({"select"}), accesses=(Access(verb="read", resource="public.orders"),))
DELETE = Facts(
    kinds=frozenset({"delete"}), traits=frozenset({"without-where"}), accesses=(Access(verb="write", resource="public.orders"),)
)
DROP = Facts(kinds=frozenset({"drop"}), accesses=(Access(verb="define", resource="public.orders"),))

RULES: list[dict[str, Any]] = [
    {"name": "read", "because": "r", "effect": "allow", "who": {"groups": ["analysts"]}, "on": {"verbs": ["connect", "read"]}},
    {"name": "write", "because": "w", "effect": "allow", "who": {"groups": ["analysts"]}, "on": {"verbs": ["write"], "resources": ["public.*"]}},
    {"name": "no drop", "because": "d", "effect": "block", "on": {"kinds": ["drop"]}, "hint": "ask"},
    {"name": "four eyes", "because": "f", "effect": "approve", "on": {"traits": ["without-where"]}, "approvers": {"groups": ["dba"]}},
    {"name": "mail", "because": "m", "effect": "mask", "on": {"columns": ["public.customers.email"]}, "mask": {"format": "partial"}},
    {"name": "mail2", "because": "m", "effect": "mask", "on": {"columns": ["public.*.email"]}, "mask": {"format": "redact"}},
]

RUN: dict[str, Any] = {"name": "run", "because": "x", "effect": "allow", "who": {"groups": ["analysts"]}, "on": {"verbs": ["execute", "read"]}}


def policy(rules: list[dict[str, Any]]) -> PolicySnapshot:
    return PolicySnapshot(Config.model_validate({"rule": rules}), b"text")


def decide(facts: Facts, actor: Actor = ANA, rules: list[dict[str, Any]] | None = None) -> Decision:
    return policy(rules if rules is not None else RULES).decide(actor, "shop", facts)


def test_every_access_needs_an_allow() -> None:
    assert decide(READ).effect == "allow"
    refused = decide(READ, BEN)
    assert refused.effect == "block" and "no rule allows read of public.orders" in refused.reason
    both = Facts(kinds=frozenset({"select"}), accesses=(*READ.accesses, Access(verb="execute", resource="public.f")))
    assert "execute of public.f" in decide(both).reason


def test_block_beats_approve_beats_allow() -> None:
    assert decide(DELETE).effect == "approve"
    assert decide(DELETE).approver_groups == {"dba"}
    blocked = decide(DROP)
    assert (blocked.effect, blocked.rules[0].name, blocked.hint) == ("block", "no drop", "ask")
    everything = Facts(kinds=frozenset({"drop", "delete"}), traits=frozenset({"without-where"}), accesses=DELETE.accesses)
    assert decide(everything).effect == "block"


def test_approval_does_not_allow_by_itself() -> None:
    assert decide(DELETE, BEN).effect == "block"


def test_what_cannot_be_judged_is_blocked_only_where_something_could_be_hidden_or_forbidden() -> None:
    unjudged = Facts(kinds=frozenset({"select"}), accesses=READ.accesses, unjudged="function f runs code")
    assert "function f runs code" in decide(unjudged).reason
    assert decide(unjudged, rules=[*RULES[:2], RUN]).effect == "allow"


def test_a_statement_without_accesses_needs_some_allow() -> None:
    nothing = Facts(kinds=frozenset({"transaction"}))
    assert decide(nothing).effect == "allow"
    assert decide(nothing, BEN).effect == "block"


def test_kinds_of_an_allow_cover_all_kinds_of_the_statement() -> None:
    rules = [{"name": "a", "because": "b", "effect": "allow", "on": {"kinds": ["select"]}}]
    mixed = Facts(kinds=frozenset({"select", "delete"}), accesses=READ.accesses)
    assert decide(READ, rules=rules).effect == "allow"
    assert decide(mixed, rules=rules).effect == "block"


def test_approvers_must_fit_every_rule_that_asks() -> None:
    other = {**RULES[3], "name": "other", "approvers": {"groups": ["security"]}}
    both = {**RULES[3], "name": "both", "approvers": {"groups": ["dba", "security"]}}
    assert decide(DELETE, rules=[*RULES, both]).approver_groups == {"dba"}
    assert decide(DELETE, rules=[*RULES, other]).effect == "block"


def test_the_strictest_mask_comes_first_and_exemptions_count() -> None:
    standing = policy(RULES).standing(ANA, "shop")
    assert [mask.format for mask in standing.masks] == ["redact", "partial"]
    exempt = [{**rule, "except_who": {"users": ["ana"]}} if rule["effect"] == "mask" else rule for rule in RULES]
    assert policy(exempt).standing(ANA, "shop").masks == ()
    assert len(policy(exempt).standing(BEN, "shop").masks) == 2
    assert policy([*RULES[:2], RUN]).standing(ANA, "shop").judged is False


def test_targets_are_matched() -> None:
    rules = [{**RULES[0], "on": {"targets": ["sales-*"], "verbs": ["read"]}}]
    assert policy(rules).decide(ANA, "sales-eu", READ).effect == "allow"
    assert policy(rules).decide(ANA, "shop", READ).effect == "block"


FACTS = st.builds(
    Facts,
    kinds=st.frozensets(st.sampled_from(["select", "delete", "drop"]), min_size=1),
    traits=st.frozensets(st.sampled_from(["without-where"])),
    accesses=st.lists(
        st.builds(Access, verb=st.sampled_from(["read", "write", "define"]), resource=st.sampled_from(["public.a", "other.b"])), max_size=3
    ).map(tuple),
    unjudged=st.sampled_from(["", "x"]),
)


@given(facts=FACTS, seed=st.integers(0, 1000))
def test_order_of_rules_does_not_matter(facts: Facts, seed: int) -> None:
    shuffled = list(RULES)
    random.Random(seed).shuffle(shuffled)
    assert decide(facts) == decide(facts, rules=shuffled)
    assert policy(RULES).standing(ANA, "shop") == policy(shuffled).standing(ANA, "shop")


@given(facts=FACTS, kept=st.lists(st.sampled_from(RULES[2:4]), unique_by=lambda rule: str(rule["name"])))
def test_more_block_and_approve_rules_never_allow_more(facts: Facts, kept: list[dict[str, Any]]) -> None:
    order = {"block": 0, "approve": 1, "allow": 2}
    fewer = decide(facts, rules=[*RULES[:2], *kept]).effect
    more = decide(facts, rules=RULES[:4]).effect
    assert order[more] <= order[fewer]


@pytest.mark.parametrize("facts", [READ, DELETE, DROP])
def test_no_rules_means_blocked(facts: Facts) -> None:
    assert decide(facts, rules=[]).effect == "block"


def write_of(*columns: str, resource: str = "public.orders") -> Facts:
    named = frozenset(columns) if columns else None
    return Facts(kinds=frozenset({"update"}), accesses=(Access(verb="write", resource=resource, columns=named),))


def test_a_block_of_functions_speaks_of_what_is_called() -> None:
    sleeping = {"name": "no naps", "because": "n", "effect": "block", "on": {"functions": ["pg_sleep*", "vault.*"]}}
    calls = lambda *names: replace(READ, functions=frozenset(names))  # noqa: E731
    for facts in (calls("pg_catalog.pg_sleep_for", "pg_catalog.now"), calls("vault.pay"), calls("*")):
        assert decide(facts, rules=[*RULES, sleeping]).effect == "block"
    for facts in (calls("pg_catalog.now"), calls("archive.pay"), calls()):
        assert decide(facts, rules=[*RULES, sleeping]).effect == "allow"


def test_an_allow_of_functions_covers_no_others() -> None:
    counting = {"name": "read", "because": "r", "effect": "allow", "on": {"verbs": ["read"], "functions": ["pg_catalog.count", "sum"]}}
    assert decide(replace(READ, functions=frozenset({"pg_catalog.count", "pg_catalog.sum"})), rules=[counting]).effect == "allow"
    for called in ("pg_catalog.pg_sleep", "*"):
        assert decide(replace(READ, functions=frozenset({"pg_catalog.count", called})), rules=[counting]).effect == "block"


def test_a_block_of_columns_speaks_of_what_may_be_written() -> None:
    total = {"name": "totals", "because": "t", "effect": "block", "on": {"verbs": ["write"], "columns": ["public.orders.tot*"]}}
    rules = [*RULES, total]
    assert decide(write_of("note"), rules=rules).effect == "allow"
    assert decide(write_of("note", "total"), rules=rules).rules[0].name == "totals"
    assert decide(write_of(), rules=rules).effect == "block", "columns that are not known could be it"
    assert decide(write_of(resource="public.drafts"), rules=rules).effect == "allow"


def test_an_allow_of_columns_covers_writes_of_nothing_else() -> None:
    notes = {"name": "notes", "because": "n", "effect": "allow", "on": {"verbs": ["write"], "columns": ["public.orders.note", "*.*.memo"]}}
    assert decide(write_of("note", "memo"), rules=[notes]).effect == "allow"
    assert decide(write_of("note", "total"), rules=[notes]).effect == "block"
    assert decide(write_of(), rules=[notes]).effect == "block", "columns that are not known are all of them"
    assert decide(READ, rules=[notes]).effect == "block"


def test_unbounded_is_who_may_do_everything_where_nothing_is_judged() -> None:
    everything = {"name": "all", "because": "a", "effect": "allow", "on": {"targets": ["shop"]}}
    narrow = {"name": "some", "because": "s", "effect": "allow", "on": {"targets": ["shop"], "resources": ["public.*"]}}
    limit = {"name": "most", "because": "l", "effect": "limit", "limit": {"rows": 9}}
    assert policy([everything]).standing(ANA, "shop").unbounded
    assert policy([everything, narrow, limit]).standing(ANA, "shop").unbounded
    assert not policy([everything]).standing(ANA, "other").unbounded
    assert not policy([narrow]).standing(ANA, "shop").unbounded
    assert not policy([everything, RULES[2]]).standing(ANA, "shop").unbounded


@pytest.mark.parametrize("on", [{"resources": ["public.orders"]}, {"verbs": ["read"]}, {"kinds": ["delete"]}, {"traits": ["without-where"]}])
def test_a_limit_on_what_an_unknown_name_could_be_bounds(on: dict[str, Any]) -> None:
    everything = {"name": "all", "because": "a", "effect": "allow", "on": {"targets": ["shop"]}}
    limit = {"name": "most", "because": "l", "effect": "limit", "limit": {"rows": 9}, "on": on}
    assert not policy([everything, limit]).standing(ANA, "shop").unbounded
    anything = {**limit, "on": {"functions": ["own.*"], "estimated_rows_over": 5}}
    assert policy([everything, anything]).standing(ANA, "shop").unbounded


@pytest.mark.parametrize("on", [{"resources": ["public.orders"]}, {"verbs": ["connect", "read"]}, {"kinds": ["select"]}])
def test_what_cannot_be_judged_is_not_allowed_by_a_rule_that_allows_something(on: dict[str, Any]) -> None:
    """query_to_xml reads any table: a list of what may be read would be none."""
    hidden = Facts(kinds=frozenset({"select"}), unjudged="function query_to_xml runs SQL that it is given as text")
    some = {"name": "some", "because": "s", "effect": "allow", "on": on}
    assert policy([some]).decide(ANA, "shop", hidden).effect == "block"
    assert policy([some]).standing(ANA, "shop").judged
    everything = {"name": "all", "because": "a", "effect": "allow"}
    assert policy([some, everything]).decide(ANA, "shop", hidden).effect == "allow"
    assert not policy([some, everything]).standing(ANA, "shop").judged
