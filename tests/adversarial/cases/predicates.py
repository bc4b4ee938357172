"""Questions about the value: comparisons, patterns, orderings, joins, counts, and what planning or failing tells."""

from __future__ import annotations

import string
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal

import psycopg

from tests.adversarial.attacker import Attacker
from tests.adversarial.case import Case, clever, leak

ALPHABET, DIGITS = string.ascii_lowercase, string.digits
Yes = Callable[[str], bool]


def asks(attacker: Attacker, form: str) -> Yes:
    """A question by whether a row comes back, on one connection."""
    connection = attacker.connect()

    def yes(condition: str) -> bool:
        try:
            return bool(attacker.rows(form.replace("{?}", condition), on=connection))
        except psycopg.errors.DivisionByZero:
            return True

    return yes


def spell(yes: Yes, condition: str, letters: str, length: int = 7) -> str:
    """Letter by letter; `condition` compares with {guess}."""
    known = ""
    while len(known) < length:
        letter = next((letter for letter in letters if yes(condition.replace("{guess}", known + letter))), "")
        if not letter:
            break
        known += letter
    return known


def halve(yes: Yes, condition: str, high: int) -> int:
    """The largest number for which `condition` (value >= {guess}) holds."""
    low = 0
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if yes(condition.replace("{guess}", str(middle))) else (low, middle - 1)
    return low


def by_case_error(attacker: Attacker) -> str:
    return spell(
        asks(attacker, "select 1 / (case when {?} then 0 else 1 end) from only people where id = {id} and {?}"),
        "ssn like '{guess}%'",
        DIGITS,
    )


def by_join(attacker: Attacker) -> object:
    return halve(
        asks(attacker, "select 1 from only people p join generate_series(0, 0) n on {?} where p.id = {id}"),
        "p.salary * 100 >= {guess}",
        10_000_000,
    ) / Decimal(100)


def by_days(attacker: Attacker) -> object:
    days = halve(asks(attacker, "select 1 from only people where id = {id} and {?}"), "birth_date - date '1900-01-01' >= {guess}", 60_000)
    return date(1900, 1, 1) + timedelta(days=days)


def by_order(attacker: Attacker) -> str:
    """Where the row sorts among known values."""
    query = "select string_agg(v, '' order by v) from (select email as v from only people where id = {id} union all select '{?}') s"
    connection, known = attacker.connect(), ""
    while len(known) < 7:
        before = [c for c in ALPHABET if attacker.value(query.replace("{?}", known + c), on=connection).startswith(known + c)]
        known += before[-1]
    return known


def by_ranks(attacker: Attacker) -> object:
    query = "select v, rank() over (order by v) r, mine from (select salary v, id = {id} mine from only people) s where mine"
    found = attacker.rows(query)
    return found[0][0]


def by_plan(attacker: Attacker) -> object:
    """The planner folds a subquery's value nowhere, but EXPLAIN ANALYZE counts rows."""
    connection = attacker.connect()

    def yes(condition: str) -> bool:
        plan = attacker.rows(
            f"explain (analyze, timing off, costs off, summary off) select 1 from only people where id = {{id}} and {condition}",
            on=connection,
        )
        return "rows=1" in plan[0][0]

    return spell(yes, "phone like '+44{guess}%'", DIGITS)


def question(
    name: str, field: str, condition: str, letters: str = ALPHABET, form: str = "select 1 from only people where id = {id} and {?}"
) -> Case:
    return clever(name, field, lambda attacker: spell(asks(attacker, form), condition, letters))


def by_clustering(attacker: Attacker) -> str:
    """Rows of known values around the one that is after, and the table put in order of what is hidden."""
    connection, known = attacker.connect(), ""
    for _ in range(9):
        attacker.rows("delete from only people where id > 9000", on=connection)
        baits = ", ".join(f"({9001 + digit}, 'bait', '{known}{digit}')" for digit in range(10))
        attacker.rows(f"insert into people (id, name, ssn) values {baits}", on=connection)
        attacker.rows("cluster people using people_ssn", on=connection)
        order = [row[0] for row in attacker.rows("select id from only people order by ctid", on=connection)]
        known += str(sum(1 for each in order[: order.index(attacker.id)] if each > 9000) - 1)
    return known


CASES: tuple[Case, ...] = (
    clever("sorting the table itself", "ssn", by_clustering),
    question("like", "email", "email like '{guess}%'"),
    question("regular expression", "email", "email ~ '^{guess}'"),
    question("substring equals", "ssn", "left(ssn, length('{guess}')) = '{guess}'", DIGITS),
    question(
        "starts_with in having",
        "card",
        "bool_or(starts_with(card, '411111{guess}'))",
        DIGITS,
        "select 1 from only people where id = {id} group by id having {?}",
    ),
    question(
        "exists in a subquery",
        "phone",
        "p.phone like '+44{guess}%'",
        DIGITS,
        "select 1 where exists (select 1 from only people p where p.id = {id} and {?})",
    ),
    question("json containment path", "contact", "profile @@ '$.contact.skype starts with \"{guess}\"'"),
    question(
        "limit by a predicate",
        "email",
        "email like '{guess}%'",
        ALPHABET,
        "select 1 from scratch limit (select (count(*) > 0)::int from only people where id = {id} and {?})",
    ),
    question(
        "filter of an aggregate",
        "note",
        "note like 'said {guess}%'",
        ALPHABET,
        "select 1 from (select count(*) filter (where {?}) c from only people where id = {id}) s where c = 1",
    ),
    question(
        "similar to through the view", "email", "email similar to '{guess}%'", ALPHABET, "select 1 from contacts where id = {id} and {?}"
    ),
    clever("division by zero", "ssn", by_case_error),
    clever("halving in a join", "salary", by_join),
    clever("halving days", "birth_date", by_days),
    clever("sorting among known values", "email", by_order),
    clever("window rank with its value", "salary", by_ranks),
    clever("rows in explain analyze", "phone", by_plan),
    leak("minimum", "email", "select min(email) from only people where id = {id}"),
    leak("distinct on", "card", "select distinct on (id) card from only people where id = {id} order by id, card desc"),
    leak("percentile of one", "salary", "select percentile_disc(0.5) within group (order by salary) from only people where id = {id}"),
    leak("group key", "ssn", "select ssn, count(*) from only people where id = {id} group by ssn having count(*) = 1"),
    leak(
        "join with all numbers",
        "birth_date",
        "select d::date::text from generate_series(timestamp '1930-01-01', '2010-01-01', '1 day') d "
        "join only_named on only_named.birth_date = d::date".replace(
            "join only_named", "join (select * from only people where id = {id}) only_named"
        ),
    ),
)
