"""The statement in another shape: CTEs, laterals, set operations, windows, recursion, whole rows, json and xml."""

from __future__ import annotations

from tests.adversarial.case import Case, leak

CASES: tuple[Case, ...] = (
    leak("star", "email", "select * from people where id = {id}"),
    leak("cte", "ssn", "with t as (select * from people) select ssn from t where id = {id}"),
    leak("materialized cte", "ssn", "with t as materialized (select id, ssn s from people) select s from t where id = {id}"),
    leak("cte with the table's name", "email", "with people as (select * from vault.people) select email from people where id = {id}"),
    leak(
        "recursive",
        "email",
        "with recursive t(i, e, rest) as (select 0, '', email from only people where id = {id} union all "
        "select i + 1, e || left(rest, 1), substr(rest, 2) from t where rest <> '') select e from t order by i desc limit 1",
    ),
    leak("lateral", "card", "select l.c from scratch s, lateral (select card c from people where id = {id} and s.n = 1) l"),
    leak("lateral values", "phone", "select v.x from only people p cross join lateral (values (p.name), (p.phone)) v(x) where p.id = {id}"),
    leak("union", "note", "select 'x' where false union all select note from people where id = {id}"),
    leak("except", "email", "select email from people where id = {id} except select 'nobody'"),
    leak("intersect", "ssn", "select ssn from people intersect select ssn from only people where id = {id}"),
    leak("scalar subquery", "email", "select (select email from only people where id = {id})"),
    leak("array subquery", "card", "select array(select card from only people where id = {id})"),
    leak("window lag", "salary", "select lag(salary, 0) over (order by id) from only people"),
    leak("named window", "ssn", "select first_value(ssn) over w from only people where id = {id} window w as (partition by name)"),
    leak("whole row", "email", "select p from only people p where id = {id}"),
    leak("whole row cast", "phone", "select p::text from people p where p.id = {id}"),
    leak("function notation", "ssn", "select ssn(p) from only people p where id = {id}"),
    leak("row expansion", "card", "select (p).card, (p.*)::text from only people p where id = {id}"),
    leak("whole row compared", "note", "select max(p.*::text) from only people p where id = {id}"),
    leak("to_jsonb", "contact", "select to_jsonb(p) -> 'profile' from only people p where id = {id}"),
    leak("row_to_json of a subquery", "email", "select row_to_json(s) from (select * from only people where id = {id}) s"),
    leak("json_agg", "birth_date", "select json_agg(p) from only people p where id = {id}"),
    leak(
        "populate a record",
        "salary",
        "select (jsonb_populate_record(null::vault.people, to_jsonb(p))).salary from only people p where id = {id}",
    ),
    leak("hstore-less pairs", "phone", "select e.key, e.value from only people p, json_each_text(row_to_json(p)) e where p.id = {id}"),
    leak("renamed columns", "ssn", "select f from only people as p(a, b, c, d, e, f) where a = {id}"),
    leak("natural join", "email", "select * from contacts natural join (select id from only people) i where id = {id}"),
    leak(
        "join using alias",
        "card",
        "select j.*, q.card from only people p join ledger q on q.person = p.id join scratch j on true where p.id = {id}",
    ),
    leak("table command", "email", "table people"),
    leak("values of a subquery", "ssn", "values ((select ssn from only people where id = {id}))"),
    leak("rows from", "email", "select * from rows from (everyone(), generate_series(1, 3))"),
    leak("grouping sets", "email", "select email from only people where id = {id} group by grouping sets ((email), ())"),
    leak("tablesample", "card", "select card from people tablesample system (100) where id = {id}"),
)
