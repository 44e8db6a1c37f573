"""The README says what there is: every command, option, metric, key, route, status and package, and no other.

What it shows is run: command lines parse, its configuration, facts and rules are accepted, its statement is made anew.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import trustme
import yaml

from exporters.catalogue import CATALOGUE
from monitor.beacons.trust import Trust
from monitor.cli import COMMANDS, minutebook
from monitor.cli.statements import BREACHED
from monitor.config import check, parse, schema
from monitor.errors import MinutebookError
from monitor.facts import Json, decode_line
from monitor.facts.schema import KINDS
from monitor.ledger.period import parse_instant
from monitor.settings import parse_duration
from monitor.store import open_for_reading, open_for_writing
from monitor.store.transfer import export_store
from monitor.web.roles import ROLES

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
EXAMPLE = ROOT / "deploy" / "minutebook.example.yaml"
ENTRY = ".venv/bin/minutebook "
CODE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
WORDS = re.compile(r"`([^`]+)`")


def blocks(language: str) -> list[str]:
    """What stands in the code blocks of a language."""
    return [text for name, text in CODE.findall(README) if name == language]


def section(heading: str) -> str:
    """What stands under a heading, until the next one."""
    found = re.search(rf"^#+ {re.escape(heading)}\n(.*?)(?=^#+ |\Z)", CODE.sub("", README), re.MULTILINE | re.DOTALL)
    assert found, f"README.md has no section {heading!r}"
    return found[1]


def rows(text: str) -> list[list[str]]:
    """The rows of the tables in a text, without their headers."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    rulers = [place for place, line in enumerate(lines) if set(line) <= set("|-: ")]
    return [row for place, row in enumerate(cells) if not {place, place + 1} & set(rulers)]


def named(text: str) -> set[str]:
    """What the first cells of the tables name."""
    return {word for row in rows(text) for word in WORDS.findall(row[0])}


# ---------------------------------------------------------------- commands


def commands(group: click.Group = minutebook, name: str = "minutebook") -> Iterator[tuple[str, click.Command]]:
    """Every command that is no group, by all its words."""
    context = click.Context(group)
    for word in group.list_commands(context):
        command = group.get_command(context, word)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, f"{name} {word}")
        else:
            yield f"{name} {word}", command


def heading(name: str, command: click.Command) -> str:
    """A command with its arguments, as its usage line has them."""
    context = click.Context(command)
    arguments = [each for each in command.get_params(context) if isinstance(each, click.Argument)]
    return " ".join([name, *(argument.make_metavar(context) for argument in arguments)])


@pytest.mark.parametrize(("name", "command"), [*commands()])
def test_every_command_has_its_section_with_its_options(name: str, command: click.Command) -> None:
    options = {word for each in command.params if isinstance(each, click.Option) for word in each.opts}
    documented = {word.split()[0] for word in named(section(f"`{heading(name, command)}`"))}
    assert documented == options


def test_no_section_is_about_a_command_that_is_not_there() -> None:
    headings = re.findall(r"^#### `(minutebook .*)`$", README, re.MULTILINE)
    assert sorted(headings) == sorted(heading(name, command) for name, command in commands())
    assert {text.split()[1] for text in headings} == set(COMMANDS)


def shown_commands() -> list[str]:
    return [line for block in blocks("sh") for line in block.splitlines() if line.startswith(ENTRY)]


@pytest.mark.parametrize("line", shown_commands())
def test_a_command_line_that_is_shown_is_accepted(line: str) -> None:
    name, *words = shlex.split(line.removeprefix(ENTRY))
    command = minutebook.get_command(click.Context(minutebook), name)
    while isinstance(command, click.Group):
        name, *words = words
        command = command.get_command(click.Context(command), name)
    assert command is not None
    command.make_context(name, words)


def test_the_two_commands_stand_alone_in_their_blocks() -> None:
    assert "python3 deploy/dev.py run URL...\n" in blocks("sh")
    assert "python3 deploy/dev.py test\n" in blocks("sh")


def test_every_exit_status_is_named() -> None:
    def below(error: type[MinutebookError]) -> Iterator[int]:
        yield error.exit_status
        for each in error.__subclasses__():
            yield from below(each)

    documented = {int(row[0]) for row in rows(section("Exit statuses"))}
    assert documented == {0, BREACHED, 130, *below(MinutebookError)}


# ---------------------------------------------------------------- metrics, routes, packages


def test_every_metric_that_is_emitted_now_stands_with_its_labels() -> None:
    documented = {WORDS.findall(row[0])[0]: tuple(WORDS.findall(row[1])) for row in rows(section("Metrics"))}
    assert documented == {metric.name: metric.labels for metric in CATALOGUE.values() if metric.issue is None}


def test_every_route_stands_with_its_roles() -> None:
    documented = {(row[0], WORDS.findall(row[1])[0]): frozenset(row[2].split(", ")) for row in rows(section("HTTP"))}
    assert documented == dict(ROLES)


def test_every_package_has_its_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = [
        *project["dependencies"],
        *(each for extra in project["optional-dependencies"].values() for each in extra),
    ]
    names = {re.split(r"[<>=~! ]", each, maxsplit=1)[0] for each in needed}
    assert named(section("Dependencies")) == names


# ---------------------------------------------------------------- configuration


def keys(node: Json, path: str = "") -> Iterator[tuple[str, Json]]:
    """Every key of the JSON Schema with its default: `services[].checks[].http.url`; a free key is `*`."""
    assert isinstance(node, dict)
    if isinstance(reference := node.get("$ref"), str):
        yield from keys(_dict(SCHEMA["$defs"])[reference.rpartition("/")[2]], path)
    for name in ("anyOf", "allOf"):
        for alternative in _list(node.get(name)):
            yield from keys(alternative, path)
    if isinstance(items := node.get("items"), dict):
        yield from keys(items, f"{path}[]")
    for free in (node.get("additionalProperties"), *_dict(node.get("patternProperties")).values()):
        if isinstance(free, dict):
            yield from keys(free, f"{path}.*")
    properties = _dict(node.get("properties"))
    if properties.keys() <= {"from_file", "from_env"}:
        return
    for name, inner in properties.items():
        inside = f"{path}.{name}".removeprefix(".")
        yield inside, _dict(inner).get("default")
        yield from keys(inner, inside)


def _list(given: Json) -> list[Json]:
    return given if isinstance(given, list) else []


def _dict(given: Json) -> dict[str, Json]:
    return given if isinstance(given, dict) else {}


SCHEMA: dict[str, Json] = json.loads(json.dumps(schema()))
CANARY = "probing.canaries[]."
KEYS = {path: default for path, default in keys(SCHEMA) if not path.startswith(CANARY)}


def documented_keys() -> dict[str, str]:
    """Each key that a table of keys names, with what its last cell says of the default."""
    found: dict[str, str] = {}
    for title, prefix in re.findall(r"^#### (Keys of (?:the file|`([^`]+)`))$", README, re.MULTILINE):
        for name, _, default in rows(section(title)):
            found[f"{prefix}.{name.strip('`')}".removeprefix(".")] = default
    return found


def test_every_key_of_a_configuration_stands_and_no_other() -> None:
    assert documented_keys().keys() == KEYS.keys()


def test_what_others_check_is_where_the_table_says() -> None:
    table = rows(section("What others check over HTTP, and where it is here"))
    here = {
        word for row in table for part in row[2].split("; ") if not part.endswith("no") for word in WORDS.findall(part)
    }
    check = "services[].checks[]."
    assert len(table) > 20
    assert {word for word in here if not {f"{check}http.{word}", check + word, word} & KEYS.keys()} == set()


def test_a_canary_has_the_keys_of_a_check() -> None:
    canary = {path.removeprefix(CANARY) for path, _ in keys(SCHEMA) if path.startswith(CANARY)}
    assert canary <= {path.removeprefix("services[].checks[].") for path in KEYS}


def test_the_defaults_are_those_of_the_schema() -> None:
    plain = {path: default for path, default in KEYS.items() if isinstance(default, str | int | bool) and default != ""}
    documented = {path: text.strip("`") for path, text in documented_keys().items() if path in plain}
    assert [path for path in plain if not same(documented[path], plain[path])] == []


def same(written: str, default: Json) -> bool:
    """Whether it says the default: as it is, or as another spelling of the duration or the weekdays."""
    if written == (default if isinstance(default, str) else json.dumps(default)):
        return True
    if written == "mon-fri":
        return default == "mon,tue,wed,thu,fri"
    try:
        return parse_duration(written) == parse_duration(default)
    except ValueError:
        return False


def test_the_example_uses_every_key_and_is_accepted(tmp_path: Path) -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    env = dict.fromkeys(re.findall(r"from_env: (\w+)", text), "secret")
    for place in re.findall(r"from_file: ([\w/-]+)", text):
        (tmp_path / place).parent.mkdir(exist_ok=True)
        (tmp_path / place).write_text("secret\n", encoding="utf-8")
    identity = trustme.CA().issue_cert("probe.example.com")
    (tmp_path / "certs").mkdir()
    for place in re.findall(r"(?:ca_file|certificate): ([\w./-]+)", text):
        identity.cert_chain_pems[0].write_to_path(str(tmp_path / place))
    identity.private_key_pem.write_to_path(str(tmp_path / "secrets" / "probe-key"))
    (tmp_path / "minutebook.yaml").write_text(text, encoding="utf-8")
    checked = check(tmp_path / "minutebook.yaml", env)
    assert len(checked.config.services) == 2
    assert KEYS.keys() - used_keys(yaml.safe_load(text)) == set()


def used_keys(values: object, path: str = "") -> set[str]:
    """The keys of a file, spelled as `keys` spells them."""
    if isinstance(values, list):
        return {key for each in values for key in used_keys(each, f"{path}[]")}
    if not isinstance(values, dict):
        return set()
    inside = {name: f"{path}.{name}".removeprefix(".") for name in values}
    free = {f"{path}.*": each for each in values.values()} if path.endswith("respond_within") else {}
    below = [*((inside[name], each) for name, each in values.items()), *free.items()]
    return set(inside.values()).union(*(used_keys(each, place) for place, each in below))


# ---------------------------------------------------------------- what is shown


def test_every_file_that_is_linked_exists() -> None:
    targets = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", README)
    assert targets
    assert [target for target in targets if "://" not in target and not (ROOT / target).is_file()] == []


def test_the_configuration_that_is_shown_is_accepted() -> None:
    shown = [block for block in blocks("yaml") if block.startswith("timezone:")]
    assert len(shown) == 1
    assert parse(shown[0], "README.md", ROOT, {}).services[0].name == "shop"


def test_the_scrape_configuration_is_the_one_that_is_tried() -> None:
    [shown] = [block for block in blocks("yaml") if block.startswith("scrape_configs:")]
    tried = yaml.safe_load((ROOT / "deploy" / "prometheus" / "prometheus.yml").read_text(encoding="utf-8"))
    assert yaml.safe_load(shown)["scrape_configs"] == tried["scrape_configs"]


def test_the_statement_that_is_shown_is_made_anew() -> None:
    [line] = [line for line in shown_commands() if " tests/scenarios/" in line]
    command = [sys.executable, "-m", "monitor.cli", *shlex.split(line.removeprefix(ENTRY))]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    # The digest is over the name of the installed release of tzdata as well.
    shown, made = (text.rstrip().rpartition("\ndigest ")[0] for text in (blocks("text")[0], done.stdout))
    assert shown == made


def test_the_facts_that_are_shown_are_accepted() -> None:
    facts = [decode_line(line, 0) for line in blocks("json")[0].splitlines()]
    assert [fact.kind for fact in facts] == ["maintenance", "incident", "exclusion"]


def test_a_ticket_that_is_made_as_shown_is_good() -> None:
    [shown] = [block for block in blocks("python") if "def ticket" in block]
    made = subprocess.run(
        [sys.executable, "-c", f'{shown}\nprint(ticket("kit", "hush"))'], capture_output=True, text=True, check=True
    ).stdout.strip()
    now = (int(made.partition(".")[0]) - 86_400) * 1000
    assert Trust("ticket", ("hush",), app="kit").takes(None, made, now)
    assert not Trust("ticket", ("hush",), app="other").takes(None, made, now)


def test_every_kind_of_fact_is_named() -> None:
    assert named(section("Facts in and out")) == {"result", *KINDS}


def test_the_chain_is_computed_as_shown(tmp_path: Path) -> None:
    now = parse_instant("2026-06-15T00:00:00Z")
    facts = [decode_line(line, now) for line in blocks("json")[0].splitlines()]
    with open_for_writing(f"sqlite:///{tmp_path / 'minutebook.db'}", now) as store:
        store.append(facts[:2])
        store.append(facts[2:])
    with open_for_reading(f"sqlite:///{tmp_path / 'minutebook.db'}") as reader:
        export_store(reader, tmp_path / "backup.jsonl", lambda _done, _total: None)
    [shown] = [block for block in blocks("python") if ".chain" in block]
    command = [sys.executable, "-c", shown]
    env = {**os.environ, "PYTHONOPTIMIZE": ""}
    subprocess.run(command, cwd=tmp_path, env=env, check=True, timeout=60)
    chain = tmp_path / "backup.jsonl.chain"
    chain.write_text(chain.read_text(encoding="utf-8").replace('"sha256:', '"sha256:0'), encoding="utf-8")
    assert subprocess.run(command, cwd=tmp_path, env=env, check=False, capture_output=True, timeout=60).returncode != 0
