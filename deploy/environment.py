"""`.venv`: what the locks name is in it, and nothing else."""

import hashlib
import importlib.util
import json
import os
import subprocess
import sys
import sysconfig
import time
import venv
from pathlib import Path

from packages import unpack
from tree import APT, LOCKS, PYTHON, ROOT, STAMP, VENV, alone, call, say

# A set is installed by all its files; every set holds the one before it.
SETS = {"run": ["bootstrap.txt", "runtime.txt"], "test": ["bootstrap.txt", "runtime.txt", "test.txt"]}


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
