"""What the generator knows of schema.sql: relations as they are spelled in SQL, and the types of their columns.

Types: i4 i8 num text bool date jsonb texts; json and x are the rest, which only be handed on (json cannot be sorted).
"""

from __future__ import annotations

from dataclasses import dataclass

Columns = tuple[tuple[str, str], ...]


def _columns(text: str) -> Columns:
    """`id:i4 name:text`; `~` stands for a space in a quoted name."""
    return tuple((name.replace("~", " "), kind) for name, _, kind in (part.rpartition(":") for part in text.split()))


@dataclass(frozen=True, slots=True)
class Table:
    name: str
    columns: Columns
    kind: str = "table"
    schema: str = "public"


def _table(name: str, columns: str, kind: str = "table", schema: str = "public") -> Table:
    return Table(name, _columns(columns), kind, schema)


TABLES = (
    _table("customers", "id:i4 name:text email:text phone:text ssn:text born:date credit:num tags:texts profile:jsonb note:text"
           " region_id:i4 referrer:i4 vip:bool joined:date"),
    _table("orders", "id:i4 customer_id:i4 amount:num placed:date status:text items:jsonb account:i8"),
    _table("payments", "id:i4 order_id:i4 paid:date card:text amount:num"),
    _table("payments_2024", "id:i4 order_id:i4 paid:date card:text amount:num"),
    _table("people", "id:i4 name:text rank:i4"),
    _table("staff", "id:i4 name:text rank:i4 salary:i8 skills:x boss:i4"),
    _table("accounts", "id:i4 kind:x mail:x uid:x blob:x seen:x locked:bool spell:x small:x code:x price:x raw:json doc:jsonb width:i4"
           " plain:x medium:i4"),
    _table('"Odd Table"', '"Id":i4 "select":text "a~b":i8 "ü":text "say~""hi""":text'),
    _table("regions", "id:i4 name:text parent:i4 budget:num"),
    _table("products", "id:i4 sku:text price:num attrs:jsonb labels:texts added:date ean:i8"),
    _table("customer_mail", "id:i4 email:text region_id:i4", "view"),
    _table("vip", "id:i4 name:text phone:text region:text credit:num", "view"),
    _table("vip_mail", "vid:i4 mail:text region:text", "view"),
    _table("order_totals", "customer_id:i4 n:i8 total:num account:i8", "view"),
    _table("everybody", "id:i4 name:text", "view"),
    _table("ranked", "id:i4 salary:i8 name:text place:i8", "view"),
    _table("newest", "customer_id:i4 id:i4 account:i8 placed:date", "view"),
    _table("tagged", "id:i4 tag:text n:i4 first:text", "view"),
    _table("documents", "id:i4 doc:jsonb contact:jsonb a:text mail:x", "view"),
    _table("whole", "id:i4 everything:jsonb city:text", "view"),
    _table("cheap", "id:i4 sku:text price:num", "view"),
    _table("paid", "id:i4 card:text paid:date known:bool", "view"),
    _table("mails", "id:i4 email:text phone:text credit:num", "stored"),
)  # fmt: skip
OTHER = (
    _table("orders", "id:i4 customer_id:i4 secret:text account:i8", schema="other"),
    _table("regions", "id:i4 title:text", schema="other"),
)
