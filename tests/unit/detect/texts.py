"""Texts made of pieces that detectors care about, cut and joined at random."""

from __future__ import annotations

from hypothesis import strategies as st

from jupyter_govern_gateway.detect.scanner import NAMES, Scanner

CARD = b"4111111111111111"
TOKEN = b"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl"
BLOCK = b"-----BEGIN RSA PRIVATE KEY-----\nMIIEvQIBADAN\nBgkqhkiG9w0\n-----END RSA PRIVATE KEY-----"
EVERYTHING = Scanner(sorted(NAMES))
OWN = Scanner([], {"order": "ORD-[0-9]{4}", "word": r"\bsecret\w*", "long": "<[^>]+>"})

_PIECES = st.sampled_from([
    CARD, b"4111 1111 1111 1111", b"5500-0000-0000-0004", b"378282246310005", b"6304000000000000", b"4", b"11", b"1234", b"000000",
    b"john@example.com", b"a.b+c@d.org", b"@x.co", b"john", b'"john doe"@x.com', "jos\u00e9@b\u00fccher.de".encode(), b"@", b"=", b"x" * 60,
    b"DE89 3704 0044 0532 0130 00", b"GB82WEST12345698765432", b"NO9386011117947", b"DE89", b"+49 151 12345678", b"+1(212)555-0123",
    b"+", b"123-45-6789", b"-45-", b"078-05-1120", TOKEN, b"eyJ" + b"a" * 170, b"AKIAIOSFODNN7EXAMPLE", b"ghp_" + b"a" * 36, BLOCK,
    b"-----BEGIN PRIVATE KEY-----", b"-----END PRIVATE KEY-----", b"M" * 300, b"\\u0040", b"\\u0034", b"\\u00e9", b"\\n", b"\\\\", b"\\",
    b'\\"', b"u0034", b" ", b"-", b"--", b".", b",", b"\n", b"*", b"**", b'"', b"{", b"}", b"(", b"/", b"_", b"\0", b"\xc3", b"\xa9",
    "\uff14\uff11\uff11\uff11".encode(), "\uff11".encode(), b"\\uff11", b"\\u200d", "\u200d".encode(), "\u00a0".encode(), "\uff20".encode(),
    b"4111.1111.1111.1111", b"4111\n1111\n1111\n1111", b"4.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1", b"1.1.1", b"4111.1111.", b"\t", b"_",
    ".".join("\uff14" + "\uff11" * 15).encode(), "\u200b".join("4111111111111111").encode(), b"\\ud835\\udfd2" + b"\\ud835\\udfcf" * 15,
    b"ORD-1234", b"ORD-", b"secrets", b"<" + b"y" * 200, b">",
])  # fmt: skip
TEXTS = st.lists(_PIECES | st.binary(max_size=3) | st.from_regex(rb"[0-9 -]{1,30}", fullmatch=True), max_size=24).map(b"".join)
