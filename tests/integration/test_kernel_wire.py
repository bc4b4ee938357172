"""The kernel's own wire behaviour on a real PostgreSQL (no gateway: `SET govern.…` is an ordinary setting there):
parameters, results, transactions from call to call, lost connections, and an interrupt that really stops the backend.
"""

from __future__ import annotations

import _thread
import datetime as dt
import json
import threading
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pandas as pd
import psycopg
import pytest

from jupyter_govern.demo.postgres import Postgres
from jupyter_govern_kernel.calling import run_request
from jupyter_govern_kernel.options import UsageProblem, parse_request
from jupyter_govern_kernel.problems import Cancelled, ConnectionLost, StatementFailed, TargetNotFound
from jupyter_govern_kernel.results import Done
from jupyter_govern_kernel.session import KernelSession, TargetRefused
from jupyter_govern_kernel.sqlalchemy_engine import engine
from jupyter_govern_kernel.table import Table


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with Postgres() as server:
        yield server


class DirectSession(KernelSession):
    """A session whose only target is the server itself; its password stands for the token."""

    def __init__(self, server: Postgres) -> None:
        self.shell = SimpleNamespace(execution_count=1, user_ns={}, get_parent=lambda: {"metadata": {"cellId": "c1"}})
        tickets = SimpleNamespace(fresh=lambda: SimpleNamespace(token=server.password), notebook=lambda: "it's \\ a.ipynb")
        self.server = server
        super().__init__(self.shell, tickets=tickets)  # type: ignore[arg-type]

    def targets(self) -> list[dict[str, Any]]:
        connect = {
            "host": self.server.host,
            "port": self.server.port,
            "dbname": "postgres",
            "user": "postgres",
            "sslmode": "disable",
        }
        return [{"name": "shop", "connect": connect}, {"name": "closed", "connect": None, "why": "no rule allows it"}]


@pytest.fixture
def session(postgres: Postgres) -> Iterator[DirectSession]:
    opened = DirectSession(postgres)
    yield opened
    opened.close()


@pytest.fixture
def run(session: DirectSession) -> Callable[..., Any]:
    """Run one magic line; keyword arguments are the notebook's variables."""

    def call(line: str, **names: Any) -> Any:
        session.shell.execution_count += 1
        return run_request(parse_request(f"shop {line}"), names, session)

    return call


@pytest.fixture
def admin(postgres: Postgres) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(postgres.conninfo(), autocommit=True) as connection:
        yield connection


def test_a_frame_with_its_types(run: Callable[..., Any]) -> None:
    frame = run("select 1 i, null::int n, 1.25::numeric d, date '2020-02-01' as day, 'x' t, '%' p, '{1,2}'::int[] a")
    assert frame.iloc[0].drop("n").tolist() == [1, 1.25, pd.Timestamp("2020-02-01"), "x", "%", [1, 2]]
    assert [str(kind) for kind in frame.dtypes][:4] == ["int64", "Int64", "float64", "datetime64[s]"]


def test_bound_values_reach_the_server_with_their_types(run: Callable[..., Any]) -> None:
    moment = dt.datetime(2020, 1, 2, 3, tzinfo=dt.UTC)
    frame = run(
        "--decimal select :n + 1 n, :d::numeric d, :t || ':x' t, :m m, :none::text is null missing, 3 = any(:ids) found",
        n=2**40, d=Decimal("1.10"), t="o'clock", m=moment, none=None, ids=pd.Series([1, 3]),
    )  # fmt: skip
    assert frame.iloc[0].tolist() == [2**40 + 1, Decimal("1.10"), "o'clock:x", pd.Timestamp(moment), True, True]


def test_a_value_is_never_part_of_the_text(run: Callable[..., Any]) -> None:
    evil = "'; drop table x; --"
    assert run("select :evil::text as t", evil=evil)["t"][0] == evil


def test_a_table_without_pandas(run: Callable[..., Any]) -> None:
    result = run("--plain select g from generate_series(1, 3) g")
    assert isinstance(result, Table)
    assert result["g"] == [1, 2, 3]


def test_moments_beyond_python_stay_as_text(run: Callable[..., Any]) -> None:
    frame = run("select d, 1 as i from (values (date 'infinity'), ('2020-01-01')) v(d)")
    assert frame["d"].tolist() == ["infinity", "2020-01-01"]
    assert frame["i"].tolist() == [1, 1]


def test_several_statements_give_the_last_rows(run: Callable[..., Any], capsys: pytest.CaptureFixture[str]) -> None:
    assert run("select 1 as a; select 2 as b; set search_path = public")["b"][0] == 2
    assert "3 statements (SELECT 1; SELECT 1; SET)" in capsys.readouterr().out


def test_no_rows_and_no_statement(run: Callable[..., Any]) -> None:
    assert repr(run("create temp table t (a int)")) == "CREATE TABLE"
    assert run("select * from t").shape == (0, 1)
    assert repr(run("-- nothing")) == "(empty statement)"


def test_copy(run: Callable[..., Any]) -> None:
    assert run("/* out */ COPY (select g from generate_series(1, 2) g) TO STDOUT") == "1\n2\n"
    run("create temp table t (a int)")
    with pytest.raises(UsageProblem, match="needs something to read"):
        run("copy t from stdin")
    assert run("select count(*) as n from t")["n"][0] == 0


def test_the_cell_is_reported_before_each_statement(run: Callable[..., Any], session: DirectSession) -> None:
    said = json.loads(run("select current_setting('govern.cell') as c")["c"][0])
    assert said["notebook"] == "it's \\ a.ipynb"
    assert (said["cell_id"], said["execution_count"]) == ("c1", session.shell.execution_count)
    said = json.loads(run("--notebook other.ipynb select current_setting('govern.cell') as c")["c"][0])
    assert said["notebook"] == "other.ipynb"
    assert run("select current_setting('govern.client') as c")["c"][0] == "kernel"


def test_a_transaction_persists_and_an_aborted_one_can_be_ended(run: Callable[..., Any]) -> None:
    run("begin")
    run("create temp table kept (a int)")
    with pytest.raises(StatementFailed) as failed:
        run("select :x + nope from kept", x=1)
    assert failed.value.sqlstate == "42703"
    assert "LINE 1: select :x + nope from kept\n                    ^" in str(failed.value)
    assert "ROLLBACK ends it" in str(failed.value)
    assert repr(run("rollback")) == "ROLLBACK"
    with pytest.raises(StatementFailed, match='"kept" does not exist'):
        run("select * from kept")


def test_two_statements_with_parameters_are_explained(run: Callable[..., Any]) -> None:
    with pytest.raises(StatementFailed, match="a cell holds one statement"):
        run("select :x; select 2", x=1)


def test_a_lost_connection_is_replaced_and_said(
    run: Callable[..., Any], admin: psycopg.Connection[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    pid = run("select pg_backend_pid() as p")["p"][0]
    end_backend(admin, pid)
    assert run("select 1 as a")["a"][0] == 1
    assert "had ended; opened a new one" in capsys.readouterr().err


def test_a_connection_lost_inside_a_transaction_is_never_replaced_silently(
    run: Callable[..., Any], admin: psycopg.Connection[Any]
) -> None:
    run("begin")
    end_backend(admin, run("select pg_backend_pid() as p")["p"][0])
    with pytest.raises(ConnectionLost, match="inside a transaction"):
        run("create table must_not_exist (a int)")
    assert run("select to_regclass('must_not_exist') is null as gone")["gone"][0]


def test_a_connection_lost_while_a_statement_runs(run: Callable[..., Any]) -> None:
    with pytest.raises(ConnectionLost, match="while the statement ran"):
        run("select pg_terminate_backend(pg_backend_pid())")
    assert run("select 1 as a")["a"][0] == 1


def end_backend(admin: psycopg.Connection[Any], pid: int) -> None:
    admin.execute("select pg_terminate_backend(%s, 5000)", (int(pid),))
    time.sleep(0.05)  # the end of the stream reaches our socket


def running(admin: psycopg.Connection[Any]) -> int:
    row = admin.execute(
        "select count(*) from pg_stat_activity where state = 'active' and query like '%pg_sleep%' and pid <> pg_backend_pid()"
    ).fetchone()
    assert row is not None
    return int(row[0])


def interrupt_when_running(admin: psycopg.Connection[Any]) -> threading.Thread:
    def wait() -> None:
        for _ in range(200):
            if running(admin):
                _thread.interrupt_main()
                return
            time.sleep(0.02)

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


def test_an_interrupt_stops_the_backend(run: Callable[..., Any], admin: psycopg.Connection[Any]) -> None:
    began = time.monotonic()
    thread = interrupt_when_running(admin)
    with pytest.raises(Cancelled, match="cancelled on the target"):
        run("select pg_sleep(60)")
    thread.join()
    assert time.monotonic() - began < 10
    assert running(admin) == 0
    assert run("select 1 as a")["a"][0] == 1


def test_an_interrupt_stops_the_backend_under_an_engine_too(session: DirectSession, admin: psycopg.Connection[Any]) -> None:
    governed = engine("shop", session=session)
    thread = interrupt_when_running(admin)
    with governed.connect() as connection, pytest.raises(KeyboardInterrupt):
        connection.exec_driver_sql("select pg_sleep(60)")
    thread.join()
    assert running(admin) == 0
    governed.dispose()


def test_pandas_through_the_engine(session: DirectSession) -> None:
    governed = engine("shop", session=session)
    frame = pd.read_sql("select %(x)s::int as x, current_setting('govern.cell') as cell", governed, params={"x": 5})
    assert frame["x"][0] == 5
    assert json.loads(frame["cell"][0])["cell_id"] == "c1"
    governed.dispose()


def test_the_engine_survives_a_lost_connection(session: DirectSession, admin: psycopg.Connection[Any]) -> None:
    governed = engine("shop", session=session)
    pid = pd.read_sql("select pg_backend_pid() as p", governed)["p"][0]
    end_backend(admin, pid)
    assert pd.read_sql("select 1 as a", governed)["a"][0] == 1
    governed.dispose()


def test_targets_that_are_not_open(session: DirectSession) -> None:
    with pytest.raises(TargetNotFound, match="Did you mean shop"):
        run_request(parse_request("shopp select 1"), {}, session)
    with pytest.raises(TargetRefused, match="no rule allows it"):
        run_request(parse_request("closed select 1"), {}, session)


def test_done_is_quiet_text(run: Callable[..., Any]) -> None:
    assert isinstance(run("set work_mem = '4MB'"), Done)
