"""What is hidden and what is not, by example."""

from __future__ import annotations

import pytest

from detect.texts import BLOCK, EVERYTHING, TOKEN
from jupyter_govern_gateway.detect.scanner import Scanner

HIDDEN = [
    ("card", "4111111111111111", "411111******1111"),
    ("card", "4111 1111 1111 1111", "4111 11** **** 1111"),
    ("card", "4111-1111-1111-1111", "4111-11**-****-1111"),
    ("card", "4111 1111-1111 1111", "4111 11**-**** 1111"),
    ("card", "41 11 11 11 11 11 11 11", "41 11 11 ** ** ** 11 11"),
    ("card", "4-1-1-1-1-1-1-1-1-1-1-1-1-1-1-1", "4-1-1-1-1-1-*-*-*-*-*-*-1-1-1-1"),
    ("card", "3782 822463 10005", "3782 82**** *0005"),
    ("card", "1234 4111 1111 1111 1111", "1234 4111 11** **** 1111"),
    ("card", "4111 1111 1111 1111 12", "4111 11** **** 1111 12"),
    ("card", "x4111111111111111y", "x411111******1111y"),
    ("card", "card_4111111111111111_", "card_411111******1111_"),
    ("card", "**4111111111111111**", "**411111******1111**"),
    ("card", "№4111111111111111€", "№411111******1111€"),
    ("card", "4111111111111111,5500000000000004", "411111******1111,550000******0004"),
    ("card", "ann,4111111111111111,12.50\n", "ann,411111******1111,12.50\n"),
    ("card", '{"card": "4111111111111111"}', '{"card": "411111******1111"}'),
    ("card", r'{"card": "\u0034111111111111111"}', r'{"card": "\u003411111******1111"}'),
    ("card", r'{"card": "411111\u0031111111111"}', r'{"card": "411111***********1111"}'),
    ("card", r'{"n": "4111\u00201111\u002d1111 1111"}', r'{"n": "4111\u002011**\u002d**** 1111"}'),
    ("card", "<card>4111111111111111</card>", "<card>411111******1111</card>"),
    ("card", '"card"=>"4111111111111111"', '"card"=>"411111******1111"'),
    ("card", "{4111111111111111,NULL}", "{411111******1111,NULL}"),
    ("card", '(1,"4111 1111 1111 1111",t)', '(1,"4111 11** **** 1111",t)'),
    ("card", "4111.1111.1111.1111", "4111.11**.****.1111"),
    ("card", "4111  1111 1111 1111", "4111  11** **** 1111"),
    ("card", "4111\n1111\n1111\n1111", "4111\n11**\n****\n1111"),
    ("card", "4111\r\n1111\r\n1111\r\n1111", "4111\r\n11**\r\n****\r\n1111"),
    ("card", "4.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1. 12.", "4.1.1.1.1.1.*.*.*.*.*.*.1.1.1.1. 12."),
    ("card", "4_1_1_1_1_1_1_1_1_1_1_1_1_1_1_1", "4_1_1_1_1_1_*_*_*_*_*_*_1_1_1_1"),
    ("card", "4111 / 1111 / 1111 / 1111", "4111 / 11** / **** / 1111"),
    ("card", "3782.822463.10005", "3782.82****.*0005"),
    ("card", "4111\u20131111\u00a01111\u00b71111", "4111\u201311**\u00a0****\u00b71111"),
    ("card", "\uff14" + "\uff11" * 15, "\uff14" + "\uff11" * 5 + "*" * 18 + "\uff11" * 4),
    ("card", "\u0664" + "\u0661" * 15, "\u0664" + "\u0661" * 5 + "*" * 12 + "\u0661" * 4),
    ("card", "\U0001d7d2" + "\U0001d7cf" * 15, "\U0001d7d2" + "\U0001d7cf" * 5 + "*" * 24 + "\U0001d7cf" * 4),
    ("card", "4111\u200d1111\u00ad11111111", "4111\u200d11********1111"),
    ("card", r'{"n": "\uff14\u200b111111111111111"}', r'{"n": "\uff14\u200b11111******1111"}'),
    ("card", r'{"n": "4111\n1111\n1111\n1111"}', r'{"n": "4111\n11**\n****\n1111"}'),
    ("email", "john@example.com", "****@example.com"),
    ("email", "john\uff20example.com", "****\uff20example.com"),
    ("email", "john\u200b@\u200bexample\uff0ecom", "****\u200b@\u200bexample\uff0ecom"),
    ("email", "a.b+tag@sub.example.co.uk", "*******@sub.example.co.uk"),
    ("email", "josé@bücher.example", "*****@bücher.example"),
    ("email", "用户@例子.广告", "******@例子.广告"),
    ("email", '"john doe"@example.com', '"********"@example.com'),
    ("email", "o'brien@example.com", "*******@example.com"),
    ("email", "'john@example.com'", "'****@example.com'"),
    ("email", "<john@[192.168.0.1]>", "<****@[192.168.0.1]>"),
    ("email", "{john@x.com,ann@y.org}", "{****@x.com,***@y.org}"),
    ("email", "a@x.com@b@y.com", "*@x.com@*@y.com"),
    ("email", "list?email=john@x.com&a=1", "list?*****=****@x.com&a=1"),
    ("email", r'{"e": "hi\njohn@x.com"}', r'{"e": "hi\n****@x.com"}'),
    ("email", r'{"e": "john\u0040x.com"}', r'{"e": "****\u0040x.com"}'),
    ("email", r'{"e": "jos\u00e9@x.com"}', r'{"e": "*********@x.com"}'),
    ("email", r'{"e": "\"john doe\"@x.com"}', r'{"e": "\"********\"@x.com"}'),
    ("email", '("""john doe""@x.com")', '("""********""@x.com")'),
    ("email", "x" * 70 + "@x.com", "x" * 6 + "*" * 64 + "@x.com"),
    ("iban", "DE89370400440532013000", "DE893704**************"),
    ("iban", "DE89 3704 0044 0532 0130 00", "DE89 3704 **** **** **** **"),
    ("iban", "IBAN:GB82WEST12345698765432.", "IBAN:GB82WEST**************."),
    ("iban", "NO9386011117947EUR", "NO938601*******EUR"),
    ("iban", "xDE89370400440532013000", "xDE893704**************"),
    ("phone", "+49 151 12345678", "+49 *** ********"),
    ("phone", "+1 (212) 555-0123", "+1 (***) ***-****"),
    ("phone", "tel:+3531234567", "tel:+353*******"),
    ("phone", "+49 (0) 151 / 1234567", "+49 (*) *** / *******"),
    ("phone", "+44 20 7946 0958 on 2024-01-05", "+44 ** **** **** on 2024-01-05"),
    ("phone", "+4915112345678+12125550123", "+49***********+1**********"),
    ("us_ssn", "ssn 123-45-6789.", "ssn ***-**-6789."),
    ("key", "id AKIAIOSFODNN7EXAMPLE!", "id ********************!"),
    ("key", "ghp_" + "a" * 36 + ",", "*" * 40 + ","),
    ("key", "xoxb-123456789012-abc", "*" * 21),
    ("key", "sk_live_" + "4" * 24, "*" * 32),
    ("key", "AIza" + "b" * 35, "*" * 39),
    ("key", f"Bearer {TOKEN.decode()}", "Bearer " + "*" * len(TOKEN)),
]
SHOWN = [
    "4111111111111112",
    "41111111111111111111",  # twenty digits
    "4111, 1111, 1111, 1111",
    "4,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1",
    "41.11.11.11.11.11.11.11",  # no card is grouped like this
    "411.111.111.111.111.1",
    "4111    1111 1111 1111",
    "4.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1",  # goes on: a list
    "4111\n1111\n1111\n1111\n1111\n1111",  # a column
    "9111.1111.1111.1110",  # nobody issues 91, though the check digit is right
    "1.234.567.890.123.456",
    "1 234 567 890.123456789",
    "4\u202f111\u202f111\u202f111\u202f111\u202f111",
    "10.0.0.1 192.168.178.20 172.16.254.1\n127.0.0.1",
    "1.2.3 1.2.4 1.3.0 2.0.0 2.0.1",
    "12.5\n13.75\n9.5\n10.25\n11.0\n14.5",
    "2021\n2022\n2023\n2024\n2025",
    "52.520008 13.404954\n48.137154 11.576124",
    "3.14159265358979323846",
    "2024-05-01 10:11:12.123456\n2024-05-02 10:11:12.123456",
    "4\u200b\u200b\u200b\u200b111111111111111",  # more that is invisible than is passed over
    "0000000000000000",
    "411111111111",
    "john@localhost",
    "@handle",
    "lodash@4.17.21",
    '["a", "@b.com"]',
    '{"a": "x", "@b.com": 1}',
    "DE88370400440532013000",
    "ZZ89370400440532013000",
    "+1234567",
    "+1234567890123456",
    "000-12-3456",
    "666-12-3456",
    "900-12-3456",
    "123-00-4567",
    "123-45-0000",
    "1123-45-6789",
    "eyJ is how a token begins",
    "AKIA",
    "",
    "order 10023 of 2024-01-05 10:22:33, 3 x 12.50, ref 550e8400-e29b-41d4-a716-446655440000",
]


@pytest.mark.parametrize(("name", "text", "hidden"), HIDDEN)
def test_is_hidden(name: str, text: str, hidden: str) -> None:
    # A character beyond ASCII is hidden as so many bytes.
    wanted = hidden.encode()
    found = Scanner([name]).hide(text.encode())
    assert found.decode() == wanted.decode()
    assert len(found) == len(text.encode())


@pytest.mark.parametrize("text", SHOWN)
def test_is_shown(text: str) -> None:
    data = text.encode()
    assert EVERYTHING.hide(data) is data
    assert EVERYTHING.find(data) == []


def test_a_private_key_block_keeps_its_lines() -> None:
    hidden = Scanner(["key"]).hide(b"a " + BLOCK + b" z")
    assert hidden.startswith(b"a *****") and hidden.endswith(b"***** z")
    assert hidden.count(b"\n") == BLOCK.count(b"\n")
    assert b"MII" not in hidden


def test_a_private_key_block_in_json_and_one_without_an_end() -> None:
    scanner = Scanner(["key"])
    assert b"MII" not in scanner.hide(b'{"k": "' + BLOCK.replace(b"\n", b"\\n") + b'"}')
    assert scanner.hide(b'"' + BLOCK[:60] + b'", "next"').endswith(b'*", "next"')


def test_what_is_kept_of_a_card_does_not_make_another() -> None:
    scanner = Scanner(["card"])
    chain = next(
        text
        for first in range(10**7, 10**7 + 4000)
        if (text := b"%d 4111111111111111" % first) and scanner.find(text) != Scanner(["card"]).find(text[9:])
        and not scanner.hide(text).startswith(text[:9])
    )  # fmt: skip
    assert scanner.find(scanner.hide(chain)) == []


def test_unknown_names_are_refused() -> None:
    with pytest.raises(ValueError, match="no such detector: iris"):
        Scanner(["card", "iris"])
