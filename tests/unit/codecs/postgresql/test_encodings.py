from __future__ import annotations

import pytest

from jupyter_govern_gateway.codecs.postgresql.encodings import _CODECS, codec_for


@pytest.mark.parametrize("name", ["UTF8", "utf-8", "UTF_8", "Unicode"])
def test_names_are_compared_as_the_server_does(name: str) -> None:
    assert codec_for(name) == "utf-8"


@pytest.mark.parametrize("name", ["SJIS", "BIG5", "GBK", "UHC", "GB18030", "JOHAB", "EUC_JP", "MULE_INTERNAL", "", "nonsense"])
def test_what_we_cannot_read_as_the_server_does_is_refused(name: str) -> None:
    assert codec_for(name) is None


@pytest.mark.parametrize("codec", sorted(set(_CODECS.values())))
def test_every_encoding_we_take_is_ascii_where_sql_is(codec: str) -> None:
    ascii_text = "".join(map(chr, range(1, 128)))
    assert ascii_text.encode(codec) == ascii_text.encode("ascii")
    for byte in range(128):
        assert bytes((byte,)).decode(codec) == chr(byte)
