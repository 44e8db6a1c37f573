"""What stands in deploy/ is held to by the tools of its kind: the Dockerfile, compose.yaml, the unit, Prometheus."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from monitor.config import load
from tests.conftest import ROOT
from tests.daemon.programs import App, Minutebook, configuration, ended, environment, running_app, wait_until

CONTAINER, PROMETHEUS = ROOT / "deploy" / "container", ROOT / "deploy" / "prometheus"
UNIT = ROOT / "deploy" / "systemd" / "minutebook.service"
UNITS = (UNIT, UNIT.with_name("minutebook-ingest.service"))
Tool = Callable[[str], str]
BESIDE = Path(sys.executable).parent


def accepted(*command: object) -> str:
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_hadolint_has_nothing_to_say_of_the_dockerfile() -> None:
    assert accepted(BESIDE / "hadolint", CONTAINER / "Dockerfile") == ""


def test_the_image_runs_as_nobody_and_installs_only_what_is_hashed() -> None:
    text = (CONTAINER / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    assert re.search(r"^USER 10001:10001$", text, re.MULTILINE)
    assert "HEALTHCHECK" in text
    installs = re.findall(r"pip[^&\n]* install [^&\n]*", text)
    assert len(installs) == 3
    assert all("--require-hashes" in one or "--no-index" in one for one in installs)
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", text, re.MULTILINE)
    assert all((ROOT / name).exists() for names in copied for name in names.split())


def test_compose_is_what_the_compose_specification_allows() -> None:
    accepted(BESIDE / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", CONTAINER / "compose.yaml")


def test_every_container_is_read_only_without_rights_and_on_loopback() -> None:
    services = yaml.safe_load((CONTAINER / "compose.yaml").read_text(encoding="utf-8"))["services"]
    assert services.keys() == {"minutebook", "prometheus", "alertmanager", "grafana"}
    for service in services.values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert all(port.startswith("127.0.0.1:") for port in service["ports"])


def test_what_compose_mounts_is_there() -> None:
    services = yaml.safe_load((CONTAINER / "compose.yaml").read_text(encoding="utf-8"))["services"]
    mounted = [mount.split(":")[0] for service in services.values() for mount in service["volumes"]]
    files = [name for name in mounted if name.startswith(".") and name != "./secrets"]  # made by who runs it
    assert len(files) >= 5
    assert [name for name in files if not (CONTAINER / name).exists()] == []


def test_the_configuration_of_the_container_is_accepted() -> None:
    config = load(CONTAINER / "minutebook.yaml", {})
    assert str(config.server.listen) == "0.0.0.0:9843"


def test_prometheus_in_compose_is_the_other_one_but_for_its_addresses(tool: Tool, tmp_path: Path) -> None:
    own, beside = (
        (folder / "prometheus.yml").read_text(encoding="utf-8").split("\n", 1)[1] for folder in (CONTAINER, PROMETHEUS)
    )
    moved = own.replace("alertmanager:9093", "127.0.0.1:9093").replace("minutebook:9843", "127.0.0.1:9843")
    assert moved.replace("/etc/prometheus/rules/*", '"*').replace(".rules.yml", '.rules.yml"') == beside
    accepted(tool("promtool"), "check", "config", PROMETHEUS / "prometheus.yml")


# ---------------------------------------------------------------- the unit


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_the_unit_is_exposed_to_1_5_at_most(tool: Tool, unit: Path) -> None:
    accepted(tool("systemd-analyze"), "security", "--offline=true", "--threshold=15", unit)


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_takes_every_line_of_the_unit(tool: Tool, tmp_path: Path, unit: Path) -> None:
    text = unit.read_text(encoding="utf-8").replace("/opt/minutebook/bin/minutebook", sys.executable)
    copied = tmp_path / unit.name
    copied.write_text(text)
    done = subprocess.run([tool("systemd-analyze"), "verify", copied], capture_output=True, text=True, check=False)
    assert [line for line in done.stderr.splitlines() if str(copied) in line or unit.name in line] == []


MDWE = (
    "import ctypes, os, sys; assert ctypes.CDLL(None).prctl(65, 1, 0, 0, 0) == 0; os.execv(sys.argv[1], sys.argv[1:])"
)
"""PR_SET_MDWE (prctl(2)): what MemoryDenyWriteExecute=yes asks of the kernel, kept over exec."""


@pytest.fixture
def app() -> Iterator[App]:
    with running_app() as running:
        yield running


def test_the_daemon_works_without_memory_that_is_written_and_run(app: App, tmp_path: Path) -> None:
    if subprocess.run([sys.executable, "-c", MDWE, "/bin/true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("this kernel has no PR_SET_MDWE")
    configuration(tmp_path, app)
    minutebook = Minutebook(tmp_path, environment(tmp_path / "bytecode"), (sys.executable, "-c", MDWE))
    with ended(minutebook.starting("run")) as daemon:
        daemon.ready()
        wait_until(lambda: daemon.value("probe_success") == 1)
