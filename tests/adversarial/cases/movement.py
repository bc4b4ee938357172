"""The value moved to where no mask is, then read there."""

from __future__ import annotations

from tests.adversarial.attacker import Attacker
from tests.adversarial.case import Case, clever, leak

READ = "select value from archive"
FROM = " from only people where id = {id}"


def other_session(attacker: Attacker) -> object:
    attacker.rows("insert into archive select name, card" + FROM)
    return attacker.rows(READ)


def from_sequence(attacker: Attacker) -> object:
    connection = attacker.connect()
    attacker.rows("select setval('vault.tick', ssn::bigint)" + FROM, on=connection)
    return attacker.rows("select last_value from tick", on=connection)


CASES: tuple[Case, ...] = (
    leak("insert select", "email", "insert into archive select name, email" + FROM, READ),
    clever("insert select, read by another session", "card", other_session),
    leak("insert returning", "ssn", "insert into archive select name, ssn" + FROM + " returning value"),
    leak("insert of a subquery", "phone", "insert into archive values ('x', (select phone" + FROM + "))", READ),
    leak("insert in a cte", "email", "with w as (insert into archive select name, email" + FROM + " returning *) select value from w"),
    leak(
        "update from",
        "note",
        "insert into archive values ('Person {id}')",
        "update archive a set value = p.note from people p where a.name = p.name",
        READ,
    ),
    leak(
        "update by subquery",
        "email",
        "update archive set value = 'x'",
        "insert into archive values ('a')",
        "update archive set value = (select email" + FROM + ") where name = 'a'",
        READ,
    ),
    leak(
        "merge",
        "ssn",
        "merge into archive a using (select name, ssn" + FROM + ") p on a.name = p.name when not matched then "
        "insert values (p.name, p.ssn)",
        READ,
    ),
    leak(
        "on conflict",
        "card",
        "create unique index archive_name on archive (name)",
        "insert into archive values ('x', '')",
        "insert into archive values ('x', '') on conflict (name) do update set value = (select card" + FROM + ")",
        READ,
    ),
    leak(
        "delete using, returning",
        "email",
        "delete from archive where name = 'none'",
        "insert into archive values ('a')",
        "delete from archive a using people p where a.name = 'a' and p.id = {id} returning p.email",
    ),
    leak("column copied to an open one", "email", "update people set name = email where id = {id}", "select name" + FROM),
    leak("returning of the table itself", "ssn", "update people set name = name where id = {id} returning ssn"),
    leak("old and new row", "note", "update people set name = upper(name) where id = {id} returning people"),
    leak("deleted row", "card", "with gone as (delete from people where id = {id} returning *) select card from gone"),
    leak(
        "delete by a guess kept in a count",
        "email",
        "with d as (delete from staff where id = 1000 + {id} returning email) insert into archive select '', email from d",
        READ,
    ),
    leak(
        "create table as", "phone", "create table vault.copied as select id, phone from people", "select phone from copied where id = {id}"
    ),
    leak("select into", "ssn", "select id, ssn into vault.copied from people", "select ssn from copied where id = {id}"),
    leak("temporary table as", "birth_date", "create temp table t as select birth_date" + FROM, "table t"),
    leak("setting", "email", "select set_config('my.own', email, false)" + FROM, "show my.own"),
    leak("setting read by current_setting", "note", "select set_config('my.own', note, false)" + FROM, "select current_setting('my.own')"),
    clever("sequence", "ssn", from_sequence),
    leak(
        "comment on an object",
        "ssn",
        "do $$ begin execute format('comment on table vault.archive is %L', (select ssn from vault.people where id = {id})); end $$",
        "select obj_description('vault.archive'::regclass)",
    ),
    leak(
        "trigger that copies",
        "email",
        "create function vault.spy() returns trigger language plpgsql as "
        "'begin insert into vault.archive values (old.name, old.email); return new; end'",
        "create trigger spy before update on vault.people for each row execute function vault.spy()",
        "update vault.people set name = name where id = {id}",
        READ,
    ),
    leak(
        "rule that copies",
        "ssn",
        "create rule spy as on update to vault.people do also insert into vault.archive values (old.name, old.ssn)",
        "update vault.people set name = name where id = {id}",
        READ,
    ),
    leak(
        "generated column",
        "card",
        "create table vault.child (seen text generated always as (card) stored) inherits (vault.people)",
        "insert into vault.child select * from only vault.people where id = {id}",
        "select seen from vault.child",
    ),
    leak(
        "index expression's statistics",
        "email",
        "create index peek on vault.people ((reverse(email)))",
        "analyze vault.people",
        "select histogram_bounds::text from pg_stats where tablename = 'peek'",
        decode=lambda rows: str(rows)[::-1],
    ),
)
