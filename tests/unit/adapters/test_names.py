from __future__ import annotations

from jupyter_govern_gateway.adapters.postgresql.names import NameTable, Uncertain


def test_a_name_nobody_gave_is_nothing() -> None:
    assert NameTable[str]().look_up(b"s", 0) is None


def test_a_change_counts_at_once_within_its_batch() -> None:
    table = NameTable[str]()
    table.put(b"s", "old")
    table.begin(b"s", "new", 3)
    assert table.look_up(b"s", 3) == "new"


def test_a_change_of_an_earlier_batch_makes_a_known_name_uncertain() -> None:
    table = NameTable[str]()
    table.put(b"s", "old")
    change = table.begin(b"s", "new", 3)
    assert isinstance(table.look_up(b"s", 4), Uncertain)
    table.settle(change, True)
    assert table.look_up(b"s", 4) == "new"


def test_a_change_that_did_not_happen_leaves_what_was() -> None:
    table = NameTable[str]()
    table.put(b"s", "old")
    table.settle(table.begin(b"s", "new", 3), False)
    assert table.look_up(b"s", 4) == "old"


def test_a_first_meaning_is_certain_enough() -> None:
    table = NameTable[str]()
    table.begin(b"s", "new", 3)
    assert table.look_up(b"s", 4) == "new"  # it is that, or the server knows no such name


def test_a_removal_under_way_leaves_one_possible_meaning() -> None:
    table = NameTable[str]()
    table.put(b"s", "old")
    table.begin(b"s", None, 3)
    assert table.look_up(b"s", 4) == "old"
    assert table.look_up(b"s", 3) is None


def test_removed_and_given_again_is_uncertain() -> None:
    table = NameTable[str]()
    table.put(b"s", "old")
    first, second = table.begin(b"s", None, 3), table.begin(b"s", "new", 3)
    assert isinstance(table.look_up(b"s", 4), Uncertain)
    table.settle(first, True)
    table.settle(second, True)
    assert table.look_up(b"s", 4) == "new"
