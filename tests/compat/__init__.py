"""Public test suites of PostgreSQL clients, run directly and through the gateway, side by side (`make compat`).

fetching    brings a suite's own tests (sdists) and the client it tests into .compat/, nothing of which is committed
suites      how each suite is run, and which of its files
world       a PostgreSQL and a gateway before it, with a policy
outcome     what a run gave, test by test; the comparison; the known exceptions with their reasons
"""
