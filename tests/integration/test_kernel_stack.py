"""`%%govsql` for real: a kernel of a real JupyterLab, the real gateway, the real shop, and people who log in as people do."""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbclient
import nbformat
import psycopg
import pytest
from kernel_rig import JupyterServer, Notebook, confirm_login, open_notebook, wait_until

from jupyter_govern.client import GatewayClient
from jupyter_govern.demo.stack import Stack
from jupyter_govern_server.gateway import Gateway
from jupyter_govern_server.launch import OwnGateway, discovered


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(tmp_path_factory.mktemp("stack") / "demo", lab=True) as running:
        yield running


@pytest.fixture(scope="module")
def server(stack: Stack) -> JupyterServer:
    return JupyterServer(url=stack.server_url, token=stack.lab_token, runtime=stack.directory / "jupyter" / "runtime")


@pytest.fixture(scope="module")
def ana(stack: Stack, server: JupyterServer) -> str:
    """Ana, logged in through the panel's device login; the password goes to the gateway's page only."""
    pending = server.call("POST", "/jupyter-govern/login", {})["login_pending"]
    confirm_login(pending["verification_uri_complete"], "ana", stack.people["ana"][0])
    wait_until(lambda: server.call("GET", "/jupyter-govern/status")["login"], 20)
    subject: str = server.call("GET", "/jupyter-govern/status")["login"]["subject"]
    return subject


@pytest.fixture(scope="module")
def notebook(server: JupyterServer, ana: str) -> Iterator[Notebook]:
    opened = open_notebook(server, "quickstart.ipynb")
    yield opened
    opened.close()


@pytest.fixture
def ben(stack: Stack) -> GatewayClient:
    return stack.login("ben")


def truth(stack: Stack, sql: str) -> Any:
    """What the database itself says, past the gateway."""
    with psycopg.connect(stack.postgres.conninfo("shop")) as connection:
        row = connection.execute(sql.encode()).fetchone()
        assert row is not None
        return row[0]


def recorded(ben: GatewayClient, statement: str) -> dict[str, Any]:
    """The newest recorded operation with this statement (Ben may see everybody's)."""
    found = []
    for session in ben.sessions(limit=20):
        operations = ben.session(session["id"])["operations"]
        found += [operation for operation in operations if operation["statement"].strip() == statement]
    assert found, f"{statement!r} is not recorded"
    return max(found, key=lambda operation: str(operation["started_at"]))


def test_the_person_is_the_one_who_logged_in_at_the_gateway(ana: str) -> None:
    assert ana == "ana"


def test_a_masked_frame_with_its_marks(stack: Stack, notebook: Notebook) -> None:
    said = notebook.run("%%govsql shop\nselect id, name, email, upper(email) as shouted from customers order by id limit 12")
    text = str(said)
    assert "showing 10 of 12 rows · shop" in text
    assert "email: masked (partial) by rule “customer contact data”" in text
    email = truth(stack, "select email from customers where id = 1")
    assert email not in text
    assert email.upper() not in text
    assert "name: masked" not in text


def test_the_cell_is_recorded_as_reported(notebook: Notebook, ben: GatewayClient) -> None:
    notebook.run("%%govsql shop\nselect 4711 as marker", "cell-4711")
    cell = recorded(ben, "select 4711 as marker")["cell"]
    assert (cell["notebook"], cell["cell_id"]) == ("quickstart.ipynb", "cell-4711")
    assert cell["kernel_id"] == notebook.kernel_id
    assert cell["execution_count"] > 0
    assert len(cell["source_sha256"]) == 64


def test_bound_values_and_assignment(notebook: Notebook) -> None:
    said = notebook.run("wanted = [1, 2, 3]\n%govsql shop few << select id from customers where id = any(:wanted)")
    assert "few = DataFrame, 3 rows × 1 columns" in str(said)


def test_a_refusal_shows_rule_and_reason_and_no_stack(stack: Stack, notebook: Notebook) -> None:
    said = notebook.run("%govsql shop drop table orders")
    assert said.parts[-1][0] == "StatementRefused"
    assert 'rule "no one drops tables": last spring it took a night to get one back' in str(said)
    assert "ask the dba team" in str(said)
    assert ".py" not in str(said)
    assert truth(stack, "select count(*) from orders") > 0


def test_an_error_points_into_the_persons_own_text(notebook: Notebook) -> None:
    said = notebook.run("x = 1\n%govsql shop select :x, email, nope from customers")
    assert "ERROR 42703 on shop" in str(said)
    assert "LINE 1: select :x, email, nope from customers\n                          ^" in str(said)


def test_a_transaction_goes_on_from_cell_to_cell(stack: Stack, notebook: Notebook) -> None:
    before = truth(stack, "select count(*) from orders where id = 1")
    notebook.run("%govsql shop begin")
    notebook.run("%govsql shop create temp table kept as select 1 as a")
    assert "42703" in str(notebook.run("%govsql shop select nope from kept"))
    assert "25P02" in str(notebook.run("%govsql shop select * from kept"))
    assert "ROLLBACK" in str(notebook.run("%govsql shop rollback"))
    assert "does not exist" in str(notebook.run("%govsql shop select * from kept"))
    assert truth(stack, "select count(*) from orders where id = 1") == before


def decide_when_asked(ben: GatewayClient, decision: str, reason: str) -> threading.Thread:
    def decide() -> None:
        wait_until(ben.approvals, 15)
        time.sleep(1.2)  # long enough for the cell to show its seconds
        asked = ben.approvals()[0]
        ben.decide(asked["number"], decision, digest=asked["digest"], reason=reason)

    thread = threading.Thread(target=decide)
    thread.start()
    return thread


def test_an_approval_is_waited_for_and_the_statement_then_runs(stack: Stack, notebook: Notebook, ben: GatewayClient) -> None:
    assert truth(stack, "select count(*) from payments where id = 7") == 1
    thread = decide_when_asked(ben, "approve", "fine")
    said = notebook.run("%govsql shop delete from payments where id = 7", "cell-approval")
    thread.join()
    kinds = [kind for kind, _ in said.parts]
    assert kinds[0] == "display_data"
    assert kinds.count("update_display_data") >= 2
    assert "by dba" in said.parts[0][1]
    assert f"{stack.api_url}/approvals/" in said.parts[0][1]
    assert said.parts[-1] == ("execute_result", "DELETE 1")
    assert truth(stack, "select count(*) from payments where id = 7") == 0


def test_a_denied_statement_does_not_run(stack: Stack, notebook: Notebook, ben: GatewayClient) -> None:
    thread = decide_when_asked(ben, "deny", "not today")
    said = notebook.run("%govsql shop delete from payments where id = 8")
    thread.join()
    assert said.parts[-1][0] == "StatementRefused"
    assert "not today" in str(said)
    assert truth(stack, "select count(*) from payments where id = 8") == 1


def test_an_interrupt_withdraws_a_waiting_statement(stack: Stack, notebook: Notebook, ben: GatewayClient) -> None:
    said = notebook.run("%govsql shop delete from payments where id = 9", interrupt_after=1.5)
    assert said.parts[-1][0] == "Cancelled"
    assert "was withdrawn" in str(said)
    assert ben.approvals() == []
    assert truth(stack, "select count(*) from payments where id = 9") == 1
    assert "alive" in str(notebook.run("%govsql shop select 1 as alive"))


def test_an_interrupt_cancels_on_the_target(stack: Stack, notebook: Notebook) -> None:
    heavy = "select count(*) from orders a, orders b, orders c, orders d"
    said = notebook.run(f"%govsql shop {heavy}", interrupt_after=1.0)
    assert "cancelled on the target" in str(said)
    wait_until(
        lambda: truth(stack, "select count(*) from pg_stat_activity where state = 'active' and query like '%orders d'") <= 1, 5
    )


def test_pandas_through_the_engine_is_masked_and_carries_its_cell(stack: Stack, notebook: Notebook, ben: GatewayClient) -> None:
    code = "import jupyter_govern, pandas as pd\nengine = jupyter_govern.engine('shop')\n"
    code += "people = pd.read_sql('select * from customers where id < 4', engine)\nprint(people.to_csv())"
    said = notebook.run(code, "cell-pandas")
    assert truth(stack, "select email from customers where id = 1") not in str(said)
    assert truth(stack, "select card from customers where id = 1") not in str(said)
    assert "Traceback" not in str(said)
    assert recorded(ben, "select * from customers where id < 4")["cell"]["cell_id"] == "cell-pandas"
    tables = notebook.run("import sqlalchemy as sa; meta = sa.MetaData(); meta.reflect(engine); print(sorted(meta.tables))")
    assert "'customers'" in str(tables)
    assert "(2, 9)" in str(notebook.run("print(pd.read_sql('customers', engine).head(2).shape)"))


def test_the_lists_pass_through_and_decisions_do_not(server: JupyterServer, ana: str) -> None:
    assert [target["name"] for target in server.call("GET", "/jupyter-govern/gateway/targets")] == ["shop"]
    assert server.call("GET", "/jupyter-govern/gateway/me")["kind"] == "server"
    assert server.call("GET", "/jupyter-govern/gateway/sessions")[0]["actor"] == "ana"


def test_nbclient_with_a_token_file(stack: Stack, ben: GatewayClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    token = tmp_path / "token"
    token.write_text(stack.token("ana"))
    said = run_headless(
        stack, monkeypatch, tmp_path, {"JUPYTER_GOVERN_TOKEN_FILE": str(token), "GOVERN_NOTEBOOK": "nightly.ipynb"}
    )
    assert "masked (partial)" in said
    assert recorded(ben, "select email, 'headless' as how from customers limit 1")["cell"]["notebook"] == "nightly.ipynb"


def test_nbclient_with_a_login_on_this_machine(stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = stack.directory / "jupyter" / "data" / "govern"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "credentials.json").write_text(json.dumps({"url": stack.api_url, "token": stack.token("ana")}))
    assert "masked (partial)" in run_headless(stack, monkeypatch, tmp_path, {})


def test_nbclient_without_any_login_is_told_what_to_do(stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "nobody"))
    with pytest.raises(nbclient.exceptions.CellExecutionError, match="jupyter govern login"):
        run_headless(stack, monkeypatch, tmp_path, {"JUPYTER_DATA_DIR": str(tmp_path / "nobody")})


def run_headless(stack: Stack, monkeypatch: pytest.MonkeyPatch, place: Path, more: dict[str, str]) -> str:
    """Run a small notebook without any server; its outputs as text."""
    for name in [name for name in os.environ if name.startswith(("JUPYTER", "JPY_", "GOVERN"))]:
        monkeypatch.delenv(name)
    for name, value in {**stack.environment(), **more}.items():
        monkeypatch.setenv(name, value)
    book = nbformat.v4.new_notebook()  # type: ignore[no-untyped-call]
    cells = ["%load_ext jupyter_govern", "%%govsql shop\nselect email, 'headless' as how from customers limit 1"]
    book.cells = [nbformat.v4.new_code_cell(cell) for cell in cells]  # type: ignore[no-untyped-call]
    nbclient.NotebookClient(book, timeout=60, kernel_name="python3", resources={"metadata": {"path": str(place)}}).execute()
    return json.dumps(book.cells[-1].outputs, ensure_ascii=False)


def test_a_gateway_that_is_gone_is_said(stack: Stack, notebook: Notebook) -> None:
    """Last, because it ends the gateway."""
    assert stack.gateway is not None
    stack.gateway.stop()
    said = str(notebook.run("%govsql shop select 1"))
    assert "jupyter govern gateway" in said
    assert "Traceback" not in said


async def test_a_notebook_server_starts_a_gateway_of_its_own_and_stops_it(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the last: the same configuration, started as `GovernApp.gateway_config` does."""
    for name, value in stack.environment().items():
        monkeypatch.setenv(name, value)
    own = OwnGateway(stack.config, logging.getLogger("test"))
    assert await own.start(30) == ""
    said = discovered()
    gateway = Gateway(lambda: str(said["api_url"]), ca_file=lambda: "", seconds=5)
    assert await gateway.health() == ""
    await own.stop()
    assert "does not answer" in await gateway.health()
    with pytest.raises(ProcessLookupError):
        os.kill(said["pid"], 0)
