"""Who asks: proofs of identity in, short-lived gateway tokens out.

tokens    the token store: verifiers only, never a token in clear
scram     what a PostgreSQL client's SCRAM proof is checked against
accounts  local accounts: argon2 hashes in a file
people    whom identity providers named, with groups and attributes
backoff   growing waits after wrong passwords, bounded
oidc/     OpenID Connect: the gateway as relying party
hub/      JupyterHub's tokens exchanged for ours
workload  a workload's own OIDC token for a short-lived token of ours
orphans   logins whose way is configured no longer end at the start
service   the Identity interface, and local accounts and people behind it
"""
