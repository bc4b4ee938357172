"""The value in another dress: functions, casts and encodings in the select list."""

from __future__ import annotations

import base64
import json

from tests.adversarial.attacker import Rows
from tests.adversarial.case import Case, column, leak, one

WHERE = " from only people where id = {id}"


def unhex(rows: Rows) -> object:
    return bytes.fromhex(one(rows))


def shifted(rows: Rows) -> str:
    return "".join(chr(ord(letter) - 1) for letter in one(rows))


CASES: tuple[Case, ...] = (
    leak("plain", "email", "select email" + WHERE),
    leak("reversed", "email", "select reverse(email)" + WHERE, decode=lambda rows: one(rows)[::-1]),
    leak("hex", "ssn", "select encode(ssn::bytea, 'hex')" + WHERE, decode=unhex),
    leak("base64", "phone", "select encode(convert_to(phone, 'UTF8'), 'base64')" + WHERE, decode=lambda rows: base64.b64decode(one(rows))),
    leak(
        "a character a row",
        "card",
        "select substr(card, n, 1) from only people, generate_series(1, 16) n where id = {id} order by n",
        decode=column,
    ),
    leak(
        "code points",
        "email",
        "select ascii(substr(email, n, 1)) from only people, generate_series(1, 12) n where id = {id} order by n",
        decode=lambda rows: "".join(chr(row[0]) for row in rows),
    ),
    leak(
        "shifted by translate",
        "email",
        "select translate(email, 'abcdefghijklmnopqrstuvwxyz', 'bcdefghijklmnopqrstuvwxyz{')" + WHERE,
        decode=shifted,
    ),
    leak("arithmetic", "salary", "select salary * 3 + 1" + WHERE, decode=lambda rows: (rows[0][0] - 1) / 3),
    leak("days since", "birth_date", "select date '2100-01-01' - (date '2100-01-01' - birth_date)" + WHERE),
    leak(
        "parts of a date",
        "birth_date",
        "select make_date(extract(year from birth_date)::int, extract(month from birth_date)::int, "
        "extract(day from birth_date)::int)" + WHERE,
    ),
    leak("format and cast", "note", "select format('%s|%L', id, note)::varchar" + WHERE),
    leak("case and coalesce", "phone", "select coalesce(nullif(case when true then phone end, ''), 'none')" + WHERE),
    leak("array and back", "email", "select array_to_string(array[email, name], ',')" + WHERE),
    leak("split by regular expression", "email", "select regexp_replace(email, '(.)', '\\1-', 'g')" + WHERE),
    leak("json text operator", "contact", "select profile #>> '{contact,skype}'" + WHERE),
    leak("json subscript", "contact", "select profile['contact']['skype']" + WHERE),
    leak("json path", "contact", "select jsonb_path_query(profile, '$.**.skype')" + WHERE),
    leak("json keys unfolded", "contact", "select e.value::text from only people p, jsonb_each(p.profile) e where p.id = {id}"),
    leak("record text", "ssn", "select row(id, ssn)::text" + WHERE),
    leak("composite field", "card", "select (row(name, card)::badge).card" + WHERE),
    leak("full text", "note", "select to_tsvector('simple', note)" + WHERE),
    leak("binary digits", "ssn", "select ssn::int::bit(32)::text" + WHERE, decode=lambda rows: str(int(one(rows), 2))),
    leak("quoted as an identifier", "email", "select quote_ident(email), quote_literal(email)" + WHERE),
    leak("aggregate of one", "email", "select string_agg(email, '') filter (where id = {id}) from only people"),
    leak("object of json", "note", "select json_object_agg(name, note)" + WHERE, decode=lambda rows: json.dumps(rows[0][0])),
)
