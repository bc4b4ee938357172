"""A hub token is worth a token of ours only as long as everything behind it holds; what does not is refused by name and on record."""

from __future__ import annotations

from typing import Any

import pytest

from jupyter_govern_gateway.identity.binding import is_taken_from
from jupyter_govern_gateway.identity.hub.api import CACHE_SECONDS
from jupyter_govern_gateway.identity.hub.exchange import KERNEL_SECONDS
from jupyter_govern_gateway.identity.hub.presented import HubRefused

from .world import ANA, HOUR, ISSUER, NOW, SCOPES, HubWorld, presented, proven, user


async def refused(world: HubWorld, code: str, **asked: Any) -> HubRefused:
    with pytest.raises(HubRefused) as caught:
        await world.ask(**asked)
    assert caught.value.code == code
    assert world.tokens.store.of() == []
    assert f'"code":"{code}"' in world.record and "hub refused" in world.record
    assert ANA not in world.record
    return caught.value


async def test_a_kernel_gets_a_token_bound_to_all_it_stands_on(world: HubWorld) -> None:
    text, token = await world.ask()
    assert text.startswith("gov_kernel_")
    assert (token.subject, token.kind, token.kernel_id, token.server) == ("ana", "kernel", "k1", "")
    assert token.expires_at == NOW + KERNEL_SECONDS
    known = world.tokens.people.find("ana")
    assert known is not None and token.groups == known.all_groups == {"analysts", "hub:on-call"}
    assert is_taken_from(token, "127.0.0.1") and not is_taken_from(token, "10.0.0.9")
    login = world.tokens.lineage(token)[1]
    assert login.issued_by == "jupyterhub/ana/a2" and login.expires_at == NOW + HOUR
    assert "hub succeeded" in world.record


async def test_all_kernels_of_a_server_hang_on_one_login(world: HubWorld) -> None:
    one, two, own = [(await world.ask(kernel=kernel))[1] for kernel in ("k1", "k2", "")]
    assert one.parent == two.parent == own.parent
    assert own.kind == "server"


async def test_a_newer_proof_prolongs_the_login(world: HubWorld) -> None:
    _, token = await world.ask()
    world.now += 1800
    world.proofs.known["newer"] = proven(issued_at=world.now, expires_at=world.now + HOUR)
    world.small.users["ana"] = user(auth_state={"id_token": "newer"})
    _, later = await world.ask()
    assert later.parent == token.parent
    assert world.tokens.lineage(later)[1].expires_at == world.now + HOUR


async def test_an_unknown_token(world: HubWorld) -> None:
    await refused(world, "hub-token-unknown", token="x" * 32)
    await refused(world, "hub-token-unknown", token="not a token\r\n of anybody at all")


@pytest.mark.parametrize(
    "what",
    [
        presented(kind="service", name="backup"),
        presented(session_id="abc"),  # somebody's browser
        presented(scopes=[*SCOPES, "admin:users"]),
        presented(scopes=[*SCOPES, "tokens"]),
        presented(scopes=[*SCOPES, "access:servers"]),
        presented(scopes=[*SCOPES, "access:servers!user=ana"]),
        presented(scopes=["access:servers!server=ben/", "access:services!service=govern"]),
        presented(scopes=["access:services!service=govern"]),
    ],
)
async def test_what_is_not_a_servers_own_token(world: HubWorld, what: dict[str, Any]) -> None:
    world.small.tokens[ANA] = what
    await refused(world, "not-a-server-token")


async def test_who_may_not_use_the_service(world: HubWorld) -> None:
    world.small.tokens[ANA] = presented(scopes=["access:servers!server=ana/", "access:services!service=other"])
    await refused(world, "not-for-the-gateway")


async def test_another_server_and_one_that_does_not_run(world: HubWorld) -> None:
    await refused(world, "other-server", server="gpu")
    world.small.users["ana"] = user(servers={})
    await refused(world, "no-such-server")


async def test_a_kernel_of_somewhere_else(world: HubWorld) -> None:
    await refused(world, "other-kernel", kernel="k9")
    await refused(world, "other-kernel", kernel="../../../hub/api/user")


async def test_a_kernel_that_another_hub_token_holds(world: HubWorld) -> None:
    await world.ask()
    other = "ana-server-token-0002"
    world.small.tokens[other] = presented(token_id="a3")
    with pytest.raises(HubRefused) as caught:
        await world.ask(token=other)
    assert caught.value.code == "other-kernel"


async def test_the_hub_says_yes_and_the_proof_is_over(world: HubWorld) -> None:
    world.proofs.over.add("good")
    said = await refused(world, "login-again")
    assert "log in at the Hub again" in said.message


async def test_an_old_proof_is_over_whatever_end_it_names(world: HubWorld) -> None:
    world.proofs.known["good"] = proven(issued_at=NOW - 13 * HOUR, expires_at=NOW + 100 * HOUR)
    await refused(world, "login-again")


async def test_a_proof_that_is_forged_or_missing_or_somebody_elses(world: HubWorld) -> None:
    world.small.users["ana"] = user(auth_state={"id_token": "forged"})
    await refused(world, "proof-refused")
    world.small.users["ana"] = user(auth_state=None)
    await refused(world, "no-proof")
    world.small.users["ana"] = user()
    world.proofs.known["good"] = proven("ben")
    await refused(world, "other-person")


async def test_a_name_that_is_somebody_elses(world: HubWorld) -> None:
    world.tokens.accounts.add("ana")
    await refused(world, "name-taken")


async def test_an_older_proof_does_not_bring_a_lost_group_back(world: HubWorld) -> None:
    world.tokens.people.remember("ana", source=ISSUER, groups=frozenset(), as_of=NOW)
    await world.ask()
    known = world.tokens.people.find("ana")
    assert known is not None and known.all_groups == {"hub:on-call"}


async def test_who_was_revoked_needs_a_proof_that_is_newer(world: HubWorld) -> None:
    await world.ask(kernel="")
    world.tokens.store.revoke(*(token.id for token in world.tokens.store.of("ana")))
    world.tokens.people.revoke("ana")
    await refused(world, "login-again")
    world.proofs.known["good"] = proven(issued_at=NOW + 1, expires_at=NOW + HOUR)
    world.now += 2
    await world.ask()


async def test_a_hub_that_is_no_hub(world: HubWorld) -> None:
    world.small.broken = 502
    await refused(world, "hub-unreachable")
    world.small.broken = 200
    await refused(world, "hub-unreachable")
    world.small.broken = 0
    world.small.tokens[ANA] = {"name": "ana", "kind": "user"}
    await refused(world, "hub-unreadable")


async def test_a_service_without_its_scopes_is_not_taken_for_a_person_without_servers(world: HubWorld) -> None:
    del world.small.users["ana"]["servers"]
    said = await refused(world, "hub-unreachable")
    assert "scopes" in said.message


async def test_the_hubs_word_is_kept_for_seconds_only(world: HubWorld) -> None:
    await world.ask()
    await world.ask(kernel="k2")
    assert world.small.asked.count("/hub/api/user") == 1
    world.small.tokens.clear()
    world.now += CACHE_SECONDS
    with pytest.raises(HubRefused):
        await world.ask()


async def test_a_login_that_is_given_back(world: HubWorld) -> None:
    text, _ = await world.ask()
    from jupyter_govern_gateway.identity.hub.exchange import Asked

    assert await world.logins.end(Asked(hub_token=ANA, server="", kernel_id="", address=""))
    assert world.tokens.store.of() == [] and text
