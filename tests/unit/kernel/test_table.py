"""A result without pandas: rows, columns, text and HTML that mark what is masked."""

from __future__ import annotations

import pytest

from jupyter_govern_kernel.connection import MaskedColumn
from jupyter_govern_kernel.table import Shown, Table, footer

EMAIL = MaskedColumn(name="email", rule='contact "data"', format="partial")
SHOWN = Shown(target="shop", masked=(EMAIL,), rows=2)


def table() -> Table:
    return Table(["id", "email"], [(1, "***a"), (2, None), (3, "<b>")], SHOWN)


def test_rows_columns_and_dicts() -> None:
    rows = table()
    assert len(rows) == 3
    assert rows[0] == (1, "***a")
    assert rows["id"] == [1, 2, 3]
    assert rows.dicts()[2] == {"id": 3, "email": "<b>"}
    assert [row[0] for row in rows] == [1, 2, 3]
    with pytest.raises(KeyError):
        rows["nope"]


def test_text_shows_the_first_rows_and_says_so() -> None:
    said = repr(table())
    assert said.splitlines()[0] == "id | email*"
    assert "<b>" not in said
    assert said.endswith('showing 2 of 3 rows · shop · email: masked (partial) by rule “contact "data"”')


def test_html_is_escaped_and_marked() -> None:
    page = table()._repr_html_()
    assert 'class="jp-govern-masked"' in page
    assert "contact &quot;data&quot;" in page
    hostile = Table(["<script>"], [("<img onerror=x>",)], Shown(target="<t>"))._repr_html_()
    assert "<script>" not in hostile
    assert "<img" not in hostile
    assert "<t>" not in hostile


@pytest.mark.parametrize(
    ("total", "rows", "said"), [(0, 10, "0 rows"), (1, 10, "1 row"), (10, 10, "10 rows"), (1234, 10, "showing 10 of 1,234 rows")]
)
def test_counts(total: int, rows: int, said: str) -> None:
    assert footer(total, [], Shown(rows=rows)) == said
