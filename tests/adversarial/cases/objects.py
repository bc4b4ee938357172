"""Other things that hold or give the same data: views, functions, families of tables, statistics, and what one can make."""

from __future__ import annotations

from tests.adversarial.case import Case, leak

CASES: tuple[Case, ...] = (
    leak("view", "email", "select email from contacts where id = {id}"),
    leak("nested view", "card", "select card from contact_cards where id = {id}"),
    leak("computed in a view", "email", "select lower(shout) from contact_cards where id = {id}"),
    leak("view as a row", "phone", "select c::text from contacts c where id = {id}"),
    leak("materialized view", "ssn", "select ssn from payroll where id = {id}"),
    leak("pay in a materialized view", "salary", "select salary from payroll where id = {id}"),
    leak("computed in a materialized view", "email", "select short from payroll where id = {id}"),
    leak("refreshed", "ssn", "refresh materialized view payroll", "select ssn from payroll where id = {id}"),
    leak("inheritance child", "email", "select email from staff where id = {id} + 1000"),
    leak("child alone", "ssn", "select ssn from only staff where id = 1000 + {id}"),
    leak("partition", "card", "select card from ledger_low where person = {id}"),
    leak("partitioned parent", "card", "select card from ledger where person = {id}"),
    leak("sql function", "email", "select email_of({id})"),
    leak("plpgsql function", "ssn", "select ssn_of({id})"),
    leak("function in from", "phone", "select phone from everyone() where id = {id}"),
    leak("function in where", "email", "select email_of(id) from scratch, (select {id} as id) i where email_of(id) is not null"),
    leak("function by named argument", "ssn", "select vault.ssn_of(who => {id})"),
    leak("function with dynamic sql", "email", "select ask('select email from vault.people where id = {id}')"),
    leak(
        "function as a default",
        "ssn",
        "create temp table d (n int, s text default vault.ssn_of({id}))",
        "insert into d(n) values (1)",
        "select s from d",
    ),
    leak("histogram", "email", "select histogram_bounds::text from pg_stats where tablename = 'people' and attname = 'email'"),
    leak(
        "most common values of a child",
        "card",
        "select most_common_vals::text, histogram_bounds::text from pg_catalog.pg_stats where tablename like 'ledger%'",
    ),
    leak("raw statistics", "ssn", "select stavalues1::text from pg_statistic where starelid = 'vault.people'::regclass"),
    leak(
        "new view", "email", "create view vault.mine as select id, email from vault.people", "select email from vault.mine where id = {id}"
    ),
    leak("new temporary view", "card", "create temp view mine as select * from vault.people", "select card from mine where id = {id}"),
    leak(
        "new materialized view",
        "phone",
        "create materialized view vault.mine as select id, phone from vault.people",
        "select phone from vault.mine where id = {id}",
    ),
    leak(
        "new function",
        "email",
        "create function vault.mine() returns text language sql as 'select email from vault.people where id = {id}'",
        "select vault.mine()",
    ),
    leak(
        "new function, standard body",
        "ssn",
        "create function vault.mine() returns text return (select ssn from vault.people where id = {id})",
        "select vault.mine()",
    ),
    leak(
        "new function, dynamic",
        "note",
        "create function vault.mine(t text) returns setof text language plpgsql as "
        "'begin return query execute ''select note from vault.'' || t || '' where id = {id}''; end'",
        "select * from vault.mine('people')",
    ),
    leak(
        "new aggregate over a record",
        "email",
        "create function vault.keep(text, vault.people) returns text language sql as 'select coalesce($1, '''') || $2.email'",
        "create aggregate vault.kept(vault.people) (sfunc = vault.keep, stype = text)",
        "select vault.kept(p) from only vault.people p where id = {id}",
    ),
    leak(
        "new operator",
        "card",
        "create function vault.peek(vault.people) returns text language sql as 'select $1.card'",
        "create operator vault.@@@ (rightarg = vault.people, function = vault.peek)",
        "select operator(vault.@@@) p from only vault.people p where id = {id}",
    ),
    leak(
        "new cast",
        "ssn",
        "create function vault.peek(vault.people) returns int language sql as 'select $1.ssn::int'",
        "create cast (vault.people as int) with function vault.peek(vault.people)",
        "select p::int from only vault.people p where id = {id}",
    ),
    leak(
        "new rule on a view",
        "email",
        "create table vault.shell (e text)",
        'create rule "_RETURN2" as on insert to vault.shell do instead select email as e from vault.people where id = {id}',
        "insert into vault.shell values ('x')",
    ),
)
