"""Stock clients through the gateway to a real PostgreSQL: psql, psycopg, asyncpg."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterator
from typing import Any

import asyncpg
import psycopg
import pytest
from pgwire_rig import SECRETS, Rig

MASKED = "*************mple"


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    with Rig() as started:
        yield started


@pytest.fixture(autouse=True)
def nothing_raw_is_ever_recorded(rig: Rig) -> Iterator[None]:
    yield
    written = rig.everything_written()
    for secret in SECRETS:
        assert secret.encode() not in written


def is_hidden(text: str) -> bool:
    return not any(secret.split("@")[0].lower() in text.lower() and "raw.ex" in text.lower() for secret in SECRETS)


# -- psql ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "statement",
    [
        "select email from customers order by id",
        "select upper(email) from customers",
        "select row_to_json(c) from customers c",
        "copy (select email from customers) to stdout",
        "copy customers to stdout",
        "table customers",
        "select email from mails",
        "select * from customers c join orders o on o.customer = c.id limit 5",
        "begin; select email from customers; commit",
        "select email from customers \\gdesc",
        "select email from customers \\bind \\g",
    ],
)
def test_masked_in_psql(rig: Rig, statement: str) -> None:
    done = rig.psql(statement)
    assert is_hidden(done.stdout + done.stderr)


def test_psql_shows_masked_rows(rig: Rig) -> None:
    done = rig.psql("select email from customers order by id")
    assert done.stderr == ""
    assert len(done.stdout.split()) == 3
    assert done.stdout.split()[0].endswith("mple")


def test_the_dba_sees_what_the_analyst_does_not(rig: Rig) -> None:
    with psycopg.connect(rig.conninfo("ben"), autocommit=True) as connection:
        count = connection.execute("select count(*) from customers where email like '%raw.example'").fetchone()
    assert count == (3,)


def test_a_refusal_names_its_rule(rig: Rig) -> None:
    done = rig.psql("drop table orders", "select count(*) from orders")
    assert 'DETAIL:  rule "no drops": tables are dear' in done.stderr
    assert "HINT:  Ask a dba." in done.stderr
    assert done.stdout.split() == ["1000"]


def test_a_syntax_error_has_the_servers_words_and_place(rig: Rig) -> None:
    done = rig.psql("select * form customers")
    assert 'ERROR:  syntax error at or near "form"\nLINE 1: select * form customers\n                 ^' in done.stderr


def test_an_error_behind_a_mask_points_at_the_persons_own_text(rig: Rig) -> None:
    done = rig.psql("select email, nope from customers")
    assert "LINE 1: select email, nope from customers\n                      ^" in done.stderr


def test_psql_lists_tables(rig: Rig) -> None:
    done = rig.psql("\\dt", "\\dv")
    assert done.stdout.split() == ["public|customers|table|postgres", "public|orders|table|postgres", "public|mails|view|postgres"]


def test_copy_in_and_out_of_psql(rig: Rig) -> None:
    done = rig.psql(
        "create temp table t (a int, b text)", "\\copy t from stdin", "select count(*), max(b) from t",
        stdin="".join(f"{n}\tline {n}\n" for n in range(20_000)),
    )  # fmt: skip
    assert done.stdout.strip() == "20000|line 9999"


def test_the_kernel_parameter_is_not_for_people(rig: Rig) -> None:
    done = rig.psql("show govern.hash_key", "select current_setting('govern.hash_key')", "set govern.hash_key to 'x'")
    assert done.stdout == ""
    assert done.stderr.count("ERROR") == 3


# -- psycopg ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("binary", [False, True])
def test_masked_in_psycopg(rig: Rig, binary: bool) -> None:
    with rig.connect() as connection, connection.cursor(binary=binary) as cursor:
        rows = cursor.execute("select email from customers where id > %s", (0,)).fetchall()
        assert len(rows) == 3
        assert is_hidden(str(rows))
        cursor.execute("select email, id from customers")
        assert is_hidden(str(cursor.fetchall()))


def test_server_side_cursors(rig: Rig) -> None:
    with rig.connect(autocommit=False) as connection, connection.cursor("big") as cursor:
        cursor.execute("select id, note from orders order by id")
        assert cursor.fetchmany(10)[-1] == (10, "note 10")
        assert len(cursor.fetchall()) == 990
        cursor.close()
        with connection.cursor("mail") as mail:
            mail.execute("select email from customers")
            assert is_hidden(str(mail.fetchall()))


def test_prepared_statements_used_again(rig: Rig) -> None:
    with rig.connect() as connection:
        for n in range(20):
            row = connection.execute("select total from orders where id = %s", (n + 1,), prepare=True).fetchone()
            assert row is not None
            assert float(row[0]) == (n + 1) * 1.5


def test_pipelines_keep_their_order(rig: Rig) -> None:
    with rig.connect() as connection, connection.pipeline():
        cursors = [connection.execute("select %s::int", (n,)) for n in range(300)]
        assert [cursor.fetchone() for cursor in cursors] == [(n,) for n in range(300)]


def test_a_refusal_in_a_pipeline_aborts_what_is_behind_it(rig: Rig) -> None:
    with rig.connect() as connection:
        with pytest.raises(psycopg.errors.InsufficientPrivilege), connection.pipeline() as pipeline:
            first = connection.execute("select 1")
            connection.execute("drop table orders")
            behind = connection.execute("select 2")
            pipeline.sync()
            assert first.fetchone() == (1,)
            behind.fetchone()
        assert connection.execute("select 3").fetchone() == (3,)


def test_a_refusal_aborts_its_transaction_as_an_error_would(rig: Rig) -> None:
    with rig.connect(autocommit=False) as connection:
        connection.execute("create temp table t (a int)")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("drop table orders")
        with pytest.raises(psycopg.errors.InFailedSqlTransaction):
            connection.execute("select 1")
        connection.rollback()
        assert connection.execute("select 1").fetchone() == (1,)


def test_copy_both_ways(rig: Rig) -> None:
    with rig.connect() as connection, connection.cursor() as cursor:
        cursor.execute("create temp table big (a int, b text)")
        with cursor.copy("copy big from stdin") as copy:
            for n in range(5_000):
                copy.write_row((n, "x" * 100))
            copy.write_row((5_000, "y" * 3_000_000))
        assert cursor.execute("select count(*), max(length(b)) from big").fetchone() == (5_001, 3_000_000)
        with cursor.copy("copy big (b) to stdout") as copy:
            data = b"".join(bytes(block) for block in copy)
        assert len(data) == 5_000 * 101 + 3_000_001
        with pytest.raises(psycopg.errors.InvalidTextRepresentation), cursor.copy("copy big from stdin") as copy:
            copy.write(b"no number\tx\n")
        assert cursor.execute("select 1").fetchone() == (1,)


def test_rows_and_parameters_of_any_size(rig: Rig) -> None:
    with rig.connect() as connection:
        for size in (0, 1, 65_530, 65_536, 200_000, 3_000_000):
            value = "z" * size
            assert connection.execute("select %s::text", (value,)).fetchone() == (value,)


def test_settings_at_start_up(rig: Rig) -> None:
    with rig.connect(options="-c statement_timeout=12345 -c TimeZone=Asia/Tokyo", application_name="it's me") as connection:
        shown = [connection.execute(f"show {name}").fetchone() for name in ("statement_timeout", "timezone", "application_name")]
    assert shown == [("12345ms",), ("Asia/Tokyo",), ("it's me",)]
    for options, code in (("-c role=postgres", "42501"), ("-c govern.hash_key=x", "42501"), ("-c timezone=Nowhere", "22023")):
        with pytest.raises(psycopg.OperationalError) as caught:
            rig.connect(options=options)
        assert code in str(caught.value) or "parameter" in str(caught.value)


def test_encodings(rig: Rig) -> None:
    with rig.connect(client_encoding="latin1") as connection:
        assert connection.execute("select 'Zoë' || length('Zoë'), email from customers limit 1").fetchone()[0] == "Zoë3"  # type: ignore[index]
        connection.execute("set client_encoding to 'utf8'")
        assert connection.execute("select 'Zoë→' || length('Zoë→')").fetchone() == ("Zoë→4",)
    with pytest.raises(psycopg.OperationalError, match="not supported"):
        rig.connect(client_encoding="sjis")
    with rig.connect() as connection, pytest.raises(psycopg.Error):
        connection.execute("set client_encoding to 'sjis'")
        connection.execute("select 1")


def test_the_record_tells_what_was_asked_and_delivered(rig: Rig) -> None:
    with rig.connect(options="-c govern.client=kernel") as connection:
        connection.execute("""SET govern.cell TO '{"notebook":"n.ipynb","cell_id":"c7","execution_count":3}'""")
        connection.execute("select id, email from customers where id = %s", (2,)).fetchall()
        assert connection.info.parameter_status("govern.masked") is not None
        assert "hide mail" in str(connection.info.parameter_status("govern.masked"))
    operation = [e for e in rig.entries("operation") if "where id = $1" in e["statement"]][-1]
    assert operation["cell"]["notebook"] == "n.ipynb"
    assert operation["outcome"] == "permitted"
    assert operation["parameters"] == ["2"] or operation["parameters"][0]["bytes"] == 2
    result = [e for e in rig.entries("result") if e["operation"] == operation["operation"]][0]
    assert [column["name"] for column in result["columns"]] == ["id", "email"]
    assert len(result["rows"]) == 1
    end = [e for e in rig.entries("end") if e["operation"] == operation["operation"]][0]
    assert (end["tag"], end["rows"], end["error"]) == ("SELECT 1", 1, None)


def test_listen_and_notify_give_no_payload_where_masks_hold(rig: Rig) -> None:
    with rig.connect("ben") as other, rig.connect() as connection:
        try:
            connection.execute("listen news")
        except psycopg.errors.InsufficientPrivilege:
            return  # refused is as good
        other.execute("notify news, 'secret payload'")
        got = list(connection.notifies(timeout=2, stop_after=1))
        assert [notify.payload for notify in got] == [""]


# -- asyncpg ------------------------------------------------------------------------------------------


async def asyncpg_connection(rig: Rig, who: str = "ana") -> Any:
    context = ssl.create_default_context(cafile=rig.authority)
    return await asyncpg.connect(host="127.0.0.1", port=rig.port, user=who, database="shop", password=rig.token(who), ssl=context)


def test_masked_in_asyncpg_with_its_binary_results(rig: Rig) -> None:
    async def work() -> None:
        connection = await asyncpg_connection(rig)
        try:
            rows = await connection.fetch("select id, email from customers where id = any($1::int[])", [1, 2])
            assert [row["id"] for row in rows] == [1, 2]
            assert is_hidden(str(rows))
            async with connection.transaction():
                got = [row async for row in connection.cursor("select id from orders order by id", prefetch=50)]
            assert len(got) == 1000
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute("drop table orders")
            assert await connection.fetchval("select 41 + $1::int", 1) == 42
            await connection.execute("create temp table t (a int, b text)")
            await connection.copy_records_to_table("t", records=[(n, "x") for n in range(2_000)])
            assert await connection.fetchval("select count(*) from t") == 2_000
        finally:
            await connection.close()

    asyncio.run(work())


# -- TLS and log-in -----------------------------------------------------------------------------------


def test_without_tls_too(rig: Rig) -> None:
    with rig.connect(sslmode="disable") as connection:
        assert connection.execute("select 1").fetchone() == (1,)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"password": "gov_person_wrong"}, "password authentication failed"),
        ({"user": "nobody"}, "password authentication failed"),
        ({"dbname": "elsewhere"}, 'target "elsewhere" does not exist'),
        ({"dbname": "down"}, 'target "down" cannot be reached'),
        ({"dbname": "refusing"}, "the gateway's own credential was refused"),
        ({"replication": "database"}, "not supported"),
    ],
)
def test_who_does_not_get_in_is_told_why(rig: Rig, changes: dict[str, str], said: str) -> None:
    with pytest.raises(psycopg.OperationalError) as caught:
        psycopg.connect(rig.conninfo(), **changes)  # type: ignore[arg-type]
    assert said in str(caught.value)
    assert "target-password" not in str(caught.value)
    assert "nobody's password" not in str(caught.value)


def test_somebody_without_a_rule_is_blocked(rig: Rig) -> None:
    with pytest.raises(psycopg.OperationalError, match="no rule allows"):
        rig.connect("eve")
