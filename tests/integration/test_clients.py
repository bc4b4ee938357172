"""What people's programs do with a connection: SQLAlchemy, pandas, psycopg's transactions, asyncpg's binary results.

Each asks the same twice, through the gateway and of the database itself: masked columns must be masked, all others equal.
"""

from __future__ import annotations

import asyncio
import datetime
import io
import ssl
from collections.abc import Callable, Coroutine, Iterator
from decimal import Decimal
from typing import Any

import asyncpg
import pandas as pd
import psycopg
import pytest
import sqlalchemy as sa
from pgwire_rig import SECRETS, Rig
from psycopg.rows import dict_row
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

RULES = """
[[rule]]
name = "hide kinds"
because = "one of each format"
effect = "mask"
who = { groups = ["analysts"] }
on = { targets = ["shop"], columns = ["public.kinds.secret_text"] }
mask = { format = "hash" }

[[rule]]
name = "hide numbers"
because = "one of each format"
effect = "mask"
who = { groups = ["analysts"] }
on = { targets = ["shop"], columns = ["public.kinds.secret_number", "public.kinds.secret_day", "public.kinds.secret_json"] }
mask = { format = "null" }
"""

KINDS = """
create type mood as enum ('sad', 'ok', 'happy');
create type pair as (a int, b text);
create domain positive as int check (value > 0);
create table kinds (
  id int primary key, small smallint, big bigint, r real, d double precision, n numeric(20,5), flag boolean, t text, v varchar(20),
  c char(5), raw bytea, day date, clock time, moment timestamp, moment_tz timestamptz, span interval, u uuid, j json, jb jsonb,
  ints int[], texts text[], address inet, ranged int4range, m mood, p pair, pos positive, o oid,
  secret_text text, secret_number numeric, secret_day date, secret_json jsonb);
insert into kinds select g, g, g * 1000000000::bigint, g / 3.0, g / 7.0, g * 1.00001, g % 2 = 0, 'text ' || g || ' öß→', 'v' || g, 'c',
  decode('00ff' || lpad(g::text, 2, '0'), 'hex'), date '2026-01-01' + g, time '12:00' + g * interval '1 min',
  timestamp '2026-01-01 12:00:00.123456' + g * interval '1 h', timestamptz '2026-01-01 12:00+02' + g * interval '1 h',
  g * interval '1 mon 2 days 3.5 s', ('00000000-0000-0000-0000-0000000000' || lpad(g::text, 2, '0'))::uuid, '{"a": [1, null]}'::json,
  '{"b": {"c": 1.5}}'::jsonb, array[g, null, 3], array['x', null, 'ö,"'], '10.0.0.1/8'::inet, int4range(g, g + 10), 'ok'::mood,
  row(g, 'b ' || g)::pair, g, g, 'confidential ' || g, g * 12345.678, date '1970-02-03', '{"confidential": true}'::jsonb
from generate_series(1, 20) g;
insert into kinds (id) values (99);
grant select, insert, update, delete on kinds to gateway;
grant usage on type mood, pair, positive to gateway;
"""
OPEN = "id small big r d n flag t v c raw day clock moment moment_tz span u j jb ints texts address ranged m p pos o".split()
HIDDEN = ["secret_text", "secret_number", "secret_day", "secret_json"]


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    with Rig(rules=RULES) as started:
        with psycopg.connect(started.postgres.conninfo(), autocommit=True) as direct:
            direct.execute(KINDS)
        yield started


@pytest.fixture(autouse=True)
def nothing_raw_is_ever_recorded(rig: Rig) -> Iterator[None]:
    yield
    written = rig.everything_written()
    for secret in (*SECRETS, "confidential 7"):
        assert secret.encode() not in written


@pytest.fixture(scope="module")
def engine(rig: Rig) -> Iterator[sa.Engine]:
    yield from engine_of(rig.conninfo())


@pytest.fixture(scope="module")
def bens_engine(rig: Rig) -> Iterator[sa.Engine]:
    yield from engine_of(rig.conninfo("ben"))


@pytest.fixture(scope="module")
def direct(rig: Rig) -> Iterator[sa.Engine]:
    """Past the gateway."""
    yield from engine_of(rig.postgres.conninfo())


def engine_of(conninfo: str) -> Iterator[sa.Engine]:
    made = sa.create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(conninfo))
    yield made
    made.dispose()


def is_hidden(shown: object) -> bool:
    return not any(word in str(shown).lower() for word in ("raw.ex", "anton@", "berta@", "carla@", "confidential"))


# -- SQLAlchemy -----------------------------------------------------------------------------------------------------------


class Base(DeclarativeBase):
    pass


class Customer(Base):
    __tablename__ = "customers"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    email: Mapped[str | None]


class Order(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
    customer: Mapped[int] = mapped_column(sa.ForeignKey("customers.id"))
    total: Mapped[Decimal]
    note: Mapped[str | None]


def test_core_selects(engine: sa.Engine, direct: sa.Engine) -> None:
    orders, customers = Order.__table__, Customer.__table__
    same = [
        sa.select(orders).order_by(orders.c.id),
        sa.select(orders.c.customer, sa.func.count(), sa.func.sum(orders.c.total)).group_by(orders.c.customer).order_by(orders.c.customer),
        sa.select(customers.c.name, orders.c.note).join(orders, orders.c.customer == customers.c.id).order_by(orders.c.id).limit(50),
        sa.select(orders).where(orders.c.id.in_([1, 2, 3])).order_by(orders.c.id.desc()),
        sa.select(sa.func.row_number().over(order_by=orders.c.id), orders.c.note).order_by(orders.c.id).limit(5),
    ]
    with engine.connect() as governed, direct.connect() as plain:
        for query in same:
            assert governed.execute(query).all() == plain.execute(query).all()
        rows = governed.execute(sa.select(customers).order_by(customers.c.id)).all()
        assert [(row.id, row.name) for row in rows] == [(1, "Anton"), (2, "Berta"), (3, "Carla")]
        assert all(row.email.endswith("mple") and row.email.startswith("***") for row in rows)
        # what is computed is computed on the mask
        assert governed.execute(sa.select(customers).where(customers.c.email.like("anton%"))).all() == []
        beginning = sa.func.upper(sa.func.left(customers.c.email, 5))
        assert governed.execute(sa.select(sa.func.count()).where(beginning == "ANTON")).scalar() == 0


def test_orm_sessions(engine: sa.Engine, direct: sa.Engine) -> None:
    with Session(engine) as session:
        anton = session.get(Customer, 1)
        assert anton is not None and is_hidden(anton.email)
        session.add_all([Order(id=5000 + n, customer=1, total=Decimal("9.99"), note=f"orm {n}") for n in range(50)])
        session.flush()
        assert session.scalar(sa.select(sa.func.count()).where(Order.note.like("orm %"))) == 50
        session.rollback()
        assert session.get(Order, 5000) is None
        session.add(Order(id=5000, customer=1, total=Decimal("9.99"), note="kept"))
        session.commit()
        kept = session.get(Order, 5000)
        assert kept is not None
        kept.note = "changed"
        session.commit()
    with direct.connect() as plain:
        assert plain.execute(sa.text("select total, note from orders where id = 5000")).all() == [(Decimal("9.99"), "changed")]
        assert plain.execute(sa.text("select email from customers where id = 1")).scalar() == SECRETS[0]


def test_a_refusal_within_a_savepoint(engine: sa.Engine, direct: sa.Engine) -> None:
    with engine.begin() as governed:
        governed.execute(sa.text("insert into orders values (5100, 1, 1, 'before')"))
        with pytest.raises(sa.exc.ProgrammingError) as caught, governed.begin_nested():
            governed.execute(sa.text("drop table orders"))
        assert isinstance(caught.value.orig, psycopg.errors.InsufficientPrivilege)
        governed.execute(sa.text("insert into orders values (5101, 1, 1, 'behind')"))
    with direct.connect() as plain:
        assert plain.execute(sa.text("select note from orders where id >= 5100 order by id")).scalars().all() == ["before", "behind"]


def test_rows_that_stream(engine: sa.Engine, direct: sa.Engine) -> None:
    query = sa.text("select id, note from orders where id <= 1000 order by id")
    with engine.connect().execution_options(yield_per=97) as governed, direct.connect() as plain:
        assert list(governed.execute(query)) == plain.execute(query).all()
        assert is_hidden(list(governed.execute(sa.text("select * from customers"))))


@pytest.mark.parametrize("level", ["AUTOCOMMIT", "READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"])
def test_isolation_levels(engine: sa.Engine, level: Any) -> None:
    with engine.connect().execution_options(isolation_level=level) as governed:
        shown = governed.execute(sa.text("show transaction_isolation")).scalar()
        assert shown == ("read committed" if level == "AUTOCOMMIT" else level.lower())


def test_a_pool_that_pings(rig: Rig) -> None:
    made = sa.create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(rig.conninfo()), pool_pre_ping=True, pool_size=2)
    for _ in range(5):
        with made.connect() as one, made.connect() as two:
            assert one.execute(sa.text("select 1")).scalar() == two.execute(sa.text("select 1")).scalar() == 1
    made.dispose()


def test_what_the_database_looks_like(engine: sa.Engine, direct: sa.Engine) -> None:
    """Reflection: what SQLAlchemy's inspector finds is what is there."""
    governed, plain = sa.inspect(engine), sa.inspect(direct)
    assert governed.get_table_names() == plain.get_table_names()
    assert governed.get_view_names() == plain.get_view_names()
    assert governed.has_table("customers") and not governed.has_table("nothing")
    for table in ("customers", "orders"):
        assert str(governed.get_columns(table)) == str(plain.get_columns(table))
        assert governed.get_pk_constraint(table) == plain.get_pk_constraint(table)
        assert governed.get_foreign_keys(table) == plain.get_foreign_keys(table)
        assert governed.get_indexes(table) == plain.get_indexes(table)


# -- pandas ---------------------------------------------------------------------------------------------------------------


def test_read_sql(engine: sa.Engine, direct: sa.Engine) -> None:
    for query in ("select * from orders order by id", "select customer, avg(total) as mean from orders group by 1 order by 1"):
        pd.testing.assert_frame_equal(pd.read_sql(query, engine), pd.read_sql(query, direct))
    governed, plain = (pd.read_sql("select * from customers order by id", each) for each in (engine, direct))
    pd.testing.assert_frame_equal(governed.drop(columns="email"), plain.drop(columns="email"))
    assert governed["email"].str.fullmatch(r"\*+mple").all()
    assert is_hidden(governed.to_csv())


def test_read_sql_with_parameters_and_in_chunks(engine: sa.Engine, direct: sa.Engine) -> None:
    query = sa.text("select id, total, note from orders where id between :low and :high order by id")
    chunks = list(pd.read_sql(query, engine, params={"low": 10, "high": 500}, chunksize=100))
    assert [len(chunk) for chunk in chunks] == [100, 100, 100, 100, 91]
    pd.testing.assert_frame_equal(pd.concat(chunks, ignore_index=True), pd.read_sql(query, direct, params={"low": 10, "high": 500}))


def test_read_sql_of_every_kind(engine: sa.Engine, direct: sa.Engine) -> None:
    query = f"select {', '.join(OPEN + HIDDEN)} from kinds order by id"
    governed, plain = pd.read_sql(query, engine), pd.read_sql(query, direct)
    pd.testing.assert_frame_equal(governed[OPEN], plain[OPEN])
    assert governed[["secret_number", "secret_day", "secret_json"]].isna().all().all()
    assert is_hidden(governed.to_csv())
    assert governed["secret_text"].nunique() == 20  # equal texts have equal hashes


@pytest.mark.parametrize("method", [None, "multi"])
def test_to_sql_makes_fills_and_appends(engine: sa.Engine, direct: sa.Engine, method: Any) -> None:
    name = f"made_{method or 'plain'}"
    frame = pd.DataFrame(
        {"id": range(300), "name": [f"n{i}" for i in range(300)], "part": [i / 7 for i in range(300)], "day": pd.Timestamp("2026-01-01")}
    )
    assert frame.to_sql(name, engine, index=False, method=method) in (None, 300, -1, 1)
    frame.to_sql(name, engine, index=False, if_exists="append", method=method)
    with pytest.raises(ValueError, match="already exists"):
        frame.to_sql(name, engine, index=False)
    for each in (engine, direct):
        back = pd.read_sql(f"select * from {name} order by id", each)
        assert len(back) == 600
        pd.testing.assert_frame_equal(back.drop_duplicates(ignore_index=True), frame, check_dtype=False)


def test_to_sql_replaces_only_where_a_rule_lets_it(engine: sa.Engine, bens_engine: sa.Engine, direct: sa.Engine) -> None:
    frame = pd.DataFrame({"a": [1, 2, 3]})
    frame.to_sql("replaced", engine, index=False)
    with pytest.raises(sa.exc.ProgrammingError, match="no drops"):
        pd.DataFrame({"b": ["x"]}).to_sql("replaced", engine, index=False, if_exists="replace")
    assert list(pd.read_sql("select * from replaced", direct)["a"]) == [1, 2, 3]
    pd.DataFrame({"b": ["x"]}).to_sql("replaced", bens_engine, index=False, if_exists="replace")
    assert list(pd.read_sql("select * from replaced", engine)["b"]) == ["x"]


def test_what_was_masked_is_written_masked(engine: sa.Engine, direct: sa.Engine) -> None:
    """A copy of what one sees is a copy of the mask."""
    pd.read_sql("select * from customers", engine).to_sql("copied", engine, index=False)
    assert is_hidden(pd.read_sql("select * from copied", direct).to_csv())


# -- psycopg's transactions -----------------------------------------------------------------------------------------------


def count(connection: psycopg.Connection[Any], table: str) -> int:
    row = connection.execute(f"select count(*) from {table}".encode()).fetchone()
    assert row is not None
    return int(row[0])


def test_commit_rollback_and_nesting(rig: Rig) -> None:
    with rig.connect(autocommit=False) as connection, rig.connect("ben") as other:
        connection.execute("create temp table t (a int)")
        connection.commit()
        with connection.transaction():
            connection.execute("insert into t values (1)")
            with pytest.raises(ZeroDivisionError), connection.transaction():
                connection.execute("insert into t values (2)")
                raise ZeroDivisionError
            with connection.transaction(force_rollback=True):
                connection.execute("insert into t values (3)")
            with pytest.raises(psycopg.errors.UndefinedColumn), connection.transaction():
                connection.execute("select nope from t")
        assert connection.execute("select a from t").fetchall() == [(1,)]
        connection.commit()
        connection.execute("insert into orders values (6000, 1, 1, 'not yet')")
        assert other.execute("select count(*) from orders where id = 6000").fetchone() == (0,)
        connection.commit()
        assert other.execute("select count(*) from orders where id = 6000").fetchone() == (1,)


def test_a_table_of_an_open_transaction(rig: Rig) -> None:
    with rig.connect(autocommit=False) as connection:
        connection.execute("create table fresh (a int, b text)")
        connection.execute("insert into fresh values (%s, %s)", (1, "one"))
        assert connection.execute("select * from fresh").fetchall() == [(1, "one")]
        assert connection.execute("select b from fresh f where f.a = %s", (1,)).fetchone() == ("one",)
        connection.rollback()
        with pytest.raises(psycopg.errors.UndefinedTable):
            connection.execute("select * from fresh")
        connection.rollback()
        connection.execute("create table fresh (c text)")
        connection.execute("insert into fresh values ('other')")
        connection.commit()
        assert connection.execute("select c from fresh").fetchall() == [("other",)]
    with rig.connect() as other:
        assert other.execute("select c from fresh").fetchall() == [("other",)]


def test_a_copy_of_masked_columns_made_in_an_open_transaction_is_masked(rig: Rig) -> None:
    with rig.connect(autocommit=False) as connection:
        connection.execute("create table taken as select * from customers")
        assert is_hidden(connection.execute("select * from taken").fetchall())
        connection.commit()
    with psycopg.connect(rig.postgres.conninfo()) as plain:
        assert is_hidden(plain.execute("select * from taken").fetchall())


def test_a_column_added_in_an_open_transaction(rig: Rig) -> None:
    """Of ben, from whom nothing is hidden: an ALTER TABLE of ana's is not judged."""
    with rig.connect("ben", autocommit=False) as connection:
        connection.execute("create table widened (a int)")
        connection.execute("alter table widened add column b int default 2")
        connection.execute("insert into widened (a) values (1)")
        assert connection.execute("select a, b from widened").fetchall() == [(1, 2)]
        connection.rollback()


@pytest.mark.parametrize("temporary", ["", "temp"])
def test_names_are_known_after_a_savepoint_is_undone(rig: Rig, temporary: str) -> None:
    with rig.connect(autocommit=False) as connection:
        connection.execute(f"create {temporary} table around (a int)".encode())
        with pytest.raises(psycopg.errors.UndefinedColumn), connection.transaction():
            connection.execute("select nope from orders")
        try:
            assert connection.execute("select a from around").fetchall() == []
            assert connection.execute("select note from orders where id = 1").fetchone() == ("note 1",)
        finally:
            connection.rollback()


def test_rows_as_dictionaries_and_many_statements(rig: Rig) -> None:
    with rig.connect() as connection, connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute("select * from customers where id = 1").fetchone()
        assert row is not None and (row["id"], row["name"]) == (1, "Anton") and is_hidden(row["email"])
        cursor.execute("create temp table many (n int primary key, t text)")
        cursor.executemany("insert into many values (%s, %s) returning n", [(n, str(n)) for n in range(500)], returning=True)
        assert sum(1 for _ in iter(cursor.nextset, None)) == 499
        assert count(connection, "many") == 500


@pytest.mark.parametrize("binary", [False, True], ids=["text", "binary"])
def test_every_kind_in_psycopg(rig: Rig, binary: bool) -> None:
    query = f"select {', '.join(OPEN + HIDDEN)} from kinds order by id".encode()
    with rig.connect() as connection, psycopg.connect(rig.postgres.conninfo()) as plain:
        governed = connection.cursor(binary=binary).execute(query)
        wanted = plain.cursor(binary=binary).execute(query)
        assert [(c.name, c.type_code) for c in governed.description or ()] == [(c.name, c.type_code) for c in wanted.description or ()]
        rows, raw = governed.fetchall(), wanted.fetchall()
        assert [row[: len(OPEN)] for row in rows] == [row[: len(OPEN)] for row in raw]
        assert is_hidden([row[len(OPEN) :] for row in rows])
        assert all(row[-3:] == (None, None, None) for row in rows)


# -- asyncpg --------------------------------------------------------------------------------------------------------------


def run(rig: Rig, work: Callable[[Any, Any], Coroutine[Any, Any, None]], who: str = "ana") -> None:
    """work(governed connection, direct connection)."""

    async def both() -> None:
        context = ssl.create_default_context(cafile=rig.authority)
        governed = await asyncpg.connect(host="127.0.0.1", port=rig.port, user=who, database="shop", password=rig.token(who), ssl=context)
        own = rig.postgres
        plain = await asyncpg.connect(host=own.host, port=own.port, user=own.user, password=own.password, database="postgres", ssl=False)
        try:
            await work(governed, plain)
        finally:
            await governed.close()
            await plain.close()

    asyncio.run(both())


def test_every_kind_in_asyncpg(rig: Rig) -> None:
    """Binary all the way; enum, composite, domain and range need asyncpg's own look at pg_catalog."""

    async def work(governed: Any, plain: Any) -> None:
        query = f"select {', '.join(OPEN + HIDDEN)} from kinds order by id"
        rows, raw = await governed.fetch(query), await plain.fetch(query)
        assert [tuple(row)[: len(OPEN)] for row in rows] == [tuple(row)[: len(OPEN)] for row in raw]
        assert is_hidden([tuple(row)[len(OPEN) :] for row in rows])
        assert all(tuple(row)[-3:] == (None, None, None) for row in rows)
        prepared, wanted = await governed.prepare(query), await plain.prepare(query)
        assert [(a.name, a.type.oid) for a in prepared.get_attributes()] == [(a.name, a.type.oid) for a in wanted.get_attributes()]

    run(rig, work)


def test_parameters_in_asyncpg(rig: Rig) -> None:
    async def work(governed: Any, plain: Any) -> None:
        query = "select id, m, p, ints, ranged from kinds where m = $1 and id = any($2::int[]) and day > $3 and n < $4 order by id"
        values = ("ok", [3, 4, 5, 99], datetime.date(2026, 1, 4), Decimal("4.5"))
        rows = await governed.fetch(query, *values)
        assert rows == await plain.fetch(query, *values)
        assert [row["id"] for row in rows] == [4]
        await governed.execute("create temp table put (m mood, r int4range, j jsonb, b bytea)")
        await governed.executemany("insert into put values ($1, $2, $3, $4)", [("sad", asyncpg.Range(1, 5), "[1]", b"\x00\xff")] * 20)
        assert await governed.fetchval("select count(distinct (m, r, j, b)) from put") == 1

    run(rig, work)


def test_binary_copy_in_asyncpg(rig: Rig) -> None:
    async def work(governed: Any, plain: Any) -> None:
        out, wanted = io.BytesIO(), io.BytesIO()
        await governed.copy_from_query("select * from orders where id <= 1000 order by id", output=out, format="binary")
        await plain.copy_from_query("select * from orders where id <= 1000 order by id", output=wanted, format="binary")
        assert out.getvalue() == wanted.getvalue()
        hidden = io.BytesIO()
        await governed.copy_from_table("customers", output=hidden, format="binary")
        assert hidden.getvalue().startswith(b"PGCOPY") and b"Anton" in hidden.getvalue()
        assert is_hidden(hidden.getvalue())
        await governed.execute("create temp table back (id int, customer int, total numeric, note text)")
        out.seek(0)
        await governed.copy_to_table("back", source=out, format="binary")
        assert await governed.fetchval("select count(*) from back") == 1000

    run(rig, work)


def test_transactions_in_asyncpg(rig: Rig) -> None:
    async def work(governed: Any, plain: Any) -> None:
        async with governed.transaction(isolation="serializable"):
            await governed.execute("insert into orders values (7000, 1, 1, 'outer')")
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                async with governed.transaction():
                    await governed.execute("insert into orders values (7001, 1, 1, 'inner')")
                    await governed.execute("drop table orders")
            assert await plain.fetchval("select count(*) from orders where id >= 7000") == 0
        assert [row["id"] for row in await plain.fetch("select id from orders where id >= 7000")] == [7000]
        async with governed.transaction(readonly=True):
            with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
                async with governed.transaction():
                    await governed.execute("insert into orders values (7002, 1, 1, 'no')")

    run(rig, work)


def test_an_asyncpg_pool(rig: Rig) -> None:
    """A pool resets its connections between uses, and they keep their prepared statements."""

    async def work() -> None:
        context = ssl.create_default_context(cafile=rig.authority)
        async with asyncpg.create_pool(
            host="127.0.0.1", port=rig.port, user="ana", database="shop", password=rig.token(), ssl=context, min_size=2, max_size=3
        ) as pool:

            async def one(number: int) -> Any:
                async with pool.acquire() as connection:
                    await connection.execute(f"set application_name to 'worker {number}'")
                    query = "select id, note, (select email from customers where id = 1) from orders where id = $1"
                    return await connection.fetchrow(query, number)

            rows = await asyncio.gather(*(one(number) for number in range(1, 61)))
            assert [row["note"] for row in rows] == [f"note {number}" for number in range(1, 61)]
            assert is_hidden(rows)
            async with pool.acquire() as connection:
                assert "worker" not in await connection.fetchval("show application_name")

    asyncio.run(work())
