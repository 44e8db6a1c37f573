"""What is not on the package index: fetched from the distribution's own packages, as root or not."""

import contextlib
import os
import shlex
import shutil
import subprocess
import sys
from ctypes.util import find_library
from pathlib import Path

from tree import APT, TOOLS, VENV, alone, call, say

# The name that upstream gives a tool, and the distribution's package and file it comes from.
TOOL_SOURCES = {
    "prometheus": ("prometheus", "usr/bin/prometheus"),
    "promtool": ("prometheus", "usr/bin/promtool"),
    "alertmanager": ("prometheus-alertmanager", "usr/bin/prometheus-alertmanager"),
    "amtool": ("prometheus-alertmanager", "usr/bin/amtool"),
    "blackbox_exporter": ("prometheus-blackbox-exporter", "usr/bin/prometheus-blackbox-exporter"),
    "victoria-metrics": ("victoria-metrics", "usr/bin/victoria-metrics"),
    "libfaketime.so.1": ("libfaketime", "usr/lib/*/faketime/libfaketime.so.1"),
}
# The same of a later Debian, under names of their own: the tests run on both where this machine can.
LATER = "forky"
LATER_SOURCES = {
    "prometheus-later": ("prometheus", "usr/bin/prometheus"),
    "promtool-later": ("promtool", "usr/bin/promtool"),
    "alertmanager-later": ("prometheus-alertmanager", "usr/bin/prometheus-alertmanager"),
    "amtool-later": ("prometheus-alertmanager", "usr/bin/amtool"),
}
# What makes the tests' network namespaces, reads the unit and shows the pages: installed by root or not at all.
SYSTEM_TOOLS = {"ip": "iproute2", "nft": "nftables", "systemd-analyze": "systemd", "chromium": "chromium"}
# Libraries that a package of ours loads by name: WeasyPrint sets a report with Pango.
SYSTEM_LIBRARIES = {"pangoft2-1.0": "libpangoft2-1.0-0", "harfbuzz-subset": "libharfbuzz-subset0"}


def unpack(packages: list[str], suite: str = "") -> Path:
    """Downloads Debian or Ubuntu packages and unpacks them, as any user, outside the machine's own package state.

    `suite`: of this suite of the same archive instead of the machine's own.
    """
    if not shutil.which("apt-get"):
        sys.exit(f"dev.py: no apt-get here to fetch {', '.join(packages)}; install what this system has for it")
    place = APT / suite
    for folder in ("state/lists/partial", "cache/archives/partial", "root"):
        (place / folder).mkdir(parents=True, exist_ok=True)
    own = {
        "Dir::State": place / "state",
        "Dir::State::status": "/var/lib/dpkg/status",
        "Dir::Cache": place / "cache",
        "Acquire::Languages": "none",
        "Acquire::Retries": "3",
        "APT::Sandbox::User": "root",
    }
    if suite:
        own |= {"Dir::Etc::SourceList": source_of(suite, place), "Dir::Etc::SourceParts": "/dev/null"}
    apt = ["apt-get", "-qq", *(part for name, value in own.items() for part in ("-o", f"{name}={value}"))]
    say(f"fetching {', '.join(packages)} from {suite or 'this distribution'}'s packages")
    call([*apt, "update"])
    call([*apt, "download", *packages], cwd=place)
    for package in packages:
        for archive in place.glob(f"{package}_*.deb"):
            call(["dpkg-deb", "-x", str(archive), str(place / "root")])
            archive.unlink()
    return place / "root"


def source_of(suite: str, place: Path) -> Path:
    """A source list for another suite of the archive that this machine's own packages come from."""
    asked = ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages", "Origin: Debian"]
    found = subprocess.run(asked, text=True, capture_output=True, check=False).stdout.split()
    if not found:
        sys.exit(f"dev.py: this machine's packages are not Debian's, so there is no {suite}")
    (place / "sources.list").write_text(f"deb {found[0]} {suite} main\n")
    return place / "sources.list"


def fetch_later() -> None:
    """Puts what a later suite has beside the tools. Nothing needs it: where it cannot be had or run, that is said."""
    with alone():
        if all((TOOLS / name).exists() for name in LATER_SOURCES) or (APT / LATER / "tried").exists():
            return
        try:
            root = unpack(sorted({package for package, _ in LATER_SOURCES.values()}), LATER)
        except SystemExit as stop:
            say(f"{stop.code}\ndev.py: tests on {LATER}'s Prometheus and Alertmanager will be skipped")
            return
        finally:
            (APT / LATER).mkdir(parents=True, exist_ok=True)
            (APT / LATER / "tried").touch()
        for name, (_, path) in LATER_SOURCES.items():
            if not runs(root / path):
                say(f"{LATER}'s {name} does not run on this machine: its tests will be skipped")
            elif path.endswith("prometheus-alertmanager"):
                relocate(root, root / path, TOOLS / name)
            else:
                (TOOLS / name).unlink(missing_ok=True)
                (TOOLS / name).symlink_to(root / path)


def fetch_tools() -> None:
    """Puts Prometheus, VictoriaMetrics and the other tools into `.venv/tools/bin`, from PATH where it has them."""
    with alone():
        TOOLS.mkdir(parents=True, exist_ok=True)
        for name in TOOL_SOURCES:
            found = shutil.which(name)
            if found and not (TOOLS / name).exists():
                (TOOLS / name).symlink_to(found)
        missing = {name: source for name, source in TOOL_SOURCES.items() if not (TOOLS / name).exists()}
        if not missing:
            return
        root = unpack(sorted({package for package, _ in missing.values()}))
        for name, (_, path) in missing.items():
            (TOOLS / name).unlink(missing_ok=True)
            if name == "alertmanager":
                relocate(root, root / path, TOOLS / name)
            else:
                (TOOLS / name).symlink_to(next(root.glob(path)))


def runs(program: Path) -> bool:
    """Whether it is there and this machine's libraries are new enough for it."""
    with contextlib.suppress(OSError):
        return subprocess.run([str(program), "--version"], capture_output=True, check=False).returncode == 0
    return False


def install_system_tools() -> None:
    """Installs what only root can use; anybody else is told the command. No service is started by it."""
    missing = sorted(
        [package for tool, package in SYSTEM_TOOLS.items() if not shutil.which(tool)]
        + [package for library, package in SYSTEM_LIBRARIES.items() if not find_library(library)]
    )
    if not missing:
        return
    command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing]
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        sys.exit(f"dev.py: {', '.join(missing)} missing; as root: {shlex.join(command)}")
    say(f"installing {', '.join(missing)} from this distribution's packages")
    policy = Path("/usr/sbin/policy-rc.d")  # 101: no service is started (Debian's policy-rc.d specification)
    ours = not policy.exists()
    if ours:
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)
    try:
        call(["apt-get", "-qq", "update"])
        call(command, {**os.environ, "DEBIAN_FRONTEND": "noninteractive"})
    finally:
        if ours:
            policy.unlink()


def relocate(root: Path, program: Path, start: Path) -> None:
    """Debian's Alertmanager reads its templates from one absolute path, which only root could make.

    The path is made relative, in as many bytes, and the program is started where it leads to the unpacked package.
    """
    absolute, relative = b"/usr/share/prometheus/alertmanager", b"usr//share/prometheus/alertmanager"
    program.write_bytes(program.read_bytes().replace(absolute, relative))
    start.write_text(f'#!/bin/sh\ncd {shlex.quote(str(root))} && exec {shlex.quote(str(program))} "$@"\n')
    start.chmod(0o755)


def with_tools() -> dict[str, str]:
    """The environment of a command that uses the tools. With CI=true one that is missing fails, else it is said."""
    for fetch, tools in ((fetch_tools, TOOL_SOURCES), (install_system_tools, SYSTEM_TOOLS | SYSTEM_LIBRARIES)):
        try:
            fetch()
        except SystemExit as stop:
            if os.environ.get("CI") == "true":
                raise
            say(f"{stop.code}\ndev.py: TESTS THAT NEED {', '.join(tools)} WILL BE SKIPPED")
    if TOOLS.is_dir():
        fetch_later()
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return env | {
        "MINUTEBOOK_TOOLS": str(TOOLS),
        "PATH": f"{VENV / 'bin'}{os.pathsep}{os.environ['PATH']}",
        # The tests start hundreds of processes; compiling all that each imports is half of what it costs.
        "PYTHONPYCACHEPREFIX": str(VENV / "pycache"),
    }
