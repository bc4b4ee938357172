"""Which client_encoding we can read statements in: UTF-8 and the single-byte ones.

Left out on purpose: SJIS, BIG5, GBK, UHC, GB18030, JOHAB (a byte below 128 may be half of a character, so a quote would not
be a quote), and the EUC family and MULE_INTERNAL (our tables and the server's differ in places; what we read must be what
the server reads).
"""

from __future__ import annotations

_CODECS = {
    "utf8": "utf-8",
    "unicode": "utf-8",
    "sqlascii": "ascii",
    "latin1": "iso8859-1",
    "iso88591": "iso8859-1",
    "latin2": "iso8859-2",
    "iso88592": "iso8859-2",
    "latin3": "iso8859-3",
    "latin4": "iso8859-4",
    "latin5": "iso8859-9",
    "latin6": "iso8859-10",
    "latin7": "iso8859-13",
    "latin8": "iso8859-14",
    "latin9": "iso8859-15",
    "latin10": "iso8859-16",
    "iso88595": "iso8859-5",
    "iso88596": "iso8859-6",
    "iso88597": "iso8859-7",
    "iso88598": "iso8859-8",
    "win1250": "cp1250",
    "win1251": "cp1251",
    "win": "cp1251",
    "win1252": "cp1252",
    "win1253": "cp1253",
    "win1254": "cp1254",
    "win1255": "cp1255",
    "win1256": "cp1256",
    "win1257": "cp1257",
    "win1258": "cp1258",
    "koi8r": "koi8-r",
    "koi8": "koi8-r",
    "koi8u": "koi8-u",
}


def codec_for(client_encoding: str) -> str | None:
    """Python's name for a client_encoding (SQL_ASCII is read as pure ASCII), or None where we cannot read it."""
    # the server compares names the same way: letters and digits only, no case
    return _CODECS.get("".join(c for c in client_encoding.lower() if c.isalnum() and c.isascii()))
