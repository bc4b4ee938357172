"""python -m tests.adversarial [--direct DSN --gateway DSN] [--only KIND] [--seed N] [-v]: a table by kind; status 1 if anything failed."""

from __future__ import annotations

import argparse
import random
import sys
from contextlib import nullcontext

from .cases import KINDS
from .run import Run, table
from .world import own_world


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.adversarial", description=__doc__)
    parser.add_argument(
        "--direct", metavar="DSN", help="straight to the server, as a superuser; the schemas vault and attic are DROPPED there"
    )
    parser.add_argument(
        "--gateway", metavar="DSN", help="into the same database, with the policy of tests/adversarial/govern.toml in force"
    )
    parser.add_argument("--only", choices=KINDS, metavar="KIND", help=", ".join(KINDS))
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 31))
    parser.add_argument("-v", "--verbose", action="store_true", help="a line for each attack")
    options = parser.parse_args()
    if bool(options.direct) != bool(options.gateway):
        parser.error("--direct and --gateway go together")
    print(f"seed {options.seed}", flush=True)
    verdicts = []
    with nullcontext((options.direct, options.gateway)) if options.direct else own_world() as (direct, gateway):
        run = Run(direct, gateway, options.seed)
        try:
            for kind in [options.only] if options.only else KINDS:
                for verdict in run.kind(kind):
                    verdicts.append(verdict)
                    if options.verbose or verdict.what != "held":
                        print(verdict, flush=True)
        finally:
            run.close()
    passed = sum(verdict.what == "held" for verdict in verdicts)
    print(table(verdicts))
    failed = sum(verdict.failed for verdict in verdicts)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
