"""How each public suite is run: its command, its environment, its folder; the way to the database goes in by DSN or PG* variables."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import quote

from tests.compat.fetching import PLACE, NotToBeHad, python, source

Way = dict[str, str]
SECONDS: Final = 1500.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """`arguments` and `environment` are pytest's and the process's, for one way to the database."""

    name: str
    folder: Callable[[], Path]
    arguments: Callable[[Way], list[str]]
    environment: Callable[[Way], dict[str, str]] = field(default=lambda way: {})

    def run(self, way: Way, report: Path, *more: str) -> str:
        """Runs it; `report` is JUnit XML then. Returns the end of what it said."""
        folder = self.folder()
        command = [str(python()), "-m", "pytest", "-q", "--timeout=60", "-o", "junit_family=xunit1"]
        command += [f"--junitxml={report}", *self.arguments(way), *more]
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "PYTEST"))}
        done = subprocess.run(
            command, cwd=folder, env={**kept, "TZ": "UTC", **self.environment(way)},
            capture_output=True, text=True, check=False, timeout=SECONDS,
        )  # fmt: skip
        return (done.stdout + done.stderr)[-3000:]


def _variables(way: Way) -> dict[str, str]:
    return {
        "PGHOST": way["host"], "PGPORT": way["port"], "PGUSER": way["user"], "PGPASSWORD": way["password"], "PGDATABASE": way["dbname"],
        "PGSSLMODE": "disable",
    }  # fmt: skip


def _url(driver: str, way: Way) -> str:
    user, password = quote(way["user"]), quote(way["password"], safe="")
    return f"postgresql+{driver}://{user}:{password}@{way['host']}:{way['port']}/{way['dbname']}"


def _sqlalchemy(driver: str) -> Callable[[Way], list[str]]:
    def arguments(way: Way) -> list[str]:
        # the dialect suite proper; test/dialect/postgresql takes an hour more, nearly all of it in CREATE and DROP
        files = ["test/dialect/test_suite.py", "test/dialect/postgresql/test_query.py", "test/dialect/postgresql/test_dialect.py"]
        return [*files, "--dburi", _url(driver, way), "-p", "no:warnings", "--maxfail=10000"]

    return arguments


def _beside(client: str, tests: str) -> Callable[[], Path]:
    """A folder with the tests alone, so that they find the installed client and not the one of their source, which is not built."""

    def folder() -> Path:
        place = PLACE / f"{client}-tests"
        if not (place / tests).exists():
            place.mkdir(parents=True, exist_ok=True)
            (place / tests).symlink_to(source(client) / tests)
            (place / "pytest.ini").write_text("[pytest]\n")
        return place

    return folder


def _psycopg_tests() -> Path:
    """psycopg's sdist holds no tests: a checkout of its repository does."""
    checkout = os.environ.get("PSYCOPG_CHECKOUT", "")
    if not checkout:
        raise NotToBeHad("psycopg's source distribution holds no tests; set PSYCOPG_CHECKOUT to a checkout of its repository")
    tests = PLACE / "psycopg-tests"
    tests.mkdir(parents=True, exist_ok=True)
    for name in ("tests", "pyproject.toml", "tools"):
        link = tests / name
        link.unlink(missing_ok=True)
        link.symlink_to(Path(checkout).resolve() / name)
    return tests


def _dsn(way: Way) -> str:
    return " ".join(f"{name}={value}" for name, value in way.items()) + " sslmode=disable"


SUITES: Final = (
    Suite(name="asyncpg", folder=_beside("asyncpg", "tests"), arguments=lambda way: ["tests"], environment=_variables),
    Suite(
        name="psycopg",
        folder=_psycopg_tests,
        arguments=lambda way: [
            "tests", "--test-dsn", _dsn(way), "-p", "no:randomly",
            "-m", "not slow and not mypy and not timing and not dns and not subprocess",
        ],
        environment=lambda way: {"PSYCOPG_IMPL": "binary"},
    ),
    Suite(
        name="psycopg2",
        folder=_beside("psycopg2", "tests"),
        arguments=lambda way: ["tests"],
        environment=lambda way: {
            "PSYCOPG2_TESTDB": way["dbname"], "PSYCOPG2_TESTDB_HOST": way["host"], "PSYCOPG2_TESTDB_PORT": way["port"],
            "PSYCOPG2_TESTDB_USER": way["user"], "PSYCOPG2_TESTDB_PASSWORD": way["password"],
            "PGPASSWORD": way["password"], "PGSSLMODE": "disable",
        },
    ),
    Suite(name="pg8000", folder=_beside("pg8000", "test"), arguments=lambda way: ["test"], environment=_variables),
    Suite(name="sqlalchemy psycopg", folder=lambda: source("sqlalchemy"), arguments=_sqlalchemy("psycopg")),
    Suite(name="sqlalchemy asyncpg", folder=lambda: source("sqlalchemy"), arguments=_sqlalchemy("asyncpg")),
)  # fmt: skip
