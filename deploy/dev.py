#!/usr/bin/env python3
"""From a bare `python3` to a running minutebook, with nothing but the standard library.

    python3 deploy/dev.py run URL...      the daemon (all that follows goes to `minutebook run`)
    python3 deploy/dev.py test            everything that must hold: format, lint, types, layers, tests
    python3 deploy/dev.py test ARGS...    only pytest, with these arguments; `--long` for the long tests
    python3 deploy/dev.py test --faults N  the test of every row of the fault catalogue, N times
    python3 deploy/dev.py bench ARGS...   the benchmarks: each figure beside its target
    python3 deploy/dev.py stack           the demo with a real Prometheus and Alertmanager, and where to look
    python3 deploy/dev.py lock [--upgrade]  write deploy/locks/ anew from pyproject.toml

It makes `.venv`, installs a pinned uv into it, then exactly what the locks hash, then the project itself.
What is not on the package index (Prometheus, VictoriaMetrics) is unpacked from the distribution's own packages into
`.venv`: no root needed, no service started. Root installs nftables, iproute2, systemd, Chromium and Pango for the tests
where they are missing.
A second start finds all of it in place.
"""

import contextlib
import fcntl
import hashlib
import importlib.util
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import time
import venv
from collections.abc import Iterator
from ctypes.util import find_library
from pathlib import Path

OLDEST, NEWEST = (3, 11), (3, 13)
ROOT = Path(__file__).resolve().parent.parent


def other_python() -> str:
    """The newest supported Python on PATH, to name in a message."""
    names = [f"python3.{minor}" for minor in range(NEWEST[1], OLDEST[1] - 1, -1)]
    return next((name for name in names if shutil.which(name)), "python3.11")


# Everything above parses and runs on Python 3.6, so that an older one is refused by name and not by a traceback.
if sys.version_info < OLDEST:
    sys.exit(
        f"dev.py: minutebook needs Python 3.11, 3.12 or 3.13; {sys.executable} is Python {sys.version.split()[0]}.\n"
        f"Start it with one of them: {other_python()} {' '.join(sys.argv)}"
    )

VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "dev.json"
LOCKS = ROOT / "deploy" / "locks"
TOOLS = VENV / "tools" / "bin"
APT = VENV / "apt"
# A set is installed by all its files; every set holds the one before it.
SETS = {"run": ["bootstrap.txt", "runtime.txt"], "test": ["bootstrap.txt", "runtime.txt", "test.txt"]}
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
GATES = {
    "format": ["ruff", "format", "--check", "--quiet", "."],
    "lint": ["ruff", "check", "--quiet", "."],
    "types": ["mypy"],
    "layers": ["lint-imports", "--no-logo"],
    "dependencies": ["deptry", "--no-ansi", "."],
    "spelling": ["codespell", "."],
}


def say(message: str) -> None:
    print(f"dev.py: {message}", file=sys.stderr, flush=True)


def call(command: list[str], env: dict[str, str] | None = None, cwd: Path = ROOT) -> None:
    """Runs a step; one that fails ends the script with the step's own words and status."""
    try:
        done = subprocess.run(command, env=env, cwd=cwd, check=False)
    except FileNotFoundError:
        sys.exit(f"dev.py: {command[0]} is not on this machine; it was needed for: {shlex.join(command)}")
    if done.returncode != 0:
        sys.exit(f"dev.py: this step failed with status {done.returncode}: {shlex.join(command)}")


# ------------------------------------------------------------------------------- the environment


def interpreter() -> str:
    """What `.venv` is bound to: this interpreter, and the place of the work tree (scripts hold it)."""
    return f"{sys.version} {sys.base_prefix} {ROOT}"


def digest(which: str) -> str:
    """Changes whenever the set would have to be installed again."""
    total = hashlib.sha256()
    for path in [ROOT / "pyproject.toml", *(LOCKS / name for name in SETS[which])]:
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def read_stamp() -> dict[str, str]:
    try:
        stamp: dict[str, str] = json.loads(STAMP.read_bytes())
    except (OSError, ValueError):
        return {}
    return stamp if PYTHON.exists() and stamp.get("interpreter") == interpreter() else {}


def write_stamp(which: str) -> None:
    STAMP.write_text(json.dumps({"set": which, "digest": digest(which), "interpreter": interpreter()}))


def serves(stamp: dict[str, str], which: str) -> bool:
    """Whether what the stamp tells of holds the set: the fuller one serves both."""
    return stamp.get("set") in ("test", which) and stamp.get("digest") == digest(stamp["set"])


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Holds `.venv` for one dev.py at a time: two may be started at once."""
    try:
        lock = (ROOT / ".venv.lock").open("w")
    except OSError as error:
        sys.exit(f"dev.py: cannot write in {ROOT} ({error.strerror}): it keeps .venv there; make it yours or copy it")
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another dev.py that is installing")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def prepare(which: str) -> None:
    """Makes `.venv` hold the set: at once when it does already."""
    if serves(read_stamp(), which):
        return
    with alone():
        stamp = read_stamp()
        if serves(stamp, which):
            return
        if not stamp:
            say(f"making {VENV}")
            venv.create(VENV, clear=True, symlinks=True)
        which = stamp.get("set", which) if which == "run" else which
        STAMP.unlink(missing_ok=True)  # an install that is cut short starts from nothing again
        install(which)
        write_stamp(which)


def install(which: str) -> None:
    began = time.monotonic()
    if not (VENV / "bin" / "uv").exists():
        say("installing uv")
        options = ["-qq", "--no-deps", "--require-hashes", "-r", str(LOCKS / "bootstrap.txt")]
        call([*pip(), "install", *options], pip_env())
    say(f"installing what deploy/locks/ names for `{which}`")
    files = [str(LOCKS / name) for name in SETS[which]]
    call(uv("pip", "sync", "--quiet", "--require-hashes", *files), uv_env())
    call(uv("pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--editable", "."), uv_env())
    say(f"ready after {time.monotonic() - began:.0f} s: {VENV / 'bin' / 'minutebook'}")


def pip() -> list[str]:
    """A pip that installs into `.venv`, from whatever this machine has: it is needed once, to fetch uv."""
    distribution = "usr/share/python-wheels"
    folders = [Path(sysconfig.get_config_var("WHEEL_PKG_DIR") or f"/{distribution}"), APT / "root" / distribution]
    bundled = importlib.util.find_spec("ensurepip")
    if bundled and bundled.origin:
        folders.insert(0, Path(bundled.origin).parent / "_bundled")
    wheels = [wheel for folder in folders for wheel in folder.glob("pip-*.whl")]
    if not wheels and importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip", "--python", str(PYTHON)]
    if not wheels:
        wheels = list((unpack(["python3-pip-whl"]) / distribution).glob("pip-*.whl"))
    return [str(PYTHON), f"{wheels[0]}/pip"]  # a wheel is a zip that Python runs as it is


def pip_env() -> dict[str, str]:
    """A pip that is run from its wheel brings its own certificates: the machine's are the ones to trust."""
    env = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_ROOT_USER_ACTION": "ignore", **os.environ}
    system = Path("/etc/ssl/certs/ca-certificates.crt")
    if system.exists():
        env.setdefault("PIP_CERT", env.get("SSL_CERT_FILE", str(system)))
    return env


def uv(*command: str) -> list[str]:
    return [str(VENV / "bin" / "uv"), *command]


def uv_env() -> dict[str, str]:
    """uv with the machine's certificates and, unless it is told otherwise itself, with pip's package index."""
    env = {"UV_SYSTEM_CERTS": "1", "UV_PYTHON_DOWNLOADS": "never", **os.environ, "VIRTUAL_ENV": str(VENV)}
    home = os.path.expanduser("~")  # noqa: PTH111 a user without a home has none to raise over
    if not os.access(home, os.W_OK):
        env.setdefault("UV_CACHE_DIR", str(VENV / "cache"))
    if not env.keys() & {"UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_CONFIG_FILE"}:
        command = [*pip(), "config", "get", "global.index-url"]
        index = (
            os.environ.get("PIP_INDEX_URL")
            or subprocess.run(
                command, env=pip_env(), check=False, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            ).stdout.strip()
        )
        env.update({"UV_DEFAULT_INDEX": index} if index else {})
    return env


# ------------------------------------------------------------------------------- the distribution's packages


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
    return {**os.environ, "MINUTEBOOK_TOOLS": str(TOOLS), "PATH": f"{VENV / 'bin'}{os.pathsep}{os.environ['PATH']}"}


# ------------------------------------------------------------------------------- the commands


def run(arguments: list[str]) -> None:
    prepare("run")
    os.execv(VENV / "bin" / "minutebook", ["minutebook", "run", *arguments])


def test(arguments: list[str]) -> None:
    prepare("test")
    env = with_tools()
    pytest = [str(PYTHON), "-m", "pytest"]
    if arguments:
        if arguments[0] == "--faults":
            pytest, arguments = [str(PYTHON), "-m", "tests.faults"], arguments[1:]
        chosen = ["-m", "long", *arguments[1:]] if arguments[:1] == ["--long"] else arguments
        sys.exit(subprocess.run([*pytest, *chosen], env=env, cwd=ROOT, check=False).returncode)
    failed = [name for name, gate in GATES.items() if not passes(name, gate, env)]
    status = subprocess.run([*pytest, "-q", "-n", "2", "-m", "not long"], env=env, cwd=ROOT, check=False).returncode
    if failed:
        say(f"FAILED before the tests: {', '.join(failed)}")
    sys.exit(status or bool(failed))


def passes(name: str, gate: list[str], env: dict[str, str]) -> bool:
    began = time.monotonic()
    command = [str(VENV / "bin" / gate[0]), *gate[1:]]
    done = subprocess.run(command, env=env, cwd=ROOT, check=False, text=True, capture_output=True)
    passed = done.returncode == 0
    print(f"{name:<14}{'ok' if passed else 'FAILED':<8}{time.monotonic() - began:5.1f} s", flush=True)
    if not passed:
        print(done.stdout + done.stderr, flush=True)
    return passed


def bench(arguments: list[str]) -> None:
    prepare("test")
    os.chdir(ROOT)
    os.execve(PYTHON, [str(PYTHON), "-m", "tests.bench", *arguments], with_tools())


def stack(arguments: list[str]) -> None:
    """The demo with a real Prometheus and Alertmanager, on loopback, in the foreground until Ctrl-C."""
    prepare("run")
    fetch_tools()
    data = VENV / "stack"
    shutil.rmtree(data, ignore_errors=True)  # each demo has a history of its own
    data.mkdir()
    prometheus, alertmanager = free_port(9090), free_port(9093)
    with (data / "minutebook.log").open("w") as log:
        daemon = subprocess.Popen([str(VENV / "bin" / "minutebook"), "demo"], stderr=log, cwd=data)
    with ended([daemon]):
        served = demo_address(daemon, data / "minutebook.log")
        commands = [
            [
                str(TOOLS / "prometheus"),
                f"--config.file={prometheus_configuration(data, served, alertmanager)}",
                f"--web.listen-address=127.0.0.1:{prometheus}",
                f"--storage.tsdb.path={data / 'prometheus'}",
                "--rules.alert.resend-delay=10s",  # what it tells before it has found Alertmanager is dropped
                *arguments,
            ],
            [
                str(TOOLS / "alertmanager"),
                f"--config.file={ROOT / 'deploy' / 'alertmanager' / 'local.yml'}",
                f"--web.listen-address=127.0.0.1:{alertmanager}",
                f"--storage.path={data / 'alertmanager'}",
                "--cluster.listen-address=",
            ],
        ]
        say(
            f"its logs are in {data}; Ctrl-C stops all three\n"
            f"  http://{served}/  the status page of an app that fails 12 s of every 45 s\n"
            f"  http://127.0.0.1:{prometheus}/alerts  the rules: SlaBurnFast fires within five minutes\n"
            f"  http://127.0.0.1:{alertmanager}/  what somebody would be told"
        )
        sys.exit(together(commands, data, [daemon]))


def free_port(wanted: int) -> int:
    """The port that is wanted on loopback, or any free one where somebody has it."""
    for port in (wanted, 0):
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)) as found:
            return int(found.getsockname()[1])
    sys.exit("dev.py: no free port on 127.0.0.1")


def demo_address(daemon: "subprocess.Popen[bytes]", log: Path) -> str:
    """Host and port of the demo, once it says so: it writes two months of history first."""
    for _ in range(600):
        served = re.search(r"http://([\d.:]+)/ ", log.read_text())
        if served:
            return served[1]
        if daemon.poll() is not None:
            break
        time.sleep(0.2)
    sys.exit(f"dev.py: the demo did not start:\n{log.read_text()}")


def prometheus_configuration(data: Path, served: str, alertmanager: int) -> Path:
    """deploy/prometheus with the addresses of this stack."""
    config = ROOT / "deploy" / "prometheus"
    text = (config / "prometheus.yml").read_text()
    for old, new in (
        ("127.0.0.1:9843", served),
        ("127.0.0.1:9093", f"127.0.0.1:{alertmanager}"),
        ("*.rules.yml", str(config / "*.rules.yml")),
    ):
        text = text.replace(old, new)
    written = data / "prometheus.yml"
    written.write_text(text)
    return written


def together(commands: list[list[str]], data: Path, others: "list[subprocess.Popen[bytes]]") -> int:
    """Runs the commands until one of all ends or Ctrl-C; leaves none behind. Returns the status of that one."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    started = []
    for command in commands:
        with (data / f"{Path(command[0]).name}.log").open("w") as log:
            started.append(subprocess.Popen(command, cwd=data, stdout=log, stderr=log))
    with ended(started):
        try:
            pid, status = os.wait()
        except KeyboardInterrupt:
            return 130
        names = [*(Path(command[0]).name for command in commands), "minutebook"]
        name, first = next(pair for pair in zip(names, (*started, *others), strict=True) if pair[1].pid == pid)
        first.returncode = os.waitstatus_to_exitcode(status)
        say(f"{name} ended by itself; its log is in {data}")
        return first.returncode


@contextlib.contextmanager
def ended(processes: "list[subprocess.Popen[bytes]]") -> Iterator[None]:
    """Leaves none of them behind."""
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C is no reason to leave one behind
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(timeout=20)


def lock(arguments: list[str]) -> None:
    """The fullest set is resolved first and constrains the others, so that one version serves all of them."""
    prepare("run")
    options = "--quiet --universal --generate-hashes --no-header --no-annotate --python-version 3.11".split()
    chosen = {
        "test.txt": ["pyproject.toml", "--all-extras", "--group", "dev", "--group", "bootstrap"],
        "runtime.txt": ["pyproject.toml", "--extra=fast", "--extra=sign", "--constraint", str(LOCKS / "test.txt")],
        "bootstrap.txt": ["--group", "bootstrap", "--constraint", str(LOCKS / "test.txt")],
    }
    for written, what in ((LOCKS / name, what) for name, what in chosen.items()):
        call(uv("pip", "compile", *options, *arguments, *what, "-o", str(written)), uv_env())
        if "://" in written.read_text():
            sys.exit(f"dev.py: {written} names an address: keep indexes and direct references out of the locks")
    say("deploy/locks/ written; `python3 deploy/dev.py test` installs and tries them")


COMMANDS = {"run": run, "test": test, "bench": bench, "stack": stack, "lock": lock}


def main() -> None:
    if len(sys.argv) < 2 or sys.argv[1] not in COMMANDS:
        sys.exit(__doc__ if len(sys.argv) < 2 else f"dev.py: no command {sys.argv[1]!r}: it has {', '.join(COMMANDS)}")
    if sys.version_info[:2] > NEWEST:
        say(f"tried on Python 3.11 to 3.13 only; should this one fail: {other_python()} {' '.join(sys.argv)}")
    COMMANDS[sys.argv[1]](sys.argv[2:])


if __name__ == "__main__":
    main()
