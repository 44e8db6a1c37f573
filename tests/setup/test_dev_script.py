"""deploy/dev.py: what it refuses, what it says, and when it may skip its work."""

from __future__ import annotations

import ast
import contextlib
import importlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
SCRIPT = ROOT / "deploy" / "dev.py"
MODULES = ("tree", "packages", "environment", "stack")
"""What the script is made of beside itself, in the order in which they may use each other."""

Start = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A work tree of its own with all that the script reads, so that no test touches the real `.venv`."""
    shutil.copytree(ROOT / "deploy", tmp_path / "deploy", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


Dev = Mapping[str, ModuleType]


@pytest.fixture
def dev(tree: Path, monkeypatch: pytest.MonkeyPatch) -> Dev:
    """What the script of that tree is made of, imported. A test asks for a module and its functions by name."""
    monkeypatch.syspath_prepend(tree / "deploy")
    for name in MODULES:
        monkeypatch.delitem(sys.modules, name, raising=False)
    imported = {name: importlib.import_module(name) for name in MODULES}
    for name in MODULES:
        monkeypatch.delitem(sys.modules, name)
    return imported


@pytest.fixture
def start(tree: Path) -> Start:
    """Starts a line of Python in the tree's deploy/ with nothing on PATH, and gives back what it said."""

    def run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
        env = {"PATH": str(tree / "empty"), **environment}
        command = [sys.executable, "-c", code]
        return subprocess.run(command, cwd=tree / "deploy", env=env, text=True, capture_output=True, check=False)

    return run


def installed(dev: Dev, which: str) -> None:
    """Leaves what a finished install of the set leaves."""
    python = dev["tree"].PYTHON
    python.parent.mkdir(parents=True, exist_ok=True)
    python.touch()
    dev["environment"].write_stamp(which)


AS_PYTHON_3_10 = "import sys, runpy; sys.version_info = (3, 10, 4); sys.argv = ['deploy/dev.py', 'run']; "


def test_an_older_python_is_refused_by_name_before_anything_is_made(start: Start, tree: Path) -> None:
    refused = start(AS_PYTHON_3_10 + "runpy.run_path('dev.py', run_name='__main__')")
    assert refused.returncode == 1
    assert "minutebook needs Python 3.11, 3.12 or 3.13" in refused.stderr
    assert sys.executable in refused.stderr
    assert "python3.11 dev.py run" in refused.stderr
    assert not (tree / ".venv").exists()


def test_the_refusal_names_a_supported_python_that_is_there(start: Start, tree: Path) -> None:
    (tree / "empty").mkdir()
    (tree / "empty" / "python3.12").symlink_to(sys.executable)
    refused = start(AS_PYTHON_3_10 + "runpy.run_path('dev.py', run_name='__main__')")
    assert "python3.12 dev.py run" in refused.stderr


def test_the_script_parses_on_the_pythons_that_it_refuses() -> None:
    ast.parse(SCRIPT.read_text(encoding="utf-8"), feature_version=(3, 6))


def test_the_script_needs_nothing_but_the_standard_library() -> None:
    scripts = {path.stem: ast.parse(path.read_text(encoding="utf-8")) for path in SCRIPT.parent.glob("*.py")}
    assert scripts.keys() == {"dev", *MODULES}
    nodes = [node for script in scripts.values() for node in ast.walk(script)]
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    assert {name.split(".")[0] for name in names} <= {*sys.stdlib_module_names, *MODULES}


def test_an_unknown_command_is_answered_with_the_known_ones(start: Start) -> None:
    refused = start("import sys, runpy; sys.argv = ['dev.py', 'tset']; runpy.run_path('dev.py', run_name='__main__')")
    assert refused.returncode == 1
    assert "no command 'tset': it has run, test, bench, stack, lock" in refused.stderr


def test_what_is_installed_is_not_installed_again(dev: Dev, monkeypatch: pytest.MonkeyPatch) -> None:
    installed(dev, "run")
    monkeypatch.setattr(dev["environment"], "install", lambda which: pytest.fail(f"installed {which}"))
    dev["environment"].prepare("run")


def test_the_set_for_tests_serves_the_daemon_as_well_but_not_the_other_way(dev: Dev) -> None:
    installed(dev, "test")
    assert dev["environment"].serves(dev["environment"].read_stamp(), "run")
    assert dev["environment"].serves(dev["environment"].read_stamp(), "test")
    installed(dev, "run")
    assert not dev["environment"].serves(dev["environment"].read_stamp(), "test")


@pytest.mark.parametrize("changed", ["pyproject.toml", "deploy/locks/runtime.txt", "deploy/locks/bootstrap.txt"])
def test_a_change_of_what_is_to_be_installed_is_seen(dev: Dev, tree: Path, changed: str) -> None:
    installed(dev, "run")
    with (tree / changed).open("a") as file:
        file.write("# changed\n")
    assert not dev["environment"].serves(dev["environment"].read_stamp(), "run")


def test_a_change_of_the_test_tools_does_not_reinstall_the_daemon(dev: Dev, tree: Path) -> None:
    installed(dev, "run")
    with (tree / "deploy/locks/test.txt").open("a") as file:
        file.write("# changed\n")
    assert dev["environment"].serves(dev["environment"].read_stamp(), "run")


def test_the_daemon_keeps_the_test_tools_that_were_there_when_it_installs_anew(
    dev: Dev, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed(dev, "test")
    (tree / "pyproject.toml").write_text("changed")
    wanted: list[str] = []
    monkeypatch.setattr(dev["environment"], "install", wanted.append)
    dev["environment"].prepare("run")
    assert wanted == ["test"]


def test_an_install_that_was_cut_short_is_not_trusted(dev: Dev, monkeypatch: pytest.MonkeyPatch) -> None:
    installed(dev, "run")
    monkeypatch.setattr(dev["environment"], "install", lambda _: sys.exit("cut short"))
    dev["tree"].LOCKS.joinpath("runtime.txt").write_text("changed")
    with pytest.raises(SystemExit):
        dev["environment"].prepare("run")
    assert dev["environment"].read_stamp() == {}


@pytest.mark.parametrize("trouble", ["another Python", "a moved tree", "no Python behind the link"])
def test_an_environment_bound_to_something_else_is_made_anew(
    dev: Dev, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    installed(dev, "run")
    if trouble == "another Python":
        monkeypatch.setattr(sys, "version", "3.12.99")
    elif trouble == "a moved tree":
        monkeypatch.setattr(dev["environment"], "ROOT", Path("/elsewhere"))
    else:
        dev["tree"].PYTHON.unlink()
    assert dev["environment"].read_stamp() == {}


def test_two_starts_at_once_install_one_after_the_other(dev: Dev, tree: Path) -> None:
    command = [sys.executable, "-c", "import tree\nwith tree.alone(): print('held', flush=True)"]
    with contextlib.ExitStack() as installing:
        installing.enter_context(dev["tree"].alone())
        with subprocess.Popen(
            command, cwd=tree / "deploy", text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        ) as second:
            assert second.stdout is not None
            assert "waiting for another dev.py" in second.stdout.readline()
            installing.close()
            assert second.stdout.readline() == "held\n"


def test_a_tree_that_cannot_be_written_is_named(start: Start) -> None:
    refused = start("import tree; tree.ROOT = tree.Path('/proc/1'); tree.alone().__enter__()")
    assert refused.returncode == 1
    assert "cannot write in /proc/1" in refused.stderr


def test_a_step_that_fails_ends_with_its_command_and_status(start: Start) -> None:
    failed = start(f"import tree; tree.call([{sys.executable!r}, '-c', 'raise SystemExit(3)'])")
    assert failed.returncode == 1
    assert f"this step failed with status 3: {sys.executable} -c" in failed.stderr


NEEDS_TOOLS = "import packages; packages.TOOLS.mkdir(parents=True); print(packages.with_tools()['MINUTEBOOK_TOOLS'])"


def test_missing_tools_are_said_loudly_where_a_person_tests(start: Start, tree: Path) -> None:
    told = start(NEEDS_TOOLS)
    assert told.returncode == 0
    assert told.stdout.strip() == str(tree / ".venv" / "tools" / "bin")
    assert "no apt-get here to fetch libfaketime, prometheus" in told.stderr
    assert "TESTS THAT NEED prometheus, promtool" in told.stderr


def test_missing_tools_fail_where_ci_tests(start: Start) -> None:
    failed = start(NEEDS_TOOLS, CI="true")
    assert failed.returncode == 1
    assert "no apt-get here to fetch libfaketime, prometheus" in failed.stderr


def test_what_only_root_can_use_is_named_with_its_command(dev: Dev, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dev["packages"].os, "geteuid", lambda: 1000)
    monkeypatch.setattr(dev["packages"].shutil, "which", lambda name: None if name == "nft" else f"/usr/bin/{name}")
    with pytest.raises(SystemExit, match="as root: apt-get install -y -qq --no-install-recommends nftables"):
        dev["packages"].install_system_tools()


def test_a_tool_on_path_is_used_instead_of_fetched(start: Start, tree: Path) -> None:
    (tree / "empty").mkdir()
    for name in (
        "prometheus",
        "promtool",
        "alertmanager",
        "amtool",
        "blackbox_exporter",
        "victoria-metrics",
        "libfaketime.so.1",
        "ip",
        "nft",
        "systemd-analyze",
        "chromium",
    ):
        (tree / "empty" / name).symlink_to(sys.executable)
    found = start(NEEDS_TOOLS, CI="true")
    assert found.returncode == 0, found.stderr
    assert (tree / ".venv/tools/bin/promtool").resolve() == Path(sys.executable).resolve()


def test_pip_s_index_is_uv_s_unless_uv_has_its_own(dev: Dev, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_CONFIG_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(dev["environment"], "pip", lambda: [sys.executable, "-m", "json.tool", "--help"])
    monkeypatch.setenv("PIP_INDEX_URL", "file:///mirror")
    assert dev["environment"].uv_env()["UV_DEFAULT_INDEX"] == "file:///mirror"
    monkeypatch.setenv("UV_DEFAULT_INDEX", "file:///own")
    assert dev["environment"].uv_env()["UV_DEFAULT_INDEX"] == "file:///own"


@pytest.mark.long
@pytest.mark.timeout(300)
def test_two_first_starts_at_once_both_end_in_the_daemon_s_own_help(tmp_path: Path) -> None:
    """Needs the package index, as a first start does."""
    skipped = shutil.ignore_patterns(".venv*", ".git", "*_cache", "__pycache__", ".hypothesis", "tests")
    tree = shutil.copytree(ROOT, tmp_path / "minutebook", ignore=skipped)
    command = [sys.executable, "deploy/dev.py", "run", "--help"]
    env = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    both = [subprocess.Popen(command, cwd=tree, env=env, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = [process.communicate(timeout=240)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert "Usage: minutebook run" in said[0]
    assert said[0] == said[1]
