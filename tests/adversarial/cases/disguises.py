"""What looks like something else: calls in the notation of columns, writes through views that the catalog does not know, SET as UPDATE."""

from __future__ import annotations

import time
from dataclasses import replace

from tests.adversarial.attacker import Attacker
from tests.adversarial.case import Case, harm, leak

RETURNING_WITH = "current_setting('server_version_num')::int >= 180000"
PAID = "exists (select from vault.payout where n = 77)"
ROW = " where id = {id} returning "

VIEWED = "create view vault.w as select n from scratch"
REPLACED = "create or replace view vault.w as select n from vault.payout"


def gone_at_once(attacker: Attacker) -> None:
    """A view is changed by a session that does not wait to hear of it."""
    staying, leaving = attacker.connect(), attacker.connect()
    attacker.rows(VIEWED, on=staying)
    attacker.rows("table vault.w", on=staying)
    leaving.pgconn.send_query(REPLACED.encode())
    leaving.pgconn.flush()
    leaving.close()
    time.sleep(0.5)
    attacker.rows("insert into vault.w values (77)", on=staying)


CASES: tuple[Case, ...] = (
    leak("a function as a field", "email", "select ({id}).email_of"),
    leak("a function as a column of a function", "ssn", "select f.ssn_of from generate_series({id}, {id}) as f"),
    leak("dynamic SQL as a field", "ssn", "select ('select ssn from vault.people where id = {id}'::text).ask"),
    leak("the written row as JSON, by a field", "card", "update people set name = name" + ROW + "people.to_json"),
    leak("the same with its schema", "phone", "update vault.people set name = name" + ROW + "vault.people.row_to_json"),
    leak("the old row as JSON, by a field", "ssn", "update people set name = name" + ROW + "(old).to_json"),
    replace(
        leak("the old row by another name", "card", "update people set name = name" + ROW + "with (old as o) to_json(o)"),
        needs=RETURNING_WITH,
    ),
    replace(
        leak("the new row by another name", "ssn", "update people set name = name" + ROW + "with (new as n) n::text"), needs=RETURNING_WITH
    ),
    harm("a temporary view", PAID, "create temp view v as select * from payout", "insert into v values (77)"),
    harm("a view with column names", PAID, "create temp view v(a) as select n from payout -- as", "insert into pg_temp.v values (77)"),
    harm("a view of the open transaction", PAID, "begin", "create view w as select * from payout", "insert into w values (77)", "commit"),
    harm("a view changed before a failure", PAID, VIEWED, f"begin; {REPLACED}; commit; select 1 / 0", "insert into w values (77)"),
    Case("a view changed by a session that is gone", gone_at_once, effect=PAID),
    harm("a view in one text", PAID, "begin; create view w as select * from payout; insert into w values (77); commit"),
)
