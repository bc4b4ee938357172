"""`make bench`: what the gateway costs, as ratios to a direct connection measured in the same run.

world      the servers: PostgreSQL, the gateway (recording and policy on), pgbouncer where it is installed
pgbench    point queries: transactions per second and latency by pgbench -S
bulk       a 1M-row read, SELECT and COPY, taken from the socket as fast as it comes
rounds     interleaved rounds, medians of per-round ratios
__main__   the command
"""
