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

import os
import shutil
import subprocess
import sys
import time

OLDEST, NEWEST = (3, 11), (3, 13)


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

from environment import prepare, uv, uv_env
from packages import with_tools
from stack import stack
from tree import LOCKS, PYTHON, ROOT, VENV, call, say

GATES = {
    "format": ["ruff", "format", "--check", "--quiet", "."],
    "lint": ["ruff", "check", "--quiet", "."],
    "types": ["mypy"],
    "layers": ["lint-imports", "--no-logo"],
    "dependencies": ["deptry", "--no-ansi", "."],
    "spelling": ["codespell", "."],
}

TOGETHER = ["-n", "3", "--dist", "worksteal"]
"""On two cores: the tests of the daemon wait for more than half of their time, and stand beside each other."""


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
        chosen = [*TOGETHER, "-m", "long", *arguments[1:]] if arguments[:1] == ["--long"] else arguments
        sys.exit(subprocess.run([*pytest, *chosen], env=env, cwd=ROOT, check=False).returncode)
    failed = [name for name, gate in GATES.items() if not passes(name, gate, env)]
    status = subprocess.run([*pytest, "-q", *TOGETHER, "-m", "not long"], env=env, cwd=ROOT, check=False).returncode
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


def lock(arguments: list[str]) -> None:
    """The fullest set is resolved first and constrains the others, so that one version serves all of them."""
    prepare("run")
    options = "--quiet --universal --generate-hashes --no-header --no-annotate --python-version 3.11".split()
    extras = ["--extra=fast", "--extra=holidays", "--extra=sign"]
    chosen = {
        "test.txt": ["pyproject.toml", "--all-extras", "--group", "dev", "--group", "bootstrap"],
        "runtime.txt": ["pyproject.toml", *extras, "--constraint", str(LOCKS / "test.txt")],
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
