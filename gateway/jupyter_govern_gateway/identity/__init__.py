"""Who asks: proofs of identity in, short-lived gateway tokens out.

tokens    the token store: verifiers only, never a token in clear
scram     what a PostgreSQL client's SCRAM proof is checked against
accounts  local accounts: argon2 hashes in a file
backoff   growing waits after wrong passwords, bounded
service   the Identity interface, and local accounts behind it
"""
