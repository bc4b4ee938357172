"""Mask formats as SQL expressions. Pure text; every function and operator is pg_catalog's by name, so that no search_path bends it.

NULL stays NULL, and the type of the column stays what it was. A format that a type has no form of falls back to `redact`.
"""

from __future__ import annotations

from typing import Final

from jupyter_govern_gateway.policy.standing import MaskPattern
from jupyter_govern_gateway.sql.catalog import Column

TEXT_TYPES: Final = frozenset({"text", "varchar", "bpchar", "name"})
REDACTED: Final = "[redacted]"
DOT: Final = "*"
CONSTANTS: Final = {
    "int2": "0", "int4": "0", "int8": "0", "numeric": "0", "float4": "0", "float8": "0", "money": "0", "oid": "0", "bool": "false",
    "date": "'1900-01-01'", "timestamp": "'1900-01-01'", "timestamptz": "'1900-01-01 00:00+00'", "time": "'00:00'", "timetz": "'00:00+00'",
    "interval": "'0'", "uuid": "'00000000-0000-0000-0000-000000000000'", "bytea": "''", "json": "'\"[redacted]\"'",
    "jsonb": "'\"[redacted]\"'", "inet": "'0.0.0.0'", "cidr": "'0.0.0.0/32'", "macaddr": "'00:00:00:00:00:00'", "char": "'*'",
}  # fmt: skip
"""What `redact` shows for types that are not text."""
HASH_KEY: Final = "pg_catalog.current_setting('govern.hash_key')"


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def mask_expression(column: Column, mask: MaskPattern, source: str) -> str:
    """The masked value of `source` (an SQL expression for the raw column), with the column's own type."""
    raw = f"{source}.{quoted(column.name)}"
    value = _value(column, mask, raw)
    if value is None:
        return f"NULL::{column.type_sql}"
    return f"CASE WHEN {raw} IS NULL THEN NULL::{column.type_sql} ELSE ({value})::{column.type_sql} END"


def _value(column: Column, mask: MaskPattern, raw: str) -> str | None:
    if mask.path and column.base in ("json", "jsonb") and not column.is_array:
        return _branch(mask.path, raw)
    match mask.format:
        case "null":
            return None
        case "partial" if _is_text(column):
            return _partial(raw, mask.keep)
        case "hash" if (hashed := _hash(column, raw)) is not None:
            return hashed
        case _:
            return _redact(column)


def _branch(path: tuple[str, ...], raw: str) -> str:
    """The document with one branch replaced, where it has it; what stands beside it stays.

    Where something on the way is no object (a list, say), the branch could hide inside it: that is replaced as a whole.
    """
    document, hidden = f"({raw})::jsonb", f"'\"{REDACTED}\"'::jsonb"
    equal = "OPERATOR(pg_catalog.=)"
    cases = [f"WHEN pg_catalog.jsonb_typeof({document}) OPERATOR(pg_catalog.<>) 'object' THEN {hidden}"]
    for depth in range(1, len(path)):
        way = _keys(path[:depth])
        inner = f"pg_catalog.jsonb_typeof({document} OPERATOR(pg_catalog.#>) {way})"
        cases.append(f"WHEN ({inner} {equal} 'object') IS FALSE THEN pg_catalog.jsonb_set({document}, {way}, {hidden}, false)")
    return f"CASE {' '.join(cases)} ELSE pg_catalog.jsonb_set({document}, {_keys(path)}, {hidden}, false) END"


def _keys(path: tuple[str, ...]) -> str:
    return "ARRAY[" + ", ".join("'" + key.replace("'", "''") + "'" for key in path) + "]::pg_catalog.text[]"


def _is_text(column: Column) -> bool:
    return column.base in TEXT_TYPES and not column.is_array


def _redact(column: Column) -> str | None:
    """A constant of the type; None (so NULL) for types that have none."""
    if column.is_array:
        return "'{}'"
    if _is_text(column):
        text = REDACTED if not column.length else REDACTED[: column.length] if column.length >= 3 else DOT * column.length
        return f"'{text}'"
    return CONSTANTS.get(column.base)


def _partial(raw: str, keep: int) -> str:
    """Dots for all but the last `keep` characters; never more than half of a value stays readable."""
    text = f"({raw})::text"
    length = f"pg_catalog.length({text})"
    kept = f"LEAST({keep}, {length} OPERATOR(pg_catalog./) 2)"
    dots = f"pg_catalog.repeat('{DOT}', {length} OPERATOR(pg_catalog.-) {kept})"
    # right(x, 0) is '', and right() of a negative count would drop from the left: kept is never negative
    return f"{dots} OPERATOR(pg_catalog.||) pg_catalog.right({text}, {kept})"


def _hash(column: Column, raw: str) -> str | None:
    """SHA-256 of key and value: equal values have equal hashes, and without the key nobody can try values."""
    material = f"pg_catalog.convert_to({HASH_KEY} OPERATOR(pg_catalog.||) ({raw})::text, 'UTF8')"
    digest = f"pg_catalog.encode(pg_catalog.sha256({material}), 'hex')"
    if column.is_array:
        return None
    if _is_text(column):
        return f"pg_catalog.left({digest}, {column.length or 32})"
    bits = {"int8": 60, "int4": 28, "int2": 12}.get(column.base)
    if bits is not None:
        kind = "int8" if column.base == "int8" else "int4"
        return f"('x' OPERATOR(pg_catalog.||) pg_catalog.left({digest}, {bits // 4}))::pg_catalog.bit({bits})::pg_catalog.{kind}"
    if column.base == "numeric":
        return f"(('x' OPERATOR(pg_catalog.||) pg_catalog.left({digest}, 6))::pg_catalog.bit(24)::pg_catalog.int4)"
    if column.base == "uuid":
        return f"pg_catalog.left({digest}, 32)"
    return None
