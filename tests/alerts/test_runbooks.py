"""Each alert has its runbook and each runbook its alert; what a runbook tells to type is there to be typed."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import click
import pytest
import yaml

from exporters.catalogue import CATALOGUE
from exporters.rules import Wanted, alert_groups
from monitor.cli import minutebook
from monitor.facts import EXCLUSION_CLASSES
from monitor.facts.kinds import FAIL_REASONS, VOID_REASONS
from tests.conftest import ROOT

FOLDER = ROOT / "deploy" / "runbooks"
SHARED = {"exclusions"}
ALERTS = {alert.name: alert for alerts in alert_groups(Wanted(optional=True)).values() for alert in alerts}
PAGES = {path.stem: path.read_text(encoding="utf-8") for path in FOLDER.iterdir()}
CODE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(language: str) -> list[tuple[str, str]]:
    """Page and text of every code block of a language."""
    return [(name, text) for name, page in PAGES.items() for found, text in CODE.findall(page) if found == language]


def lines(language: str) -> list[tuple[str, str]]:
    return [(name, line) for name, text in blocks(language) for line in text.splitlines()]


def test_each_alert_has_its_page_and_each_page_its_alert() -> None:
    assert {path.suffix for path in FOLDER.iterdir()} == {".md"}
    assert PAGES.keys() == ALERTS.keys() | SHARED


@pytest.mark.parametrize("name", sorted(ALERTS))
def test_a_page_says_what_it_means_how_to_see_it_what_to_do_and_what_excuses_it(name: str) -> None:
    page = PAGES[name]
    headings = re.findall(r"^#+ (.*)$", CODE.sub("", page), re.MULTILINE)
    assert headings == [name, "What it means", "See the evidence", "What to do", "Exclusions"]
    assert re.search(r"budget|minute|unknown|breach", page.partition("## See the evidence")[0])
    assert "[exclusions](exclusions.md)" in page.partition("## Exclusions")[2]


def test_the_page_on_exclusions_names_every_way_to_declare_one() -> None:
    page = PAGES["exclusions"]
    for klass in EXCLUSION_CLASSES:
        assert {"third_party": "provider"}.get(klass, klass.replace("_", " ")) in page
    for command in ("exclude", "approve", "revoke"):
        assert f"minutebook {command} " in page


@pytest.mark.parametrize(("page", "line"), [one for one in lines("sh") if one[1].startswith("minutebook ")])
def test_a_command_that_is_shown_is_accepted(page: str, line: str) -> None:
    name, *words = shlex.split(line.removeprefix("minutebook "))
    command = minutebook.get_command(click.Context(minutebook), name)
    while isinstance(command, click.Group):
        name, *words = words
        command = command.get_command(click.Context(command), name)
    assert command is not None, page
    command.make_context(name, words)


def test_queries_name_only_metrics_of_the_catalogue_and_are_well_formed(
    tmp_path: Path, tool: Callable[[str], str]
) -> None:
    queries = [line for _, line in lines("promql")]
    emitted = {name for name, metric in CATALOGUE.items() if metric.issue is None}
    assert set(re.findall(r"\b(?:sla|minutebook|probe|web_vitals)_[a-z0-9_]+", " ".join(queries))) <= emitted
    rules = [{"record": f"tried:{number}", "expr": query} for number, query in enumerate(queries)]
    (tmp_path / "rules.yml").write_text(yaml.safe_dump({"groups": [{"name": "tried", "rules": rules}]}))
    checked = subprocess.run(
        [tool("promtool"), "check", "rules", "--lint=none", str(tmp_path / "rules.yml")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_reasons_and_links_are_there() -> None:
    for name, page in PAGES.items():
        reasons = set(re.findall(r"`((?:dns|tcp|tls|http|self|net)_[a-z_]+|missed)`", page))
        assert reasons <= {*FAIL_REASONS, *VOID_REASONS}, name
        for target in re.findall(r"\]\(([^)]+)\)", page):
            assert (FOLDER / target).is_file(), (name, target)
