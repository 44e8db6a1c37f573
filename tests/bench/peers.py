"""What a benchmark is measured against: blackbox_exporter, Prometheus, a bound in C, and the target of them all.

Each is a process of its own, so that the CPU time of one holds nothing of another's. They are looked for where
deploy/dev.py puts them, then on PATH; one that is not there is said, and its ratios are left out.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import trustme

BOUND = Path(__file__).with_name("bound.c")
HOSTS = tuple(f"127.0.0.{number}" for number in range(1, 17))
"""Addresses of the target: the prober looks at one host 32 times at once, as no fleet has all its checks on one."""
CANARY = "127.0.1.1"
"""One more, that no check looks at."""
HEADERS = "apt-get install gcc libc6-dev libssl-dev"


class Target(NamedTuple):
    """Where it listens, and the authority that its certificate is verified with; None: plain HTTP."""

    port: int
    authority: Path | None

    @property
    def url(self) -> str:
        return f"http{'s' if self.authority else ''}://127.0.0.1:{self.port}/health"


class Peer(NamedTuple):
    """A server beside us: its port and its process."""

    port: int
    pid: int


@contextmanager
def target(*, tls: bool = False) -> Iterator[Target]:
    """An app that answers 200; with `tls` under a certificate of an authority made for it."""
    with TemporaryDirectory() as folder:
        certificate: list[Path] = []
        authority: Path | None = None
        if tls:
            authority = Path(folder) / "authority.pem"
            certificate = [Path(folder) / "certificate.pem", Path(folder) / "key.pem"]
            made = trustme.CA()
            made.cert_pem.write_to_path(authority)
            issued = made.issue_cert(*HOSTS, CANARY)
            issued.cert_chain_pems[0].write_to_path(certificate[0])
            issued.private_key_pem.write_to_path(certificate[1])
        command = [sys.executable, "-m", "tests.bench.target", *map(str, certificate)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            try:
                yield Target(int(process.stdout.readline()), authority)
            finally:
                process.terminate()


@contextmanager
def blackbox(authority: Path | None = None) -> Iterator[Peer | None]:
    """blackbox_exporter with one module, `look`: a 2xx over HTTP, verified with the authority."""
    with TemporaryDirectory() as folder:
        modules = Path(folder) / "blackbox.yml"
        trusting = "" if authority is None else f", http: {{tls_config: {{ca_file: {authority}}}}}"
        modules.write_text(f"modules: {{look: {{prober: http{trusting}}}}}\n", encoding="utf-8")
        options = [f"--config.file={modules}", "--log.level=error"]
        with _served("blackbox_exporter", options) as peer:
            yield peer


@contextmanager
def prometheus(configuration: str, history: Path | None = None) -> Iterator[Peer | None]:
    """Prometheus with a configuration's text, its data in a folder that goes with it; from the beginning it holds the
    samples of a file of OpenMetrics."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "prometheus.yml"
        file.write_text(configuration, encoding="utf-8")
        data = f"{folder}/data"
        promtool = _program("promtool") if history is not None else None
        if promtool is not None:
            blocks = ["tsdb", "create-blocks-from", "--max-block-duration=744h", "openmetrics"]
            make = [promtool, *blocks, str(history), data]
            subprocess.run(make, check=True, capture_output=True)
        kept = "--storage.tsdb.retention.time=100y"
        options = [f"--config.file={file}", f"--storage.tsdb.path={data}", kept, "--log.level=error"]
        with _served("prometheus", options) as peer:
            yield peer


@contextmanager
def bound() -> Iterator[Path | None]:
    """The bound in C, compiled; None where this machine cannot."""
    compiler = shutil.which("cc")
    with TemporaryDirectory() as folder:
        program = Path(folder) / "bound"
        options = ["-O2", "-D_GNU_SOURCE", "-o", str(program), str(BOUND), "-lssl", "-lcrypto"]
        built = compiler and subprocess.run([compiler, *options], check=False, capture_output=True, text=True)
        if not built or built.returncode != 0:
            sys.stderr.write(f"bench: no bound in C: no compiler or no headers of OpenSSL here; as root: {HEADERS}\n")
            yield None
        else:
            yield program


def cpu_of(pid: int) -> float:
    """User and system seconds of another process so far: proc(5), /proc/pid/stat fields 14 and 15."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def _program(name: str) -> str | None:
    places = os.pathsep.join([os.environ.get("MINUTEBOOK_TOOLS", ""), ".venv/tools/bin", os.environ.get("PATH", "")])
    return shutil.which(name, path=places)


@contextmanager
def _served(name: str, options: list[str]) -> Iterator[Peer | None]:
    program = _program(name)
    if program is None:
        sys.stderr.write(f"bench: {name} is not here: no ratios to it\n")
        yield None
        return
    port = _free_port()
    command = [program, f"--web.listen-address=127.0.0.1:{port}", *options]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            _await_port(port)
            yield Peer(port, process.pid)
        finally:
            process.terminate()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def _await_port(port: int) -> None:
    for _ in range(200):
        with socket.socket() as knock:
            if knock.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError(f"nobody listens on port {port}")
