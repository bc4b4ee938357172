"""Data in bulk: COPY in its forms, cursors, prepared statements, large objects, files."""

from __future__ import annotations

from tests.adversarial.attacker import Attacker
from tests.adversarial.case import Attack, Case, clever, leak
from tests.adversarial.world import FILE, OBJECT


def copy(statement: str) -> Attack:
    def attack(attacker: Attacker) -> object:
        with attacker.connect().cursor() as cursor, cursor.copy(attacker.fill(statement).encode()) as out:
            return b"".join(bytes(block) for block in out)

    return attack


def copies(name: str, field: str, statement: str) -> Case:
    return clever(name, field, copy(statement))


def server_cursor(attacker: Attacker) -> object:
    connection = attacker.connect()
    with connection.transaction(), connection.cursor("c") as cursor:
        cursor.execute(attacker.fill("select card from only people where id = {id}").encode())
        return cursor.fetchall()


CASES: tuple[Case, ...] = (
    copies("copy table", "email", "copy people to stdout"),
    copies("copy columns", "ssn", "copy vault.people (id, ssn) to stdout with (format csv, header)"),
    copies("copy binary", "card", "copy people (card) to stdout with (format binary)"),
    copies("copy query", "phone", "copy (select phone from only people where id = {id}) to stdout"),
    copies("copy query, binary", "email", "copy (select email from contacts) to stdout (format binary)"),
    copies("copy old syntax", "note", "COPY vault.people TO STDOUT DELIMITER ';' CSV"),
    copies("copy child", "card", "copy ledger_low to stdout"),
    copies("copy cte", "ssn", "copy (with t as (table only people) select ssn from t where id = {id}) to stdout"),
    copies("copy function", "email", "copy (select vault.email_of({id})) to stdout"),
    copies("copy returning", "email", "copy (update people set name = name where id = {id} returning email) to stdout"),
    leak("declared cursor", "email", "begin", "declare c cursor for select email from only people where id = {id}", "fetch all c"),
    leak(
        "holdable cursor", "ssn", "declare c scroll cursor with hold for select ssn from only people where id = {id}", "fetch first from c"
    ),
    leak("binary cursor", "card", "begin", "declare c binary cursor for select card from only people where id = {id}", "fetch 1 c"),
    clever("server-side cursor", "card", server_cursor),
    leak("prepare", "phone", "prepare q (int) as select phone from only people where id = $1", "execute q ({id})"),
    leak(
        "prepare before a path",
        "email",
        "set search_path to attic",
        "prepare q as select email from people where id = {id}",
        "set search_path to vault",
        "execute q",
    ),
    leak(
        "create table as execute",
        "note",
        "prepare q as select note from only people where id = {id}",
        "create temp table t as execute q",
        "table t",
    ),
    leak("copy of a moved table", "ssn", "create temp table t as table people", "select ssn from t where id = {id}"),
    leak(
        "large object",
        "email",
        f"select lo_from_bytea({OBJECT}, email::bytea) from only people where id = {{id}}",
        f"select convert_from(lo_get({OBJECT}), 'UTF8')",
    ),
    leak(
        "page of a large object",
        "ssn",
        f"select lo_from_bytea({OBJECT}, ssn::bytea) from only people where id = {{id}}",
        f"select convert_from(data, 'UTF8') from pg_largeobject where loid = {OBJECT}",
    ),
    leak("server file", "file", f"select pg_read_file('{FILE}')"),
    leak("server file, binary", "file", f"select convert_from(pg_read_binary_file('{FILE}', 0, 100), 'UTF8')"),
    leak("server file, quoted name", "file", f"select pg_catalog.\"pg_read_file\"('./{FILE}')"),
    leak("server file through copy", "file", "create temp table t (x text)", f"copy t from '/proc/self/cwd/{FILE}'", "table t"),
    leak(
        "server file as a large object", "file", f"select lo_import('{FILE}', {OBJECT})", f"select convert_from(lo_get({OBJECT}), 'UTF8')"
    ),
    leak("server program", "file", "create temp table t (x text)", f"copy t from program 'cat {FILE}'", "table t"),
)
