"""The demo's data: a shop with customers, products, orders, payments and employees. The same every time; nobody in it exists.

Names are made of syllables, e-mail addresses end in reserved domains (RFC 2606), card numbers are test numbers that pass the Luhn
check, phone numbers are from ranges kept for fiction.
"""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
from psycopg import sql

CUSTOMERS, PRODUCTS, ORDERS, EMPLOYEES = 600, 60, 2400, 45
TODAY = date(2026, 6, 30)

SCHEMA = """
create table customers (
  id int primary key, name text not null, email text not null unique, phone varchar(20), card varchar(19), birth_date date,
  city text not null, segment text not null, created_at timestamptz not null);
create table products (id int primary key, name text not null, category text not null, price numeric(10,2) not null);
create table orders (
  id int primary key, customer_id int not null references customers, status text not null, placed_at timestamptz not null, total numeric(10,2));
create table order_items (
  order_id int not null references orders on delete cascade, product_id int not null references products, quantity int not null,
  price numeric(10,2) not null, primary key (order_id, product_id));
create table payments (
  id int primary key, order_id int not null references orders, amount numeric(10,2) not null, method text not null, paid_at timestamptz not null);
create table employees (
  id int primary key, name text not null, department text not null, email text not null, salary numeric(10,2), iban text,
  manager_id int references employees, hired_on date not null);
create table order_drafts (id int primary key, note text not null, created_at timestamptz not null);
create view customer_directory as select id, name, email, city from customers;
create view revenue as
  select date_trunc('month', placed_at)::date as month, count(*) as orders, sum(total) as revenue from orders where status <> 'returned' group by 1;
create index on orders (customer_id);
create index on payments (order_id);
"""

FIRST = "Ada Ben Cleo Dara Emil Fay Gus Hana Ivo Jun Kai Lea Milo Nia Otto Pia Quin Rosa Sami Tess Uma Vera Wim Xenia Yara Zoe".split()
LAST_HEAD = "Mor Bren Cal Dov Esk Fen Gar Hol Ist Jor Kel Lun Mar Nor Ost Pel Ros Sol Tor Ul Ven Wes".split()
LAST_TAIL = "eau nan der is ström ley man ovic sen ter berg ini".split()
CITIES = "Oslo Lyon Porto Gent Graz Turku Leeds Bonn Split Brno".split()
DOMAINS = ("example.com", "example.org", "example.net", "mail.example")
SEGMENTS = ("18-29", "30-44", "45-64", "65+")
THINGS = "Lamp Chair Kettle Rug Shelf Clock Mirror Blanket Vase Stool Basket Tray".split()
STYLES = "Nordic Oak Linen Copper Slate".split()
CATEGORY = {
    "Lamp": "light",
    "Chair": "seating",
    "Stool": "seating",
    "Kettle": "kitchen",
    "Tray": "kitchen",
    "Rug": "textile",
    "Blanket": "textile",
}


def card_number(rng: random.Random) -> str:
    """A 16-digit test number below an issuer prefix, with its Luhn check digit."""
    digits = [int(c) for c in rng.choice(("411111", "555555", "401288"))] + [rng.randrange(10) for _ in range(9)]
    doubled = [d if i % 2 else d * 2 - 9 * (d > 4) for i, d in enumerate(digits)]
    digits.append(-sum(doubled) % 10)
    text = "".join(map(str, digits))
    return " ".join(text[i : i + 4] for i in range(0, 16, 4))


def _person(rng: random.Random) -> str:
    return f"{rng.choice(FIRST)} {rng.choice(LAST_HEAD)}{rng.choice(LAST_TAIL)}"


def _moment(rng: random.Random, days: int) -> datetime:
    return datetime(TODAY.year, TODAY.month, TODAY.day, tzinfo=UTC) - timedelta(days=rng.randrange(days), minutes=rng.randrange(1440))


def rows(seed: int = 7) -> dict[str, list[tuple[Any, ...]]]:
    """All rows, by table, in the order in which they can be loaded."""
    rng = random.Random(seed)  # noqa: S311 - not for secrets
    customers = [_customer(rng, number) for number in range(1, CUSTOMERS + 1)]
    products = [
        (number, f"{STYLES[number % 5]} {THINGS[number % 12]}", CATEGORY.get(THINGS[number % 12], "home"), round(rng.uniform(9, 290), 2))
        for number in range(1, PRODUCTS + 1)
    ]
    orders: list[tuple[Any, ...]] = []
    items: list[tuple[Any, ...]] = []
    payments: list[tuple[Any, ...]] = []
    for number in range(1, ORDERS + 1):
        chosen = rng.sample(products, rng.randrange(1, 5))
        lines = [(number, product[0], rng.randrange(1, 4), product[3]) for product in chosen]
        total = round(sum(line[2] * line[3] for line in lines), 2)
        status = rng.choices(("paid", "shipped", "new", "returned"), (40, 45, 10, 5))[0]
        placed = _moment(rng, 540)
        orders.append((number, rng.randrange(1, CUSTOMERS + 1), status, placed, total))
        items += lines
        if status != "new":
            payments.append(
                (len(payments) + 1, number, total, rng.choice(("card", "invoice", "transfer")), placed + timedelta(hours=rng.randrange(72)))
            )
    return {
        "customers": customers,
        "products": products,
        "orders": orders,
        "order_items": items,
        "payments": payments,
        "employees": [_employee(rng, number) for number in range(1, EMPLOYEES + 1)],
        "order_drafts": [(number, f"basket left on {_moment(rng, 60):%d %B}", _moment(rng, 60)) for number in range(1, 121)],
    }


def _customer(rng: random.Random, number: int) -> tuple[Any, ...]:
    name = _person(rng)
    email = f"{name.lower().replace(' ', '.').replace('ö', 'o')}.{number}@{rng.choice(DOMAINS)}"
    phone = f"+44 7700 900{rng.randrange(1000):03d}" if rng.random() > 0.1 else None
    born = date(1940, 1, 1) + timedelta(days=rng.randrange(24000))
    age = TODAY.year - born.year
    segment = SEGMENTS[0 if age < 30 else 1 if age < 45 else 2 if age < 65 else 3]
    return number, name, email, phone, card_number(rng), born, rng.choice(CITIES), segment, _moment(rng, 1500)


def _employee(rng: random.Random, number: int) -> tuple[Any, ...]:
    name = _person(rng)
    iban = f"GB{rng.randrange(10, 99)} TEST {rng.randrange(10**4):04d} {rng.randrange(10**4):04d} {rng.randrange(10**6):06d}"
    salary = round(rng.uniform(31_000, 118_000), 2)
    department = rng.choice(("sales", "support", "logistics", "finance", "engineering"))
    return (
        number,
        name,
        department,
        f"{name.lower().split()[0]}.{number}@shop.example",
        salary,
        iban,
        None if number < 6 else rng.randrange(1, 6),
        _moment(rng, 3000).date(),
    )


def fill(conninfo: str) -> int:
    """Make the tables and load them; returns the number of rows."""
    count = 0
    with psycopg.connect(conninfo) as connection:
        connection.execute(SCHEMA)
        for table, lines in rows().items():
            with connection.cursor().copy(sql.SQL("copy {} from stdin").format(sql.Identifier(table))) as copy:
                for line in lines:
                    copy.write_row(line)
            count += len(lines)
        connection.execute("analyze")
    return count


def make_gateway_role(conninfo: str, password: str) -> None:
    """The gateway's own role: reads and writes the shop's tables and makes temporary ones; owns nothing, and is no superuser."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute(sql.SQL("create role gateway login password {}").format(sql.Literal(password)))
        connection.execute("grant usage on schema public to gateway")
        connection.execute("grant select, insert, update, delete on all tables in schema public to gateway")
        connection.execute("grant temporary on database shop to gateway")
