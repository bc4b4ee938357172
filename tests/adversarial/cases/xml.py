"""Functions that run a query or read a relation by its name and give XML."""

from __future__ import annotations

from dataclasses import replace

from tests.adversarial.case import Case, leak

LIBXML = "exists (select from pg_config where name = 'CONFIGURE' and setting like '%libxml%')"
CASES: tuple[Case, ...] = tuple(
    replace(case, needs=LIBXML)
    for case in (
        leak("xmlforest", "email", "select xmlforest(email as e)::text from only people where id = {id}"),
        leak("query_to_xml", "email", "select query_to_xml('select email from vault.people where id = {id}', true, false, '')"),
        leak("table_to_xml", "ssn", "select table_to_xml('vault.people', true, false, '')"),
        leak("regclass", "email", "select query_to_xml(format('select * from %s', 'vault.people'::regclass), true, false, '')"),
        leak("schema to xml", "ssn", "select schema_to_xml('vault', true, false, '')"),
    )
)
