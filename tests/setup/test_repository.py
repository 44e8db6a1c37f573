"""What must hold of the repository as a whole: its locks, its addresses, its top level and its two commands."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent.parent
LOCKS = ROOT / "deploy" / "locks"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

TOP_LEVEL = {"pyproject.toml", "README.md", "LICENSE", "monitor", "exporters", "deploy", "tests"}

# The shapes in which a package index is named: its API path, or an option, variable or source table with an address.
INDEX_ADDRESS = re.compile(
    r"https?://[^\s\"'<>]+/simple\b"
    r"|(?i:index|registry|find-links|mirror)[\w-]*[\"']?\s*[=: ]\s*[\"']?https?://"
    r"|deb\s+(\[[^]]*\]\s+)?https?://"
)


def files() -> list[Path]:
    """What is committed or about to be; in a tree without git, what lies there but for what the tools made."""
    if (ROOT / ".git").exists() and shutil.which("git"):
        command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        listed = subprocess.run(command, cwd=ROOT, check=True, text=True, capture_output=True).stdout.split("\0")
        return [ROOT / name for name in listed if name and (ROOT / name).is_file()]
    made = {".venv", "__pycache__", ".hypothesis"}
    found = (path for path in ROOT.rglob("*") if path.is_file())
    return [p for p in found if not made & {*p.parts} and not any(part.endswith("_cache") for part in p.parts)]


def locked(name: str) -> dict[str, str]:
    """Version by normalised distribution name."""
    pins = re.findall(r"^([A-Za-z0-9._-]+)==(\S+)", (LOCKS / name).read_text(encoding="utf-8"), re.MULTILINE)
    return {normal(package): version for package, version in pins}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize("name", ["bootstrap.txt", "runtime.txt", "test.txt"])
def test_every_line_of_a_lock_is_a_pin_with_hashes(name: str) -> None:
    entries = (LOCKS / name).read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
    assert entries
    assert [line for line in entries if not re.match(r"[\w.-]+==\S+ .*--hash=sha256:[0-9a-f]{64}", line)] == []


@pytest.mark.parametrize("name", ["bootstrap.txt", "runtime.txt"])
def test_the_locks_agree_on_every_version(name: str) -> None:
    assert locked(name).items() <= locked("test.txt").items()


def test_the_locks_hold_what_the_project_asks_for() -> None:
    groups = PROJECT["dependency-groups"]
    asked = {
        "runtime.txt": [*PROJECT["project"]["dependencies"], *PROJECT["project"]["optional-dependencies"]["fast"]],
        "bootstrap.txt": groups["bootstrap"],
        "test.txt": groups["dev"],
    }
    unmet = [
        f"{name}: {text}"
        for name, texts in asked.items()
        for text in texts
        if not Requirement(text).specifier.contains(locked(name).get(normal(Requirement(text).name), "0"))
    ]
    assert not unmet, f"`python3 deploy/dev.py lock` writes them anew: {unmet}"


def test_no_file_names_a_package_index() -> None:
    texts = {path: path.read_text(encoding="utf-8", errors="ignore") for path in files()}
    found = {str(path): hit[0] for path, text in texts.items() if (hit := INDEX_ADDRESS.search(text))}
    assert not found
    assert not [path for path, text in texts.items() if path.parent == LOCKS and "://" in text]


@pytest.mark.parametrize(
    "text",
    ["--index-url " + "https://host/x", "deb " + "http://host/debian stable main", "registry=" + "https://host"],
)
def test_a_package_index_would_be_found(text: str) -> None:
    assert INDEX_ADDRESS.search(text)


def test_the_top_level_holds_what_the_architecture_names() -> None:
    top = {path.relative_to(ROOT).parts[0] for path in files()}
    assert {name for name in top if not name.startswith(".")} <= TOP_LEVEL


def test_ci_runs_the_test_command_of_the_readme() -> None:
    command = "python3 deploy/dev.py test"
    assert f"CI=true {command}\n" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert command in readme
    assert "python3 deploy/dev.py run" in readme
