from __future__ import annotations

from hashlib import new

from jupyter_govern_gateway.codecs.postgresql.md5 import md5_answer


def test_the_documented_formula() -> None:
    inner = new("md5", b"secretgateway").hexdigest().encode()  # noqa: S324 - what such targets ask for
    outer = new("md5", inner + bytes((1, 2, 3, 4))).hexdigest().encode()  # noqa: S324
    assert md5_answer(b"gateway", b"secret", b"\1\2\3\4") == b"md5" + outer + b"\0"
