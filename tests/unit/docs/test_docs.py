"""The documentation says what is: settings, kinds and traits, commands, links, and examples that load."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from jupyter_govern.cli import commands
from jupyter_govern.config.load import parse
from jupyter_govern.config.reference import reference_text
from jupyter_govern.demo.stack import PEOPLE
from jupyter_govern_gateway.sql.grammar import STATEMENTS

ROOT = Path(__file__).resolve().parents[3]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
BLOCKS = [
    (page.name, number, text)
    for page in PAGES
    for number, text in enumerate(re.findall(r"^```toml\n(.*?)^```", page.read_text(), re.M | re.S))
]
SQL = ROOT / "gateway" / "jupyter_govern_gateway" / "sql"


def test_every_setting_is_in_the_reference() -> None:
    assert (ROOT / "docs" / "configuration.md").read_text() == reference_text(), "run `make schema`"


@pytest.mark.parametrize(("page", "number", "text"), BLOCKS)
def test_examples_load(page: str, number: int, text: str) -> None:
    config, problems = parse(text, page)
    assert config is not None, problems


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_kinds_and_traits_are_in_the_policy_page() -> None:
    policy = (ROOT / "docs" / "policy.md").read_text()
    kinds = {shape.kind for shape in STATEMENTS.values()} | {"revoke", "function-call"}
    traits = {trait for file in SQL.glob("*.py") for trait in re.findall(r'traits\.add\("([a-z-]+)"\)', file.read_text())}
    assert traits
    for word in sorted(kinds | traits):
        assert f"`{word}`" in policy, f"{word} is not documented"


def test_commands_are_in_the_command_line_page() -> None:
    cli = (ROOT / "docs" / "cli.md").read_text()
    for name in commands():
        assert re.search(rf"`{name}\b", cli), f"{name} is not documented"


def test_the_demos_people_are_in_its_page() -> None:
    demo = (ROOT / "docs" / "demo.md").read_text()
    for name, (password, _) in PEOPLE.items():
        assert f"`{name}`" in demo and f"`{password}`" in demo


def test_the_dashboard_shows_every_metric_and_no_other() -> None:
    dashboard = (ROOT / "examples" / "grafana.json").read_text()
    shown = set(re.findall(r"jupyter_govern_[a-z_]+", dashboard))
    page = (ROOT / "gateway" / "jupyter_govern_gateway" / "api" / "metrics.py").read_text()
    json.loads(dashboard)
    assert shown and all(name.removeprefix("jupyter_govern_") in page for name in shown)
    documented = re.findall(r"`jupyter_govern_([a-z_]+)", (ROOT / "docs" / "observability.md").read_text())
    assert {f"jupyter_govern_{name}" for name in documented} <= shown
