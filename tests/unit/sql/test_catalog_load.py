"""A catalog that changes while it is read is read again, and not for ever."""

from __future__ import annotations

import psycopg
import pytest

from jupyter_govern_gateway.sql import catalog_load
from jupyter_govern_gateway.sql.catalog import Catalog

from .rig import CATALOG


def failing(monkeypatch: pytest.MonkeyPatch, times: int, error: type[psycopg.Error]) -> list[str]:
    asked: list[str] = []

    def load(conninfo: str) -> Catalog:
        asked.append(conninfo)
        if len(asked) <= times:
            raise error("could not open relation with OID 12345")
        return CATALOG

    monkeypatch.setattr(catalog_load, "_load", load)
    return asked


def test_an_object_that_was_dropped_meanwhile_makes_it_be_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = failing(monkeypatch, 2, psycopg.errors.InternalError_)
    assert catalog_load.load_catalog("dsn") is CATALOG
    assert asked == ["dsn"] * 3


def test_it_gives_up(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = failing(monkeypatch, 99, psycopg.errors.InternalError_)
    with pytest.raises(psycopg.InternalError):
        catalog_load.load_catalog("dsn")
    assert len(asked) == catalog_load.LOAD_TRIES


def test_a_target_that_does_not_answer_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = failing(monkeypatch, 1, psycopg.OperationalError)
    with pytest.raises(psycopg.OperationalError):
        catalog_load.load_catalog("dsn")
    assert len(asked) == 1
