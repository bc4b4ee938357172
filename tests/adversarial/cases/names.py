"""The same table by another name: quoting, unicode escapes, paths, shadows, renames, casts to regclass."""

from __future__ import annotations

from tests.adversarial.attacker import Attacker
from tests.adversarial.case import Case, clever, harm, leak

SHADOW = "create temp table people (id int, email text)"
BEHIND = "set search_path to vault, pg_temp"


def copied(attacker: Attacker) -> object:
    """COPY of a name that is a temporary table's only if one forgets to look at the path."""
    connection = attacker.connect()
    attacker.rows(SHADOW, BEHIND, on=connection)
    with connection.cursor() as cursor, cursor.copy("copy people to stdout") as out:
        return b"".join(bytes(block) for block in out)


CASES: tuple[Case, ...] = (
    leak("quoted", "email", 'select "email" from "vault"."people" where "id" = {id}'),
    leak("other case", "ssn", "SELECT SSN FROM VaULT.PEopLE WHERE ID = {id}"),
    leak("unicode escapes", "email", r"""select U&"\0065mail" from vault.U&"p\0065ople" where id = {id}"""),
    leak("own escape character", "ssn", r"""select U&"s!0073n" uescape '!' from U&"v!0061ult" uescape '!'.people where id = {id}"""),
    leak("comments between", "card", "select/**/card/* /* */ */from--\nvault/**/./**/people where id={id}"),
    leak("database in front", "phone", "select current_database() is not null, (select phone from vault.people p where p.id = {id})"),
    leak("table in front of the column", "email", "select vault.people.email from vault.people where vault.people.id = {id}"),
    leak(
        "path by set_config",
        "email",
        "set search_path to attic",
        "select set_config('search_path', 'vault', false)",
        "select email from people where id = {id}",
    ),
    leak(
        "path by set local",
        "ssn",
        "set search_path to attic",
        "begin; set local search_path to vault; select ssn from people where id = {id}; commit",
    ),
    leak(
        "path set in a function",
        "card",
        "set search_path to attic",
        "do $$ begin perform set_config('search_path', 'vault', false); end $$",
        "select card from people where id = {id}",
    ),
    leak(
        "path put back by rollback",
        "email",
        "set search_path to vault",
        "begin",
        "set search_path to attic",
        "rollback",
        "select email from people where id = {id}",
    ),
    leak(
        "path put back by a savepoint",
        "phone",
        "begin; savepoint s; set search_path to attic; rollback to s",
        "select phone from people where id = {id}",
    ),
    leak("path with $user", "email", 'set search_path to "$user", vault', "select email from people where id = {id}"),
    leak(
        "shadow dropped by discard",
        "ssn",
        "create temp table people (id int, ssn text)",
        "select ssn from people",
        "discard temp",
        "select ssn from people where id = {id}",
    ),
    leak(
        "shadow that ends with its transaction",
        "card",
        "begin; create temp table people (id int, card text) on commit drop",
        "select card from people",
        "commit",
        "select card from people where id = {id}",
    ),
    leak(
        "shadow beside pg_temp last",
        "email",
        "create temp table people (id int, email text)",
        "set search_path to vault, pg_temp",
        "select email from people where id = {id}",
    ),
    leak("alias of another table", "email", "select scratch.email from vault.people as scratch where scratch.id = {id}"),
    leak("column alias of a masked name", "ssn", "select name as ssn, ssn as name from only people where id = {id}"),
    leak("same column names joined", "email", "select p.email from attic.people a right join vault.people p on true where p.id = {id}"),
    leak(
        "shadowing function",
        "card",
        "create function vault.upper(text) returns text language sql as 'select card from vault.people where id = {id}'",
        "set search_path to vault, pg_catalog",
        "select upper('x')",
    ),
    leak("table renamed", "email", "alter table vault.people rename to folk", "select email from vault.folk where id = {id}"),
    leak(
        "table moved to another schema",
        "ssn",
        "alter table vault.staff set schema attic",
        "with s as (select ssn from attic.staff where id = 1000 + {id}) select * from s",
    ),
    leak("column renamed", "phone", "alter table vault.people rename phone to p", "select p from vault.people where id = {id}"),
    leak(
        "synonym by inheritance",
        "email",
        "create table attic.parent (id int, email text)",
        "alter table vault.people inherit attic.parent",
        "select email from attic.parent where id = {id}",
    ),
    clever("shadow behind in the path, copied", "email", copied),
    leak(
        "shadow behind in the path, in a function's argument",
        "ssn",
        SHADOW,
        BEHIND,
        "select max((p).ssn) from only people p where id = {id}",
    ),
    leak("rollback of a path", "card", "set search_path to vault", "begin; set search_path to attic; rollback", "select card from ledger"),
    leak(
        "path by set_config, one home",
        "card",
        "set search_path to attic",
        "select set_config('search_path', 'vault', false)",
        "select card from ledger where person = {id}",
    ),
    harm(
        "shadow behind in the path, written",
        "exists (select from vault.payout)",
        "create temp table payout (n int)",
        BEHIND,
        "insert into payout values (1)",
    ),
    harm(
        "shadow behind in the path, emptied",
        "not exists (select from vault.scratch)",
        "create temp table scratch (n int)",
        BEHIND,
        "truncate scratch",
    ),
    harm(
        "shadow behind in the path, dropped",
        "to_regclass('vault.payout') is null",
        "create temp table payout (n int)",
        BEHIND,
        "drop table payout",
    ),
    harm(
        "written under a path put back",
        "exists (select from vault.payout)",
        "set search_path to vault",
        "begin; set search_path to attic; rollback",
        "insert into payout values (1)",
    ),
)
