from __future__ import annotations

import pytest

from jupyter_govern_gateway.adapters.postgresql.naming import DEFAULT_SEARCH_PATH, SessionNaming, read_search_path

IDLE, BUSY = ord("I"), ord("T")


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ('"$user", public', ("$user", "public")),
        ("", ()),
        ("Archive,public", ("archive", "public")),
        ('"My ""own""", x', ('My "own"', "x")),
        ("a b", None),
        ('"open', None),
        ("a,", None),
        ('a"b', None),
    ],
)
def test_search_path_as_the_server_prints_it(text: str, path: tuple[str, ...] | None) -> None:
    assert read_search_path(text) == path


def path_of(naming: SessionNaming) -> tuple[str, ...]:
    return naming.path


def test_a_set_lasts() -> None:
    naming = SessionNaming()
    naming.set_path(("archive",), local=False, status=IDLE)
    assert (path_of(naming), naming.version) == (("archive",), 1)


def test_set_local_ends_with_the_transaction() -> None:
    naming = SessionNaming()
    naming.set_path(("archive",), local=True, status=BUSY)
    assert path_of(naming) == ("archive",)
    naming.transaction_ended(committed=True)
    assert path_of(naming) == DEFAULT_SEARCH_PATH


def test_set_local_outside_a_transaction_does_nothing() -> None:
    naming = SessionNaming()
    naming.set_path(("archive",), local=True, status=IDLE)
    assert path_of(naming) == DEFAULT_SEARCH_PATH


def test_a_rollback_takes_back_what_was_set_and_made() -> None:
    naming = SessionNaming()
    naming.set_path(("archive",), local=False, status=BUSY)
    naming.set_temporary(frozenset({"t"}), status=BUSY)
    naming.transaction_ended(committed=False)
    assert (path_of(naming), naming.temporary) == (DEFAULT_SEARCH_PATH, frozenset())


def test_a_commit_keeps_what_was_set_and_made() -> None:
    naming = SessionNaming()
    naming.set_path(("archive",), local=False, status=BUSY)
    naming.set_temporary(frozenset({"t"}), status=BUSY)
    naming.transaction_ended(committed=True)
    assert (path_of(naming), naming.temporary) == (("archive",), frozenset({"t"}))


def test_what_cannot_be_read_is_nowhere() -> None:
    naming = SessionNaming()
    naming.set_path(None, local=False, status=IDLE)
    assert path_of(naming) == ()
    naming.observed_path("public")
    assert path_of(naming) == ("public",)


def test_a_savepoint_undone_brings_back_what_was_known() -> None:
    naming = SessionNaming()
    naming.savepoint("savepoint", "a")
    naming.set_path(("archive",), local=False, status=BUSY)
    naming.savepoint("savepoint", "b")
    naming.defined([("archive", "t")], [], is_sure=True, status=BUSY)
    naming.savepoint("rollback-to", "b")
    assert path_of(naming) == ("archive",) and not naming.belief.created
    naming.savepoint("rollback-to", "a")
    assert path_of(naming) == DEFAULT_SEARCH_PATH
    naming.transaction_ended(committed=True)
    assert path_of(naming) == DEFAULT_SEARCH_PATH


def test_a_savepoint_that_was_not_seen_leaves_nothing_known() -> None:
    naming = SessionNaming()
    naming.savepoint("rollback-to", "a")
    assert path_of(naming) == () and not naming.belief.is_sure


def test_a_released_savepoint_is_gone() -> None:
    naming = SessionNaming()
    naming.savepoint("savepoint", "a")
    naming.set_path(("archive",), local=False, status=BUSY)
    naming.savepoint("release", "a")
    naming.transaction_ended(committed=True)
    assert path_of(naming) == ("archive",)


def test_what_the_target_reports_counts_last() -> None:
    naming = SessionNaming()
    naming.observed_path("attic")  # reported before the effect of SET in a transaction is believed
    naming.set_path(("attic",), local=False, status=BUSY)
    naming.settle()
    naming.observed_path("vault")
    naming.transaction_ended(committed=False)
    naming.settle()
    assert path_of(naming) == ("vault",)
