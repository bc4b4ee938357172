"""International bank account numbers: a country's length, mod 97. Country, check digits and four of the bank are kept.

Length and check digits tell enough: what stands beside is not looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from jupyter_govern_gateway.detect.spans import Match, words

KEPT: Final = 8
_LENGTHS: Final = {  # the SWIFT registry
    15: "NO",
    16: "BE BI",
    18: "DK FI FO GL NL SD FK",
    19: "MK SI",
    20: "AT BA EE KZ LT LU MN XK",
    21: "CH CR HR LI LV",
    22: "BG BH DE GB GE IE ME RS",
    23: "AE GI IL IQ OM SO TL",
    24: "AD CZ DZ ES MD PK RO SA SE SK TN VG",
    25: "AO CV GW LY MZ PT ST",
    26: "IR IS TR",
    27: "BF CF CG CM DJ FR GA GR IT KM MC MG ML MR SM SN TD TG BJ CI GQ MA NE",
    28: "AL AZ BY CY DO GT HN HU LB NI PL SV",
    29: "BR EG PS QA UA",
    30: "JO KW MU YE",
    31: "MT SC",
    32: "LC",
    33: "RU",
}
_REST: Final = {
    country.encode(): re.compile(rb"(?: ?[0-9A-Z]){%d}" % (length - 4))
    for length, countries in _LENGTHS.items()
    for country in countries.split()
}
_START: Final = re.compile(rb"[A-Z]{2}[0-9]{2}")


def hint(data: bytes) -> bool:
    return _START.search(data) is not None


def find(text: bytes) -> Iterator[Match]:
    for start in _START.finditer(text):
        rest = _REST.get(start[0][:2])
        body = rest.match(text, start.end()) if rest is not None else None
        if body is not None and _valid(start[0], body[0].replace(b" ", b"")):
            yield Match(start.start(), body.end(), words(text, _after_bank(text, start.end()), body.end()))


def _valid(start: bytes, account: bytes) -> bool:
    """ISO 7064: the start goes last, letters count from 10, the whole is 1 modulo 97."""
    number = "".join(str(int(chr(byte), 36)) for byte in account + start)
    return int(number) % 97 == 1


def _after_bank(text: bytes, at: int) -> int:
    kept = KEPT - 4
    while kept:
        kept -= text[at] != 0x20
        at += 1
    return at
