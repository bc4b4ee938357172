"""What policy blocks or sends to a second person, said in ways that hide it."""

from __future__ import annotations

from tests.adversarial.attacker import Attacker
from tests.adversarial.case import Case, harm
from tests.adversarial.world import FILE, OBJECT

GONE = "to_regclass('vault.scratch') is null"
EMPTY = "not exists (select from vault.scratch)"
ALTERED = "exists (select from pg_attribute where attrelid = 'vault.scratch'::regclass and attname = 'extra')"
GRANTED = "has_table_privilege('pg_monitor', 'vault.scratch', 'select')"
RAN = "exists (select from vault.scratch where n = 77)"
CHANGED = "not exists (select from vault.scratch where n > 0)"


def prepared(attacker: Attacker) -> None:
    connection = attacker.connect()
    with connection.pipeline():
        connection.execute("select 1")
        connection.execute("truncate scratch")


CASES: tuple[Case, ...] = (
    harm("drop", GONE, "drop table scratch"),
    harm("drop, mixed case and comments", GONE, '/* select */ dRoP/**/TaBLe\n-- x\nvault."scratch" CASCADE'),
    harm("drop behind a select", GONE, "select 1; drop table scratch; select 2"),
    harm("drop behind an unclosed-looking string", GONE, "select $a$ ' -- $a$; drop table scratch"),
    harm("drop behind an escaped quote", GONE, r"select E'\'; --'; drop table scratch"),
    harm("drop with nested comments", GONE, "/* /* */ select 1; */ drop table scratch"),
    harm("drop in do", GONE, "do $$ begin drop table vault.scratch; end $$"),
    harm("drop in do, put together", GONE, "do $x$ begin execute 'dr' || 'op table vault.' || chr(115) || 'cratch'; end $x$"),
    harm("drop in do with an escaped body", GONE, r"do language plpgsql E'begin d\162op table vault.scratch; end'"),
    harm("drop through a function there", GONE, "select run('drop table vault.scratch')"),
    harm(
        "drop through a new function",
        GONE,
        "create function vault.f() returns void language sql as 'drop table vault.scratch'",
        "select vault.f()",
    ),
    harm(
        "drop through a new procedure",
        GONE,
        "create procedure vault.p() language plpgsql as 'begin execute ''drop table vault.scratch''; end'",
        "call vault.p()",
    ),
    harm("drop schema", GONE, "drop schema vault cascade"),
    harm("drop in create schema's statement", GONE, "begin; drop table if exists vault.scratch; commit"),
    harm("drop owned", GONE, "alter table vault.scratch set schema attic"),
    harm("truncate", EMPTY, "truncate scratch"),
    harm("truncate only", EMPTY, "TRUNCATE TABLE ONLY vault.scratch RESTART IDENTITY CASCADE"),
    Case("truncate in a pipeline", prepared, effect=EMPTY),
    harm("truncate in explain-less prepare", EMPTY, "do 'begin truncate vault.scratch; end'"),
    harm("alter", ALTERED, "alter table scratch add extra int"),
    harm("alter if exists only", ALTERED, "alter table if exists only vault.scratch add column if not exists extra text"),
    harm("alter in create schema", ALTERED, "select 1;;; alter table scratch add extra int default 1"),
    harm("rename", GONE, "alter table scratch rename to scratched"),
    harm("rename by alter view", GONE, "alter view vault.scratch rename to scratched", "alter index vault.scratch rename to scratched"),
    harm("grant", GRANTED, "grant select on scratch to pg_monitor"),
    harm("grant all in schema", GRANTED, "grant select on all tables in schema vault to public"),
    harm(
        "grant in create schema",
        "to_regnamespace('cellar') is not null and has_table_privilege('pg_monitor', 'cellar.t', 'select')",
        "create schema cellar create table t (n int) grant select on t to public",
    ),
    harm(
        "default privileges",
        "exists (select from pg_default_acl a join pg_namespace n on n.oid = defaclnamespace where nspname = 'vault')",
        "alter default privileges in schema vault grant select on tables to public",
    ),
    harm("program", RAN, "copy scratch (n) from program 'echo 77'"),
    harm("program, dollar quotes and case", RAN, "CoPy vault.scratch(n) FrOm /**/ PrOgRaM $p$echo 77$p$ with (format csv)"),
    harm("program in do", RAN, "do $$ begin execute 'copy vault.scratch (n) from pro' || 'gram ''echo 77'''; end $$"),
    harm("server file written", f"pg_read_file('{FILE}') like 'x%'", f"copy (select 'x') to '/proc/self/cwd/{FILE}'"),
    harm(
        "server file written by lo_export",
        f"pg_read_file('{FILE}') like 'x%'",
        f"select lo_from_bytea({OBJECT}, 'x')",
        f"select lo_export({OBJECT}, '{FILE}')",
    ),
    harm("delete everything", EMPTY, "delete from scratch"),
    harm("delete where true", EMPTY, "delete from scratch where true"),
    harm("delete where always", EMPTY, "delete from scratch where n = n or 1 = 1"),
    harm("delete in a cte", EMPTY, "with d as (delete from scratch returning *) select count(*) from d"),
    harm("delete in explain analyze", EMPTY, "explain analyze delete from scratch"),
    harm("delete in a prepared statement", EMPTY, "prepare d as delete from scratch", "execute d"),
    harm("delete through a function", EMPTY, "select tidy()"),
    harm("delete through a view", EMPTY, "create temp view v as select * from vault.scratch", "delete from v"),
    harm("delete where in all, by a cte", EMPTY, "with x as (select n from scratch) delete from scratch where n in (select n from x)"),
    harm("delete where any of all", EMPTY, "delete from scratch where n = any ((select array_agg(n) from scratch)::int[])"),
    harm(
        "delete where in all of a view",
        EMPTY,
        "create view vault.v as select n from scratch",
        "delete from scratch where n in (table v)",
    ),
    harm("delete in a function, in all", EMPTY, "select tidy_some()"),
    harm("delete before an explain", EMPTY, "delete from scratch; explain select 1"),
    harm("delete before a prepare", EMPTY, "delete from scratch; prepare p as select 1"),
    harm("drop before an explain", GONE, "drop table scratch; explain select 1"),
    harm("truncate before a prepare", EMPTY, "truncate scratch; prepare p as select 1"),
    harm("delete by merge", EMPTY, "merge into scratch s using (select 1) one on true when matched then delete"),
    harm("update everything", CHANGED, "update scratch set n = -1"),
    harm("update in a copy", CHANGED, "explain (analyze, buffers off) update scratch set n = 0"),
)
