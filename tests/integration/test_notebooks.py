"""Every notebook in examples/, run cell by cell against the demo's stack, and what each cell shows: as nbval would, by meaning.

A cell's expectations are found by its id; a new cell or notebook without any fails here, so that none goes unchecked. nbclient runs
them without a Jupyter server, with a token file, as a nightly job would.
"""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbclient
import nbformat
import psycopg
import pytest
from kernel_rig import wait_until

from jupyter_govern.demo.stack import Stack, examples

SECONDS = 60
COLOURS = re.compile(r"\x1b\[[0-9;]*m")
Check = Callable[[Stack, str, str], None]


def truth(stack: Stack, sql: str) -> list[tuple[Any, ...]]:
    """What the database itself says, past the gateway."""
    with psycopg.connect(stack.postgres.conninfo("shop")) as connection:
        return connection.execute(sql.encode()).fetchall()


# -- what each cell must show: (stack, text, HTML) ------------------------------------------------------------------------


def silent(stack: Stack, text: str, html: str) -> None:
    assert text == html == ""


def targets(stack: Stack, text: str, html: str) -> None:
    assert re.search(r"^shop\s+connect, .*read.*", text, re.M)
    for masked in ("public.customers.email (partial)", "public.*.card (partial)", "public.employees.salary (null)"):
        assert masked in text and masked in html
    assert "public.customers.birth_date (redact)" in text
    assert "public.employees.iban (hash)" in text


def masked_frame(stack: Stack, text: str, html: str) -> None:
    lines = text.splitlines()
    assert lines[0].split() == ["name", "email", "shouted", "card", "city"]
    for line, (name, email, card, city) in zip(
        lines[1:6], truth(stack, "select name, email, card, city from customers order by id limit 5"), strict=True
    ):
        assert line.split()[1:] == [*name.split(), hidden(email), hidden(email).upper(), *hidden(card).split(), city]
    assert lines[6].startswith("5 rows · shop · email: masked (partial) by rule “customer contact data”")
    assert "card: masked (partial) by rule “card numbers”" in lines[6]
    assert "shouted: masked" in lines[6]
    assert "name: masked" not in lines[6] and "city: masked" not in lines[6]
    assert html.count('class="jp-govern-masked"') == 3
    assert 'title="masked (partial) by rule “card numbers”"' in html


def hidden(text: str) -> str:
    """As `partial` with keep = 4 has it."""
    return "*" * (len(text) - 4) + text[-4:]


def by_city(stack: Stack, text: str, html: str) -> None:
    counts = dict(truth(stack, "select city, count(*) from customers group by city"))
    found = {line.split()[1]: int(line.split()[2]) for line in text.splitlines()[1:-1]}
    assert found == counts
    assert text.splitlines()[-1] == f"{len(counts)} rows · shop"
    assert "masked" not in html


def kept(stack: Stack, text: str, html: str) -> None:
    wanted = "where o.placed_at >= '2026-01-01' and c.city = 'Oslo'"
    ((count,),) = truth(stack, f"select least(count(*), 20) from orders o join customers c on c.id = o.customer_id {wanted}")
    assert text == f"recent = DataFrame, {count} rows × 5 columns"


def head(stack: Stack, text: str, html: str) -> None:
    rows = truth(
        stack,
        "select o.id, c.name, o.total from orders o join customers c on c.id = o.customer_id"
        " where o.placed_at >= '2026-01-01' and c.city = 'Oslo' order by o.total desc limit 5",
    )
    for line, (number, name, total) in zip(text.splitlines()[1:6], rows, strict=True):
        assert line.split()[1:5] == [str(number), *name.split(), "Oslo"]
        assert float(line.split()[5]) == float(total)
    assert text.splitlines()[6] == "5 rows · shop"


def through_pandas(stack: Stack, text: str, html: str) -> None:
    rows = truth(stack, "select name, email, phone, card from customers limit 5")
    assert re.findall(r"<th>(\D*?)</th>", html) == ["", "name", "email", "phone", "card"]
    assert re.findall(r"<td>(.*?)</td>", html) == [
        value for name, email, phone, card in rows for value in (name, hidden(email), hidden(phone) if phone else "NaN", hidden(card))
    ]


def refused(stack: Stack, text: str, html: str) -> None:
    assert "Refused on shop: DROP on public.orders is blocked by rule 'no one drops tables'" in text
    assert 'rule "no one drops tables": last spring it took a night to get one back' in text
    assert "What to do: ask the dba team for a migration" in text
    assert "Traceback" not in text and ".py" not in text
    assert truth(stack, "select count(*) from orders")[0][0] == 2400


def misspelt(stack: Stack, text: str, html: str) -> None:
    assert 'ERROR 42703 on shop: column "nam" does not exist' in text
    assert "LINE 1: select nam from customers\n               ^" in text
    with pytest.raises(psycopg.errors.UndefinedColumn) as same:
        truth(stack, "select nam from customers")
    hint = same.value.diag.message_hint
    assert hint is None or f"HINT: {hint}" in text


def approved(stack: Stack, text: str, html: str) -> None:
    assert re.search(r"approval #\d+ by dba", text)
    assert f"{stack.api_url}/approvals/" in text
    assert text.splitlines()[-1] == "DELETE 120"
    assert truth(stack, "select count(*) from order_drafts")[0][0] == 0


EXPECTED: dict[str, dict[str, Check]] = {
    "quickstart.ipynb": {
        "q01": silent,
        "q03": targets,
        "q05": masked_frame,
        "q06": by_city,
        "q08": silent,
        "q09": kept,
        "q10": head,
        "q12": through_pandas,
        "q14": refused,
        "q16": misspelt,
        "q18": approved,
    }
}
NOTEBOOKS = sorted(examples().glob("*.ipynb"))


# -- running them ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(tmp_path_factory.mktemp("notebooks") / "demo", lab=False) as running:
        yield running


@pytest.fixture(scope="module", params=NOTEBOOKS, ids=lambda path: path.name)
def book(request: pytest.FixtureRequest, stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A notebook with its outputs; ben approves whatever waits."""
    path: Path = request.param
    place = tmp_path_factory.mktemp("place")
    token = place / "token"
    token.touch(mode=0o600)
    token.write_text(stack.token("ana"))
    found = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    over, approver = threading.Event(), stack.login("ben")

    def approve() -> None:
        while not over.wait(0.1):
            for asked in approver.approvals():
                approver.decide(asked["number"], "approve", digest=asked["digest"], reason="read it")

    thread = threading.Thread(target=approve)
    thread.start()
    environment = {**stack.environment(), "JUPYTER_GOVERN_TOKEN_FILE": str(token), "GOVERN_NOTEBOOK": path.name}
    before = dict(os.environ)
    try:
        os.environ.clear()  # nbclient gives the kernel this process's own
        os.environ.update({k: v for k, v in environment.items() if k != "JPY_SESSION_NAME"})
        client = nbclient.NotebookClient(found, timeout=SECONDS, kernel_name="python3", resources={"metadata": {"path": str(place)}})
        client.execute()
    finally:
        os.environ.clear()
        os.environ.update(before)
        over.set()
        thread.join(30)
    return path.name, found


def code_cells(found: Any) -> list[Any]:
    return [cell for cell in found.cells if cell.cell_type == "code"]


def shown(cell: Any) -> tuple[str, str]:
    """All of a cell's outputs as text and as HTML."""
    text, html = [], []
    for output in cell.outputs:
        match output.output_type:
            case "stream":
                text.append(output.text)
            case "error":
                text += output.traceback
            case _:
                text.append(output.data.get("text/plain", ""))
                html.append(output.data.get("text/html", ""))
    return COLOURS.sub("", "\n".join(text)).rstrip("\n"), "\n".join(html)


def test_every_cell_shows_what_it_should(stack: Stack, book: tuple[str, Any]) -> None:
    name, found = book
    cells = {cell.id: cell for cell in code_cells(found)}
    assert cells.keys() == EXPECTED[name].keys(), "each code cell needs an expectation here"
    for identifier, check in EXPECTED[name].items():
        text, html = shown(cells[identifier])
        try:
            check(stack, text, html)
        except AssertionError as problem:
            problem.add_note(f"cell {identifier} of {name} showed:\n{text}\n{html[:2000]}")
            raise


def test_only_cells_that_may_fail_fail(book: tuple[str, Any]) -> None:
    for cell in code_cells(book[1]):
        failed = any(output.output_type == "error" for output in cell.outputs)
        assert failed == ("raises-exception" in cell.metadata.get("tags", [])), cell.source


def test_no_cell_shows_what_is_masked(stack: Stack, book: tuple[str, Any]) -> None:
    said = json.dumps([cell.outputs for cell in code_cells(book[1])], ensure_ascii=False)
    for column in ("email", "phone", "card"):
        for (secret,) in truth(stack, f"select {column} from customers where {column} is not null"):
            assert secret not in said and secret.upper() not in said
    for (iban,) in truth(stack, "select iban from employees"):
        assert iban not in said


def test_every_statement_of_it_is_on_record(stack: Stack, book: tuple[str, Any]) -> None:
    name, found = book
    ben = stack.login("ben")
    sessions = [session for session in ben.sessions(limit=50) if session["notebook"] == name]
    assert sessions
    wait_until(lambda: all(ben.verify(session["id"])["ok"] for session in sessions), 30)
    statements = [operation for session in sessions for operation in ben.session(session["id"])["operations"]]
    recorded = [operation["statement"].strip() for operation in statements]
    for cell in code_cells(found):
        if not cell.source.startswith("%%govsql"):
            continue
        asked = re.sub(r"(?<!:):([a-z]+)", "$", cell.source.partition("\n")[2].strip())
        assert any(re.sub(r"\$\d", "$", statement) == asked for statement in recorded), cell.source
    assert {operation["cell"]["notebook"] for operation in statements if operation["cell"]} == {name}


def test_notebooks_are_kept_without_outputs() -> None:
    for path in NOTEBOOKS:
        kept = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
        nbformat.validate(kept)
        assert not any(cell.outputs or cell.execution_count for cell in code_cells(kept)), f"clear the outputs of {path.name}"
