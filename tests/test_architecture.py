"""Who may import whom, and the shape that every file keeps: the architecture as data, held by walking syntax trees.

Each rule is a function from a parsed file to what it finds wrong, and is tried on a planted mistake as well: a rule
that cannot fail holds nothing.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# A row uses the rows above it. A name stands for a module, or for a package with all that is in it.
ROWS: tuple[tuple[str, ...], ...] = (
    ("monitor.errors", "monitor.ledger.interval", "monitor.ledger.period"),
    ("monitor.facts",),
    (
        "monitor.ledger.calendar",
        "monitor.ledger.response",
        "monitor.ledger.terms",
        "monitor.ledger.decimals",
        "monitor.ledger.peaks",
        "monitor.ledger.snapshot",
        "monitor.ledger.timeline",
        "monitor.ledger.seals",
        "monitor.ledger.quiet",
        "monitor.ledger.quorum",
        "monitor.ledger.readings",
        "monitor.ledger.entries",
        "monitor.ledger.vitals",
        "monitor.ledger.exclusion",
        "monitor.ledger.third_party",
        "monitor.ledger.incidents",
        "monitor.ledger.accounts",
        "monitor.ledger.burn",
        "monitor.ledger.months",
        "monitor.ledger.peak_books",
        "monitor.ledger.coverage",
        "monitor.ledger.outages",
        "monitor.ledger.excused",
        "monitor.ledger.course",
        "monitor.ledger.recent",
        "monitor.ledger.changes",
        "monitor.ledger.reconciliation",
        "monitor.ledger.waiting",
        "monitor.ledger.live",
        "monitor.ledger.money",
        "monitor.ledger.breaches",
        "monitor.ledger.credits",
        "monitor.ledger.claims",
        "monitor.ledger.termination",
        "monitor.ledger.obligations",
        "monitor.ledger.statement",
        "monitor.ledger.late",
        "monitor.ledger.closings",
        "monitor.ledger.review",
    ),
    ("monitor.interfaces", "monitor.settings", "exporters"),
    ("monitor.clock", "monitor.channels", "monitor.probes", "monitor.sources", "monitor.store"),
    ("monitor.config", "monitor.people", "monitor.beacons"),
    (
        "monitor.scheduler",
        "monitor.prober",
        "monitor.poller",
        "monitor.recorder",
        "monitor.routine",
        "monitor.evaluator",
        "monitor.agent",
        "monitor.heartbeats",
        "monitor.hooks",
        "monitor.periodic",
        "monitor.telemetry",
        "monitor.systemd",
        "monitor.signing",
        "monitor.web",
    ),
    (
        "monitor.app",
        "monitor.cli",
        "monitor.closer",
        "monitor.closing",
        "monitor.crediting",
        "monitor.credits_told",
        "monitor.evidence_pack",
        "monitor.evidence_text",
        "monitor.demo",
        "monitor.event_reporting",
        "monitor.faces",
        "monitor.finalising",
        "monitor.ingest",
        "monitor.life",
        "monitor.past_months",
        "monitor.outbox",
        "monitor.peak_errors",
        "monitor.proof",
        "monitor.report_pages",
        "monitor.reporting",
        "monitor.reviewing",
        "monitor.sealing",
        "monitor.second_sources",
        "monitor.settling",
        "monitor.status_pages",
        "monitor.wiring",
    ),
)
IN_ORDER = (0, 2)  # within these rows a module may use the ones named before it
LEDGER, SHELLS, COMPOSITION = 2, 4, 7
EMPTY_PACKAGES = ("monitor", "monitor.ledger")  # importing one of their modules imports these: they bring nothing

# What the pure rows may use beside the standard library; the rows below are free in it.
LIBRARIES: dict[str, frozenset[str]] = {
    **{name: frozenset() for row in (0, 2) for name in ROWS[row]},
    "monitor.facts": frozenset({"rfc8785"}),
    "monitor.interfaces": frozenset(),
    "monitor.settings": frozenset({"pydantic", "pydantic_core"}),
    "exporters": frozenset({"jinja2", "markupsafe", "prometheus_client", "yaml"}),
}
ONE_IMPORTER = ("apscheduler", "sentry_sdk", "sqlite3", "asyncpg")

PURE = ("monitor.ledger", "monitor.facts", "exporters")
IMPURE_MODULES = frozenset(
    {
        "asyncio",
        "io",
        "os",
        "pathlib",
        "random",
        "secrets",
        "socket",
        "sqlite3",
        "subprocess",
        "threading",
        "time",
        "urllib",
    }
)
CLOCK_READINGS = frozenset({"now", "today", "utcnow", "monotonic", "monotonic_ns", "perf_counter", "time_ns"})
FILE_READINGS = frozenset({"open", "read_text", "read_bytes", "write_text", "write_bytes"})

FILE_LINES = 400
FUNCTION_LINES = 60


@dataclass(frozen=True)
class Module:
    """One file of the packages: its dotted name, its text and its syntax tree."""

    name: str
    text: str
    tree: ast.Module

    @classmethod
    def parse(cls, name: str, text: str) -> Module:
        return cls(name, text, ast.parse(text))


def dotted(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {dotted(path): path for package in ("monitor", "exporters") for path in sorted((ROOT / package).rglob("*.py"))}
MODULES = tuple(Module.parse(name, path.read_text(encoding="utf-8")) for name, path in FILES.items())


def within(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def place(name: str) -> tuple[int, int] | None:
    """Row and position in it of the entry of ROWS that a module belongs to."""
    found = ((row, at) for row, names in enumerate(ROWS) for at, entry in enumerate(names) if within(name, entry))
    return next(found, None)


def imports(module: Module) -> Iterator[tuple[int, str]]:
    """Line and absolute name of everything imported, also inside functions and under TYPE_CHECKING."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = node.module or ""
            for alias in node.names:
                submodule = f"{package}.{alias.name}"
                yield node.lineno, submodule if submodule in FILES or place(package) is None else package


def may_use(user: tuple[int, int], used: tuple[int, int]) -> bool:
    if user == used or user[0] == COMPOSITION:
        return True
    if ROWS[used[0]][used[1]] == "exporters" or (user[0], used[0]) == (SHELLS, LEDGER):
        return False
    return used[0] < user[0] or (used[0] == user[0] and user[0] in IN_ORDER and used[1] < user[1])


def wrong_imports(module: Module) -> Iterator[str]:
    user = place(module.name)
    if user is None:
        return  # an empty package, or a file that test_every_file_has_its_place_in_the_table names
    for line, name in imports(module):
        if not within(name, "monitor") and not within(name, "exporters"):
            continue
        used = place(name)
        if used is not None and not may_use(user, used):
            yield f"line {line}: {module.name} may not import {name}"


def wrong_libraries(module: Module) -> Iterator[str]:
    at = place(module.name)
    entry = ROWS[at[0]][at[1]] if at else None
    if entry not in LIBRARIES:
        return
    known = sys.stdlib_module_names | {"monitor", "exporters"} | LIBRARIES[entry]
    for line, name in imports(module):
        if name.split(".")[0] not in known:
            yield f"line {line}: {entry} does without {name}"


def impurities(module: Module) -> Iterator[str]:
    """In what only computes: waiting, files, the time, chance, and floats made on purpose."""
    if not any(within(module.name, package) for package in PURE):
        return
    for line, name in imports(module):
        if name.split(".")[0] in IMPURE_MODULES:
            yield f"line {line}: imports {name}"
    for node in ast.walk(module.tree):
        if isinstance(node, ast.AsyncFunctionDef | ast.Await | ast.AsyncFor | ast.AsyncWith):
            yield f"line {node.lineno}: async"
        elif isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called in CLOCK_READINGS | FILE_READINGS or (called == "float" and isinstance(node.func, ast.Name)):
                yield f"line {node.lineno}: {called}()"
        elif isinstance(node, ast.Constant) and isinstance(node.value, float) and within(module.name, "monitor.ledger"):
            yield f"line {node.lineno}: the float {node.value} where amounts are exact"


def too_long(module: Module) -> Iterator[str]:
    lines = module.text.count("\n")
    if lines > FILE_LINES:
        yield f"{lines} lines, at most {FILE_LINES}"
    for node in ast.walk(module.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > FUNCTION_LINES:
                yield f"line {node.lineno}: {node.name} has {length} lines, at most {FUNCTION_LINES}"


def homeless(names: Iterable[str]) -> list[str]:
    return [name for name in names if place(name) is None and name not in EMPTY_PACKAGES]


def importers(library: str, modules: tuple[Module, ...]) -> list[str]:
    return [module.name for module in modules if any(within(name, library) for _, name in imports(module))]


def long_files(files: Iterable[Path]) -> list[str]:
    lengths = ((path, path.read_bytes().count(b"\n")) for path in files)
    return [f"{path}: {lines} lines, at most {FILE_LINES}" for path, lines in lengths if lines > FILE_LINES]


Rule = Callable[[Module], Iterator[str]]
RULES: tuple[Rule, ...] = (wrong_imports, wrong_libraries, impurities, too_long)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_every_file_keeps_the_rule(rule: Rule) -> None:
    broken = [f"{FILES[module.name].relative_to(ROOT)}: {what}" for module in MODULES for what in rule(module)]
    assert not broken, "\n".join(broken)


def test_no_python_file_of_the_repository_is_long(tmp_path: Path) -> None:
    everywhere = [path for folder in ("deploy", "tests") for path in (ROOT / folder).rglob("*.py")]
    assert ROOT / "tests" / "test_readme.py" in everywhere
    assert not long_files([*everywhere, *FILES.values()])
    planted = tmp_path / "long.py"
    planted.write_text("x = 1\n" * (FILE_LINES + 1))
    assert long_files([planted])


def test_every_file_has_its_place_in_the_table() -> None:
    assert not homeless(FILES), "put them into ROWS"
    assert homeless(["monitor.ledger.invented", "monitor.utils"]) == ["monitor.ledger.invented", "monitor.utils"]


def test_packages_that_every_row_passes_through_import_nothing() -> None:
    assert {module.name: list(imports(module)) for module in MODULES if module.name in EMPTY_PACKAGES} == {
        name: [] for name in EMPTY_PACKAGES
    }


@pytest.mark.parametrize("library", ONE_IMPORTER)
def test_a_driver_has_one_importing_file(library: str) -> None:
    assert len(importers(library, MODULES)) <= 1, importers(library, MODULES)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("monitor.ledger.interval", "import monitor.ledger.period"),
        ("monitor.errors", "from monitor.facts import Fact"),
        ("monitor.facts.kinds", "from monitor.ledger.terms import Terms"),
        ("monitor.facts.kinds", "from monitor.ledger import terms"),
        ("monitor.ledger.accounts", "from monitor.ledger import burn"),
        ("monitor.ledger.accounts", "from monitor.interfaces import Clock"),
        ("exporters.prometheus", "from monitor.interfaces import Clock"),
        ("monitor.interfaces", "import exporters"),
        ("monitor.probes.http", "from monitor.ledger.statement import Statement"),
        ("monitor.probes.http", "import monitor.store"),
        ("monitor.store.sqlite", "import monitor.config"),
        ("monitor.config.load", "from monitor.recorder import Recorder"),
        ("monitor.prober", "def late():\n    from monitor.scheduler import Grid"),
        ("monitor.web.metrics", "import exporters.prometheus"),
        ("monitor.evaluator", "import monitor.app"),
    ],
)
def test_an_arrow_that_goes_left_is_found(name: str, text: str) -> None:
    assert list(wrong_imports(Module.parse(name, text)))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("monitor.facts.kinds", "from monitor.ledger import interval"),
        ("monitor.facts.kinds", "from monitor.facts.schema import KINDS"),
        ("monitor.ledger.accounts", "from monitor.ledger.timeline import Timeline"),
        ("exporters.prometheus", "from monitor.ledger.statement import Statement"),
        ("monitor.web.metrics", "from monitor.web.roles import Role"),
        ("monitor.app", "import exporters.prometheus, monitor.cli, monitor.web"),
    ],
)
def test_an_arrow_that_goes_right_is_let_through(name: str, text: str) -> None:
    assert not list(wrong_imports(Module.parse(name, text)))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("monitor.ledger.burn", "import numpy"),
        ("monitor.facts.canonical", "import orjson"),
        ("exporters.report", "import aiohttp"),
    ],
)
def test_a_library_in_what_does_without_is_found(name: str, text: str) -> None:
    assert list(wrong_libraries(Module.parse(name, text)))


@pytest.mark.parametrize(
    "text",
    [
        "async def evaluate(): ...",
        "rows = open('x')",
        "text = path.read_text()",
        "import time",
        "from datetime import datetime\nat = datetime.now()",
        "from random import random",
        "burn = float(used)",
        "half = 0.5",
    ],
)
def test_an_impurity_in_the_ledger_is_found(text: str) -> None:
    assert list(impurities(Module.parse("monitor.ledger.burn", text)))
    assert not list(impurities(Module.parse("monitor.evaluator", text)))


def test_a_long_file_and_a_long_function_are_found() -> None:
    assert not list(too_long(Module.parse("monitor.app", "x = 1\n" * FILE_LINES)))
    assert list(too_long(Module.parse("monitor.app", "x = 1\n" * (FILE_LINES + 1))))
    assert not list(too_long(Module.parse("monitor.app", "def f():\n" + "    x = 1\n" * (FUNCTION_LINES - 1))))
    assert list(too_long(Module.parse("monitor.app", "async def f():\n" + "    x = 1\n" * FUNCTION_LINES)))


def test_a_second_importer_of_a_driver_is_found() -> None:
    both = (Module.parse("monitor.app", "import sqlite3"), Module.parse("monitor.web", "from sqlite3 import connect"))
    assert importers("sqlite3", both) == ["monitor.app", "monitor.web"]
