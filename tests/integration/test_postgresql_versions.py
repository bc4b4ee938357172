"""Every server version that this machine can have: the catalog is read, masks hold, and the protocol's parts work."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator

import psycopg
import pytest
from pgwire_rig import SECRETS, Rig

from tests.servers import EVERY, NotToBeHad, server


@pytest.fixture(scope="module", params=EVERY)
def rig(request: pytest.FixtureRequest) -> Iterator[Rig]:
    try:
        found = server(request.param)
    except NotToBeHad as problem:
        warnings.warn(f"NOT TESTED with PostgreSQL {request.param}: {problem}", stacklevel=1)
        pytest.skip(str(problem))
    before = os.environ.get("PG_BIN")
    os.environ["PG_BIN"] = str(found)
    try:
        with Rig() as made:
            yield made
    finally:
        os.environ.pop("PG_BIN")
        if before is not None:
            os.environ["PG_BIN"] = before


def test_it_is_the_version_that_was_asked_for(rig: Rig, request: pytest.FixtureRequest) -> None:
    with rig.connect("ben") as connection:
        assert connection.info.server_version // 10000 == request.node.callspec.params["rig"]


@pytest.mark.parametrize(
    "statement",
    [
        "select * from customers",
        "select upper(email) from customers",
        "select email from mails",
        "table customers",
        "with c as (select * from customers) select string_agg(email, ',') from c",
        "select c from customers c",
        "select to_jsonb(c) from customers c",
    ],
)
def test_masks_hold(rig: Rig, statement: str) -> None:
    with rig.connect("ana") as connection:
        rows = str(connection.execute(statement).fetchall())  # type: ignore[arg-type]
    assert rows
    for secret in SECRETS:
        assert secret not in rows
        assert secret.upper() not in rows


def test_copy_is_masked(rig: Rig) -> None:
    with rig.connect("ana") as connection, connection.cursor().copy("copy customers to stdout") as out:
        data = b"".join(bytes(block) for block in out).decode()
    assert "Anton" in data
    assert not any(secret in data for secret in SECRETS)


def test_what_is_blocked_is_blocked(rig: Rig) -> None:
    with rig.connect("ana") as connection, pytest.raises(psycopg.errors.InsufficientPrivilege, match="no drops"):
        connection.execute("drop table orders")


def test_the_basics(rig: Rig) -> None:
    with rig.connect("ben") as connection:
        assert connection.execute("select sum(total) from orders where id < %s", [10], prepare=True).fetchone()
        assert connection.info.backend_pid == connection.execute("select pg_backend_pid()").fetchone()[0]  # type: ignore[index]
        with connection.transaction(), connection.cursor(name="portal") as cursor:
            cursor.itersize = 7
            cursor.execute("select id from orders order by id")
            assert [row[0] for row in cursor] == list(range(1, 1001))
        with pytest.raises(psycopg.errors.DivisionByZero):
            connection.execute("select 1/0")
        connection.execute("listen here")
        connection.execute("notify here, 'hello'")
        assert next(iter(connection.notifies(timeout=5, stop_after=1))).payload == "hello"


def test_what_is_defined_is_known_at_once(rig: Rig) -> None:
    with rig.connect("ben") as connection:
        connection.execute("create table made (id int primary key, parent int references made)")
        connection.execute("insert into made values (1, 1)")
        assert connection.execute("select * from made").fetchone() == (1, 1)
        connection.execute("drop table made")
