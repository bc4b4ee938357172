"""What policy hides is nowhere: not in recordings, index, logs, exports, metrics, notebooks, nor in the gateway's memory.

The whole stack runs the quickstart and statements that try; then everything that was written is searched for the shop's real values, and
the memory of the gateway too, which is what a crash dump of it would hold: masking happens in the database.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
from kernel_rig import wait_until

from jupyter_govern.demo import headless
from jupyter_govern.demo.remote_kernel import RemoteKernel
from jupyter_govern.demo.stack import Stack
from jupyter_govern.stored import PLAIN, opened

SETTINGS = """
[gateway.recording]
compress = true
keeping_seconds = 1
[[gateway.export]]
name = "siem"
kind = "file"
file = "siem.jsonl"
format = "ecs"
"""
SOUGHT_IN_MEMORY = 60
"""Values that are sought in some hundred megabytes, evenly taken; all of them would take minutes."""
TRIES = (
    "select * from customers",
    "select email, phone, card from customers where email like '%a%' order by email",
    "select string_agg(email || card, ',') from customers",
    "select email::int from customers",
    "select (phone || 'x')::numeric from customers",
    "select upper(email), md5(card), to_json(c) from customers c",
    "explain (analyze, verbose) select email from customers where email > 'b'",
    "insert into customers select * from customers",
    "update customers set name = email",
    "select iban, salary from employees",
    "copy (select email, card from customers) to stdout",
    "do $$ begin raise notice '%', (select email from customers limit 1); end $$",
)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(tmp_path_factory.mktemp("secrets") / "demo", lab=True, edit=lambda text: text + SETTINGS) as running:
        yield running


def secrets_of(stack: Stack) -> list[bytes]:
    """The real values of masked columns, but for those that stand in columns that are not."""
    with psycopg.connect(stack.postgres.conninfo("shop")) as direct:
        rows = direct.execute(
            "select email from customers union select phone from customers "
            "union select card from customers union select iban from employees"
        ).fetchall()
        public = {value for (value,) in direct.execute("select email from employees")}
    return [value.encode() for (value,) in rows if value and value not in public]


async def run_notebook(stack: Stack) -> None:
    """The quickstart, and a notebook that is saved with its outputs."""
    await headless.run(stack, lambda line: None)
    cells = []
    async with RemoteKernel(stack.server_url, stack.lab_token, "saved.ipynb") as kernel:
        for number, source in enumerate(
            ("%load_ext jupyter_govern", "%%govsql shop\nselect * from customers", "%%govsql shop\nselect email::int from customers")
        ):
            done = await kernel.run(source, f"c{number}")
            cells.append({"source": source, "outputs": repr(done)})
    (stack.notebooks / "saved.ipynb").write_text(json.dumps(cells))


def try_everything(stack: Stack) -> None:
    for statement in TRIES:
        with psycopg.connect(stack.conninfo("ana"), autocommit=True) as connection, suppress(psycopg.Error):
            if statement.startswith("copy"):
                with connection.cursor().copy(statement.encode()) as copy:
                    list(copy)
            else:
                for binary in (False, True):
                    with suppress(psycopg.Error):
                        connection.execute(statement.encode(), binary=binary)


def written(stack: Stack) -> Iterator[tuple[str, bytes]]:
    """Everything that the product wrote, as bytes, compressed recordings as what is in them."""
    for path in sorted(stack.directory.rglob("*")):
        if not path.is_file() or "secrets" in path.relative_to(stack.directory).parts:
            continue
        if path.name.endswith(".jsonl.zst"):
            with opened(path.name, path.open("rb"), {}) as file:
                yield path.name, file.read()
        else:
            yield str(path.relative_to(stack.directory)), path.read_bytes()
    with urllib.request.urlopen(f"{stack.api_url}/metrics", timeout=10) as answer:
        yield "/metrics", answer.read()


def memory(pid: int) -> Iterator[bytes]:
    """What a crash dump of that process would hold."""
    for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
        found = re.match(r"([0-9a-f]+)-([0-9a-f]+) rw", line)
        if found and "[v" not in line:
            with suppress(OSError), open(f"/proc/{pid}/mem", "rb", buffering=0) as file:
                start, end = (int(each, 16) for each in found.groups())
                file.seek(start)
                yield file.read(end - start)


def found_in(data: bytes, secrets: list[bytes]) -> list[bytes]:
    return [secret for secret in secrets if secret in data]


@pytest.mark.timeout(240)
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_what_policy_hides_is_nowhere(stack: Stack) -> None:
    secrets = secrets_of(stack)
    assert len(secrets) > 1000
    asyncio.run(run_notebook(stack))
    try_everything(stack)
    recordings = stack.directory / "state" / "recordings"
    wait_until(lambda: bool(list(recordings.glob("*/*/*/*.jsonl.zst"))) and (stack.directory / "siem.jsonl").exists(), 60)
    wait_until(lambda: len((stack.directory / "siem.jsonl").read_bytes().splitlines()) >= len(TRIES), 60)
    seen = dict(written(stack))
    kinds = ("gateway.jsonl", "state/index.sqlite", "gateway.log", "lab.log", "siem.jsonl", "/metrics", "notebooks/saved.ipynb")
    assert all(any(name.endswith(kind) for name in seen) for kind in kinds), sorted(seen)
    assert any(PLAIN in name and b"select * from customers" in data for name, data in seen.items()), "the search looks at recordings"
    assert {name: found for name, data in seen.items() if (found := found_in(data, secrets))} == {}
    assert stack.gateway is not None
    dump = b"".join(memory(stack.gateway.pid))
    assert b"select * from customers" in dump, "the search looks at memory"
    assert found_in(dump, secrets[:: len(secrets) // SOUGHT_IN_MEMORY]) == []


def test_the_search_would_find_one(stack: Stack, tmp_path: Path) -> None:
    secret = secrets_of(stack)[0]
    assert found_in(b"x" + secret + b"y", [secret]) == [secret]
