"""The DataFrame: types that pandas users expect, nothing lost beside NULL, masked columns marked wherever they go."""

from __future__ import annotations

import datetime as dt
import pickle
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest

from jupyter_govern_kernel.connection import MaskedColumn
from jupyter_govern_kernel.frame import GovernedFrame, to_frame
from jupyter_govern_kernel.outcome import Outcome, ResultColumn
from jupyter_govern_kernel.table import Shown

EMAIL = MaskedColumn(name="email", rule="contact data", format="partial")
UTC = dt.UTC


def frame(
    columns: list[tuple[str, int]], rows: list[tuple[Any, ...]], shown: Shown | None = None, **options: bool
) -> GovernedFrame:
    outcome = Outcome(tag="SELECT", columns=tuple(ResultColumn(name=n, type_oid=o) for n, o in columns), rows=tuple(rows))
    return to_frame(outcome, shown or Shown(), **options)


@pytest.mark.parametrize(
    ("oid", "values", "dtype"),
    [
        (23, [1, 2], "int64"),
        (20, [2**60 + 1, None], "Int64"),
        (16, [True, False], "bool"),
        (16, [True, None], "boolean"),
        (701, [1.5, None], "float64"),
        (1700, [Decimal("1.5"), None], "float64"),
        (1700, [Decimal("NaN"), Decimal("1")], "float64"),
        (1082, [dt.date(2020, 1, 1), None], "datetime64[s]"),
        (1082, [dt.date(9999, 12, 31), None], "datetime64[s]"),
        (1082, ["infinity", None], "object"),
        (1114, [dt.datetime(2020, 1, 1, 12), None], "datetime64[us]"),
        (1184, [dt.datetime(2020, 1, 1, tzinfo=UTC), None], "datetime64[us, UTC]"),
        (1186, [dt.timedelta(days=1), None], "timedelta64[us]"),
        (114, [{"a": 1}, None], "object"),
        (1007, [[1, 2], None], "object"),
    ],
)
def test_types(oid: int, values: list[Any], dtype: str) -> None:
    for given in (values, []):
        made = frame([("x", oid)], [(value,) for value in given])
        if given or dtype not in {"Int64", "boolean", "object"}:
            assert str(made.dtypes["x"]) == dtype
        assert len(made) == len(given)


def test_whole_numbers_beside_null_stay_exact() -> None:
    made = frame([("x", 20)], [(2**60 + 1,), (None,)])
    assert made["x"][0] == 2**60 + 1
    assert made["x"].isna().tolist() == [False, True]


def test_decimals_where_asked_for() -> None:
    made = frame([("x", 1700)], [(Decimal("0.10"),)], decimal=True)
    assert made["x"][0] == Decimal("0.10")


def test_text_null_is_missing() -> None:
    made = frame([("x", 25)], [("a",), (None,)])
    assert made["x"].isna().tolist() == [False, True]


def test_two_columns_of_one_name_both_stay() -> None:
    made = frame([("a", 23), ("a", 23)], [(1, 2)])
    assert made.to_numpy().tolist() == [[1, 2]]


def test_no_columns_and_no_rows() -> None:
    assert frame([], [()]).shape == (1, 0)
    assert list(frame([("a", 25), ("b", 23)], []).columns) == ["a", "b"]


def test_masked_columns_are_marked_in_html_and_text() -> None:
    shown = Shown(target="shop", masked=(EMAIL,), rows=2)
    made = frame([("id", 23), ("email", 25)], [(n, "***a") for n in range(5)], shown)
    page, text = made._repr_html_(), repr(made)
    assert page.count('class="jp-govern-masked"') == 1
    assert 'title="masked (partial) by rule “contact data”"' in page
    assert "showing 2 of 5 rows · shop" in page
    assert text.endswith("showing 2 of 5 rows · shop · email: masked (partial) by rule “contact data”")


def test_marks_follow_a_selection_but_not_a_renamed_column() -> None:
    shown = Shown(target="shop", masked=(EMAIL,))
    made = frame([("id", 23), ("email", 25)], [(n, "***a") for n in range(5)], shown)
    assert "jp-govern-masked" in made[["email"]].head(1)._repr_html_()
    assert "jp-govern-masked" in made[made["id"] > 1]._repr_html_()
    assert "jp-govern-masked" in pickle.loads(pickle.dumps(made))._repr_html_()  # noqa: S301
    assert "jp-govern-masked" not in made[["id"]]._repr_html_()


def test_names_and_values_are_escaped() -> None:
    hidden = MaskedColumn(name='<i>"x"', rule="<b>", format="null")
    page = frame([('<i>"x"', 25)], [("<img onerror=x>",)], Shown(masked=(hidden,)))._repr_html_()
    assert "<i>" not in page
    assert "<img" not in page
    assert "<b>" not in page
    assert "jp-govern-masked" in page


def test_it_is_an_ordinary_frame() -> None:
    made = frame([("id", 23), ("city", 25)], [(1, "a"), (2, "b"), (3, "a")])
    assert made.groupby("city")["id"].sum().to_dict() == {"a": 4, "b": 2}
    assert made.merge(pd.DataFrame({"id": [1], "x": [9]})).shape == (1, 3)
    assert made.describe().loc["max", "id"] == 3
