"""The value beside the rows: binary results, pipelines, portals, error texts, notices, notifications, parameters of the session."""

from __future__ import annotations

import psycopg

from tests.adversarial.attacker import Attacker
from tests.adversarial.case import Case, clever, leak

SSN = "select ssn from only people where id = %s"


def extended(attacker: Attacker) -> object:
    return attacker.rows(SSN, params=[attacker.id])


def binary(attacker: Attacker) -> object:
    return attacker.rows("select salary, birth_date from only people where id = %s", params=[attacker.id], binary=True)


def named(attacker: Attacker) -> object:
    """A statement prepared by name, run often."""
    connection = attacker.connect()
    connection.prepare_threshold = 0
    return [connection.execute("select card from only people where id = %s", [attacker.id]).fetchall() for _ in range(7)]


def pipeline(attacker: Attacker) -> object:
    connection = attacker.connect()
    with connection.pipeline():
        cursors = [connection.execute(query, [attacker.id]) for query in (SSN, "select email from contacts where id = %s")]
        return [cursor.fetchall() for cursor in cursors]


def pipelined_path(attacker: Attacker) -> object:
    """The name means another table by the time that it is run."""
    connection = attacker.connect()
    with connection.pipeline():
        connection.execute("set search_path to attic")
        connection.execute("select email from people")
        connection.execute("set search_path to vault")
        return connection.execute("select email from people where id = %s", [attacker.id]).fetchall()


def reparsed(attacker: Attacker) -> object:
    """One prepared name, first over a harmless table, then, the path changed, over the one that is masked."""
    connection = attacker.connect()
    connection.execute("set search_path to attic, vault")
    connection.prepare_threshold = 0
    query = "select email from people where id = %s"
    connection.execute(query, [attacker.id])
    connection.execute("set search_path to vault")
    return connection.execute(query, [attacker.id]).fetchall()


def low_level(attacker: Attacker) -> object:
    wire = attacker.connect().pgconn
    wire.prepare(b"p", b"select email, ssn from only vault.people where id = $1")
    result = wire.exec_prepared(b"p", [str(attacker.id).encode()], result_format=1)
    return [result.get_value(0, 0), result.error_message]


def many_statements(attacker: Attacker) -> object:
    return attacker.rows("select 1; select email from only people where id = {id}; select ''")


def error(name: str, field: str, *statements: str) -> Case:
    return clever(name, field, lambda attacker: attacker.try_each(*statements))


def notified(attacker: Attacker) -> object:
    connection = attacker.connect()
    connection.execute("listen gossip")
    attacker.rows("select pg_notify('gossip', email) from only people where id = {id}", on=connection)
    return [notify.payload for notify in connection.notifies(timeout=0.5, stop_after=1)]


def session_name(attacker: Attacker) -> object:
    """The application's name is sent back as a parameter status."""
    connection = attacker.connect()
    attacker.rows("select set_config('application_name', email, false) from only people where id = {id}", on=connection)
    return connection.info.parameter_status("application_name")


def aborted(attacker: Attacker) -> object:
    connection = attacker.connect()
    try:
        connection.execute("begin")
        connection.execute(b"select name::int from people")
    except psycopg.Error:
        connection.execute("rollback")
    return attacker.rows("select phone from only people where id = {id}", on=connection)


CASES: tuple[Case, ...] = (
    clever("extended", "ssn", extended),
    clever("binary number", "salary", binary),
    clever("binary date", "birth_date", binary),
    clever("prepared by name", "card", named),
    clever("pipeline", "email", pipeline),
    clever("path changed in a pipeline", "email", pipelined_path),
    clever("path changed under a prepared statement", "email", reparsed),
    clever("binary result of a named statement", "email", low_level),
    clever("second of many statements", "email", many_statements),
    clever("after a failed transaction", "phone", aborted),
    error("cast that fails", "email", "select email::int from only people where id = {id}"),
    error("date that fails", "note", "select note::date from only people where id = {id}"),
    error("json that fails", "ssn", "select ('{' || ssn)::json from only people where id = {id}"),
    error(
        "regular expression that fails",
        "card",
        "select 'x' ~ ('[' || card) from only people where id = {id}",
        "select ('\"' || card)::jsonb from only people where id = {id}",
    ),
    error(
        "constraint that fails",
        "email",
        "create temp table t (e text check (e = ''))",
        "insert into t select email from only people where id = {id}",
    ),
    error(
        "duplicate of a key",
        "ssn",
        "create temp table t (s text primary key)",
        "insert into t select ssn from people where name = 'Person {id}'",
    ),
    error("failing row of the table itself", "note", "update people set id = null where id = {id}"),
    error("unknown setting's value", "email", "select set_config('timezone', email, false) from only people where id = {id}"),
    error(
        "enum that fails",
        "phone",
        "create type pg_temp.mood as enum ('x')",
        "select phone::text::pg_temp.mood from only people where id = {id}",
    ),
    error("raised as a notice", "ssn", "do $$ begin raise notice '%', (select ssn from vault.people where id = {id}); end $$"),
    error(
        "raised as an error", "card", "do $$ begin raise exception using message = (select card from vault.people where id = {id}); end $$"
    ),
    error("assertion", "email", "do $$ begin assert false, (select email from vault.people where id = {id}); end $$"),
    error(
        "printed tree",
        "note",
        "set client_min_messages to log; set log_min_duration_statement to 0",
        "do $$ declare n text; begin select note into n from vault.people where id = {id}; "
        "execute 'select ' || quote_literal(n) || '::int'; end $$",
    ),
    clever("notification", "email", notified),
    clever("parameter status", "email", session_name),
    leak(
        "own activity",
        "email",
        "select query from pg_stat_activity where pid = pg_backend_pid() and query <> (select email from vault.people "
        "where id = {id}) union all select email from vault.contacts where id = {id}",
    ),
)
