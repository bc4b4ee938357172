"""COPY FROM into masked columns: a value as the mask shows it is found in every format, however the data is cut; others are not."""

from __future__ import annotations

import csv
import io
import struct
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_govern.model import RuleRef
from jupyter_govern_gateway.adapters.postgresql.copied import MAX_ROW, CopiedRows
from jupyter_govern_gateway.policy.standing import MaskPattern
from jupyter_govern_gateway.sql.catalog import Column
from jupyter_govern_gateway.sql.copying import CopyInto
from jupyter_govern_gateway.sql.placeholders import Written

RULE = RuleRef(name="r", because="b")
MASK = MaskPattern(rule=RULE, schema="public", relation="customers", column="email", format="partial")
MAIL = Written(number=2, column=Column(name="email", attnum=2, type_sql="text", base="text"), mask=MASK)
INTO = CopyInto(relation="customers", format="text", delimiter="\t", quote='"', escape='"', written=(MAIL,))
CSV = replace(INTO, format="csv", delimiter=",")
BINARY = replace(INTO, format="binary")
SHOWN = "*********.com"


def text(rows: list[list[str]]) -> bytes:
    escaped = str.maketrans({"\\": r"\\", "\n": r"\n", "\t": r"\t", "\r": r"\r"})
    return "".join("\t".join(value.translate(escaped) for value in row) + "\n" for row in rows).encode()


def as_csv(rows: list[list[str]], **more: str) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n", **more).writerows(rows)  # type: ignore[arg-type]
    return out.getvalue().encode()


def binary(rows: list[list[str]]) -> bytes:
    out = [b"PGCOPY\n\xff\r\n\0", struct.pack("!ii", 0, 3), b"ext"]
    for row in rows:
        out.append(struct.pack("!h", len(row)))
        out += [struct.pack("!i", len(value.encode())) + value.encode() for value in row]
    return b"".join(out) + struct.pack("!h", -1)


FORMATS = [(INTO, text), (CSV, as_csv), (BINARY, binary)]
VALUES = st.text(st.characters(exclude_characters="*[\0\r", codec="utf-8"), max_size=12)
ROWS = st.lists(st.lists(VALUES, min_size=3, max_size=3), max_size=6)


def fed(into: CopyInto, data: bytes, cuts: list[int]) -> Written | None:
    rows, at = CopiedRows(into, "utf-8"), 0
    for cut in [*sorted(c % (len(data) + 1) for c in cuts), len(data)]:
        if (found := rows.found(data[at:cut])) is not None:
            return found
        at = cut
    return None


@pytest.mark.parametrize(("into", "write"), FORMATS)
@given(before=ROWS, after=ROWS, first=VALUES, cuts=st.lists(st.integers(0, 10_000), max_size=8))
def test_found_at_its_place(
    into: CopyInto, write: object, before: list[list[str]], after: list[list[str]], first: str, cuts: list[int]
) -> None:
    assert callable(write)
    assert fed(into, write([*before, [first, SHOWN, "x"], *after]), cuts) is MAIL


@pytest.mark.parametrize(("into", "write"), FORMATS)
@given(rows=ROWS, cuts=st.lists(st.integers(0, 10_000), max_size=8))
def test_elsewhere_it_is_nothing(into: CopyInto, write: object, rows: list[list[str]], cuts: list[int]) -> None:
    assert callable(write)
    assert fed(into, write([*rows, [SHOWN, "a@b.c", "[redacted]"]]), cuts) is None


@pytest.mark.parametrize(
    ("into", "data"),
    [
        (replace(INTO, delimiter="|"), f"1|{SHOWN}|x\n"),
        (INTO, f"1\t{SHOWN}\r\n"),
        (CSV, f'1,"{SHOWN}"\n'),
        (CSV, f'"a ""b""\n,c",{SHOWN}\n'),
        (replace(CSV, escape="\\"), f'"a \\"b",{SHOWN}\n'),
        (replace(CSV, quote="'", escape="'", delimiter=";"), f"'a;b';{SHOWN}\n"),
        (replace(INTO, written=(replace(MAIL, mask=replace(MASK, format="hash")),)), "1\t" + "0123456789abcdef" * 2 + "\n"),
        (replace(INTO, written=(replace(MAIL, column=replace(MAIL.column, base="uuid")),)), "1\t00000000-0000-0000-0000-000000000000\n"),
    ],
)
def test_options_and_types(into: CopyInto, data: str) -> None:
    assert fed(into, data.encode(), []) is not None
    assert fed(into, data.encode(), list(range(len(data)))) is not None


def test_a_row_too_long_to_hold_is_let_pass() -> None:
    rows = CopiedRows(INTO, "utf-8")
    assert rows.found(b"x" * (MAX_ROW + 1)) is None
    assert rows.found(f"\t\n1\t{SHOWN}\n".encode()) is None


def test_what_is_no_csv_is_the_targets_to_judge() -> None:
    assert fed(CSV, b'1,"a"b"c\n2,"\n' * 3, []) is None
    assert fed(CSV, b'"\0' + b"x" * 200_000 + b'"\n', []) is None
