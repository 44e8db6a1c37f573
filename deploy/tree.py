"""The work tree that a command of dev.py serves: where things are, and how a step is run in it."""

import contextlib
import fcntl
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "dev.json"
LOCKS = ROOT / "deploy" / "locks"
TOOLS = VENV / "tools" / "bin"
APT = VENV / "apt"


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
