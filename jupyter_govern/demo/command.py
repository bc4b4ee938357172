"""Start the whole product on this machine: a shop in PostgreSQL, the gateway, JupyterLab.

Everything is below a scratch folder and on loopback; Ctrl-C stops it and leaves nothing behind.
"""

from __future__ import annotations

import argparse
import tempfile
from functools import partial
from pathlib import Path

from jupyter_govern.demo import headless
from jupyter_govern.demo.attended import attend
from jupyter_govern.demo.stack import Stack


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--headless", action="store_true", help="run the quickstart notebook without a browser, report, and stop")


def run(args: argparse.Namespace) -> int:
    """0 when stopped by Ctrl-C or when the headless run went as promised, 1 when something did not."""
    stack = Stack(Path(tempfile.mkdtemp(prefix="govern-demo-")), lab=True)
    whole = partial(headless.run, stack) if args.headless else None
    return attend(stack, "jupyter govern demo", introduction=lambda: _introduction(stack), headless=whole)


def _introduction(stack: Stack) -> str:
    people = "\n".join(
        f"    {name:5} password {password:20} groups: {', '.join(groups)}" for name, (password, groups) in stack.people.items()
    )
    line = f'"host=127.0.0.1 port={stack.pg_port} dbname=shop user=ana sslmode=verify-full sslrootcert={stack.ca_file}"'
    return f"""
JupyterLab   {stack.lab_url}
Gateway      {stack.api_url}
People (they log in on the gateway's page: open the shield panel in JupyterLab and follow it)
{people}
psql, as ana (the password is a gateway token, good for 12 hours):
    PGPASSWORD={stack.token("ana")} psql {line}
    try:  select name, email from customers limit 3;
          copy (select email from customers limit 3) to stdout;
          drop table orders;
          delete from order_drafts;   -- waits; approve it as ben at the link that it prints

Ctrl-C stops everything."""
