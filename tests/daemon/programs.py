"""Real processes on loopback: an app that can be stopped, the daemon over it, and every command of `minutebook`."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Protocol, TypeVar

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from monitor.ledger.period import DAY, parse_instant
from monitor.web import tokens

T = TypeVar("T")
MINUTEBOOK = (sys.executable, "-m", "monitor.cli")
ANSWER_S = 20.0
COMMAND_S = 50.0
POLL_S = 0.02
_SERVED = re.compile(r"minutebook(?: demo)?: http://127\.0\.0\.1:(\d+)/ ")

Json = Any
"""What a command or the API answered; each test says what it must be."""


class Until(Protocol):
    """Waits until a condition gives something true, and answers it; fails the test when it does not in time."""

    def __call__(self, condition: Callable[[], T], within_s: float = ...) -> T: ...


def wait_until(condition: Callable[[], T], within_s: float = 20.0) -> T:
    """The one place of these tests that lets time pass."""
    deadline = time.monotonic() + within_s
    while not (met := condition()):
        assert time.monotonic() < deadline, f"not met within {within_s} s: {condition}"
        time.sleep(POLL_S)
    return met


def now_ms() -> int:
    """The wall clock, UTC ms."""
    return time.time_ns() // 1_000_000


def instant(text: str) -> int:
    """An instant of a fact or a statement, UTC ms."""
    return parse_instant(text)


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
        return port


# ---------------------------------------------------------------- the app


class App:
    """An HTTP server on a free port that can be stopped and started again, each at an instant that is known.

    `status` is what it answers; while `answering` is cleared it keeps every client waiting.
    """

    def __init__(self) -> None:
        self.port = free_port()
        self.status = 200
        self.asked = 0
        self.headers: Mapping[str, str] = {}
        self.answering = threading.Event()
        self.answering.set()
        self._server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/health"

    def start(self) -> int:
        """Opens the port; answers when it was open."""
        app = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                app.asked += 1
                app.headers = dict(self.headers)
                app.answering.wait(30)
                self.send_response(app.status)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as it is called in the library
                return

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False

            def handle_error(self, request: object, client_address: object) -> None:
                return  # a look that was cut short

        self._server = Server(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return now_ms()

    def stop(self) -> int:
        """Closes the port; answers when it was closed."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
        return now_ms()


@contextmanager
def running_app() -> Iterator[App]:
    """An app that runs until the block is left."""
    app = App()
    app.start()
    try:
        yield app
    finally:
        app.answering.set()
        app.stop()


def configuration(folder: Path, app: App, more: str = "", **keys: object) -> Path:
    """A configuration over the app: one service, one check each second. `keys` are further keys of the check."""
    check = {"interval": "1s", "timeout": "1s", **keys}
    written = "".join(f", {key}: {value}" for key, value in check.items())
    path = folder / "minutebook.yaml"
    path.write_text(
        "location: here\n"
        "server: {listen: '127.0.0.1:0'}\n"
        "probing: {confirm_after: 500ms}\n"
        f"services: [{{name: app, checks: [{{name: web, http: {{url: '{app.url}'}}{written}}}]}}]\n{more}"
    )
    return path


# ---------------------------------------------------------------- commands


@dataclass(frozen=True)
class Done:
    """A command that ended."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Json:
        return json.loads(self.out)


@dataclass(frozen=True)
class Minutebook:
    """The command in one folder. The environment is ours less what would change it, with the keys of `env` on top.

    `prefix` is what a daemon is started through: `ip netns exec NAMESPACE`.
    """

    folder: Path
    env: Mapping[str, str]
    prefix: tuple[str, ...] = ()

    def __call__(self, *arguments: object, env: Mapping[str, str] | None = None) -> Done:
        done = subprocess.run(
            [*MINUTEBOOK, *map(str, arguments)],
            cwd=self.folder,
            env={**self.env, **(env or {})},
            capture_output=True,
            text=True,
            timeout=COMMAND_S,
            check=False,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def well(self, *arguments: object) -> str:
        """What the command printed; it must end with 0."""
        done = self(*arguments)
        assert done.status == 0, done
        return done.out

    def token(self, role: tokens.Role = "operator", store: Path = Path("minutebook.db")) -> str:
        """A token, as `token add` makes it, without waiting for a process."""
        wanted = tokens.Wanted(role, DAY, "there" if role == "agent" else None)
        return tokens.add(self.folder / store.with_suffix(".tokens"), wanted, now_ms())[0]

    def facts(self, *kinds: str) -> list[Json]:
        """Every fact of these kinds in the store, in order of recording."""
        lines = self.well("export").splitlines()
        return [fact for fact in map(json.loads, lines) if fact["kind"] in kinds]

    def starting(self, *arguments: object) -> Daemon:
        """The daemon, just started."""
        log = self.folder / f"log-{len(list(self.folder.glob('log-*')))}"
        with log.open("wb") as errors, log.with_name(f"out-{log.name}").open("wb") as results:
            process = subprocess.Popen(
                [*self.prefix, *MINUTEBOOK, *map(str, arguments)],
                cwd=self.folder,
                env=dict(self.env),
                stdout=results,
                stderr=errors,
            )
        return Daemon(process, log, results=Path(results.name))


# ---------------------------------------------------------------- the daemon


@dataclass(frozen=True)
class Answer:
    """What the daemon answered."""

    status: int
    body: str

    @property
    def json(self) -> Json:
        return json.loads(self.body)


@dataclass(frozen=True)
class Page:
    """What /metrics said at once."""

    samples: tuple[Sample, ...]

    def of(self, name: str, **labels: str) -> list[Sample]:
        """The samples of this name with these labels among their own."""
        return [one for one in self.samples if one.name == name and labels.items() <= one.labels.items()]

    def value(self, name: str, **labels: str) -> float | None:
        """The one sample there is; None where there is none."""
        found = self.of(name, **labels)
        assert len(found) <= 1, (name, labels, found)
        return found[0].value if found else None

    @property
    def as_of(self) -> int:
        """The instant that the figures are for, UTC ms."""
        [evaluated] = self.of("minutebook_evaluation_timestamp_seconds")
        return round(evaluated.value * 1000)

    @property
    def month(self) -> str:
        """The month of the one service that is shown; at its first day the one before is shown too."""
        return max(one.labels["month"] for one in self.of("sla_month_length_seconds"))

    def accounts_ms(self) -> dict[str, int]:
        """The accounts of the month, `excused` by class."""
        shown = self.of("sla_account_seconds", month=self.month)
        return {one.labels["account"] + one.labels["class"]: round(one.value * 1000) for one in shown}


@dataclass
class Daemon:
    """A running `minutebook run` or `demo`, and how to talk with it."""

    process: subprocess.Popen[bytes]
    log: Path
    port: int = 0
    results: Path = Path(os.devnull)

    @property
    def said(self) -> str:
        """On standard output, and on standard error."""
        return self.results.read_text() + self.log.read_text()

    def ready(self) -> Daemon:
        """Itself, once it says that it is ready."""
        wait_until(self.is_ready)
        return self

    def is_ready(self) -> bool:
        """Whether it says so; a daemon that ended fails the test with what it said."""
        assert self.process.poll() is None, f"ended with {self.process.returncode}: {self.said}"
        served = _SERVED.search(self.said)
        if served is None:
            return False
        self.port = int(served[1])
        return self.get("/-/ready").status == 200

    def ask(self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Answer:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=ANSWER_S)
        try:
            connection.request(method, path, body or None, dict(headers or {}))
            answer = connection.getresponse()
            return Answer(answer.status, answer.read().decode())
        finally:
            connection.close()

    def get(self, path: str) -> Answer:
        return self.ask("GET", path)

    def post_facts(self, token: str, facts: Sequence[Mapping[str, object]]) -> Answer:
        lines = "".join(json.dumps(fact) + "\n" for fact in facts).encode()
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/x-ndjson"}
        return self.ask("POST", "/api/v1/facts", lines, headers)

    def reload(self, token: str) -> Answer:
        return self.ask("POST", "/-/reload", headers={"Authorization": f"Bearer {token}"})

    def page(self) -> Page:
        """/metrics now."""
        text = self.get("/metrics").body
        return Page(tuple(one for family in text_string_to_metric_families(text) for one in family.samples))

    def value(self, name: str, **labels: str) -> float | None:
        """The one sample of this name with these labels, now; None where there is none."""
        return self.page().value(name, **labels)

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def stop(self, number: signal.Signals = signal.SIGTERM, within_s: float = 10.0) -> int:
        """Tells it to stop; its exit status."""
        self.send(number)
        return self.process.wait(within_s)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@contextmanager
def ended(daemon: Daemon) -> Iterator[Daemon]:
    """The daemon, which is killed when the block is left."""
    try:
        yield daemon
    finally:
        daemon.send(signal.SIGCONT)
        daemon.kill()


def environment(bytecode: Path) -> dict[str, str]:
    """Ours, with bytecode kept as an installed program has it, and without what a daemon would take for its own."""
    foreign = {"PYTHONDONTWRITEBYTECODE", "SENTRY_DSN", "DISPLAY", "WAYLAND_DISPLAY", "BROWSER"}
    kept = {name: value for name, value in os.environ.items() if name not in foreign}
    return {**kept, "PYTHONPYCACHEPREFIX": str(bytecode)}
