"""The recorder: what happened, written before it happens.

chain    one append-only, hash-chained file
session  the recording of one session: operation, approval, result, end
log      the gateway's own chain: policy, logins, tokens, sessions
index    SQLite over the files: for lists and searches; can be rebuilt from them
index_writer   what is new in the files goes into it, at leisure
index_process  that, in a process of its own
operations  what of an operation is in the index, and how it is found
recorder opens recordings; mends after a crash
signer   signs heads of chains, with Ed25519
storage  forms of finished recordings: compressed, encrypted, in an object store (objects)
keeping  holds, deletion with a tombstone, retention
witness  publishes signed heads of the log elsewhere
flusher  the one thread that waits for the disk
tally    what is counted
recover  what a crash left: torn tails are cut and noted, open recordings closed as interrupted
"""
