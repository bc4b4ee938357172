"""Attacks on a masking and blocking gateway: python -m tests.adversarial --direct … --gateway …

* `secrets`: what is to be hidden, made anew from a seed. `schema.sql`, `world`: where it lies (schema `vault`), put back before attacks.
* `govern.toml`: the policy that must be in force, as this gateway takes it; others say the same in their words.
* `attacker`: what an attack holds in hand: connections, its clock, everything it heard. `case`: the attack and what it is after.
* `cases/`: the attacks, one file a kind.
* `judge`: whether what came back holds the secret. `run`: directly first (it must succeed there), then through the gateway (it must not).
"""
