"""Row 87 of the fault catalogue: what a target writes into its answers, followed to every face of the daemon."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from html.parser import HTMLParser
from pathlib import Path
from socket import SHUT_WR, create_server, socket
from threading import Thread

import pytest
from click.testing import CliRunner
from prometheus_client.parser import text_string_to_metric_families

from monitor.cli import minutebook as program
from tests.daemon.programs import Daemon, Minutebook, wait_until

MARK = "hostile"
TEXT = f'{MARK}"}} 0\nfake 1\n# TYPE fake gauge\r\n=cmd()|{MARK} <script>{MARK}()</script> \\u001b[31m\x1b[31m'
LINE = TEXT.replace("\r", " ").replace("\n", " ").encode()
BODY = TEXT.encode()
LENGTH = b"Content-Length: %d\r\n" % len(BODY)

ANSWERS = {
    "reason": b"HTTP/1.1 500 " + LINE + b"\r\n" + LENGTH + b"\r\n" + BODY,
    "body": b"HTTP/1.1 200 OK\r\n" + LENGTH + b"\r\n" + BODY,
    "header": b"HTTP/1.1 302 Found\r\nLocation: " + LINE + b"\r\n" + LENGTH + b"\r\n" + BODY,
    "name": b"HTTP/1.1 200 OK\r\n" + LINE + b": x\r\n\r\n",
    "banner": BODY,
    "sound": b"HTTP/1.1 200 " + LINE + b"\r\nContent-Type: " + LINE + b"\r\n" + LENGTH + b"\r\n" + BODY,
}


@contextmanager
def saying(reply: bytes) -> Iterator[int]:
    """Answers every request so, on a port of 127.0.0.1."""

    def answer(listening: socket) -> None:
        while True:
            try:
                connection, _ = listening.accept()
                with connection:
                    connection.settimeout(5)
                    connection.recv(4096)
                    connection.sendall(reply)
                    connection.shutdown(SHUT_WR)
                    connection.recv(4096)
            except TimeoutError:
                continue
            except OSError:
                if listening.fileno() < 0:
                    return

    with create_server(("127.0.0.1", 0)) as listening:
        thread = Thread(target=answer, args=(listening,), daemon=True)
        thread.start()
        yield listening.getsockname()[1]


def configuration(ports: dict[str, int]) -> str:
    checks = "".join(
        f"      - {{name: {name}, interval: 1s, timeout: 1s, http: {{url: 'http://127.0.0.1:{port}/',"
        f" expect: {{body_matches: 'absent|{'cmd' if name == 'sound' else 'nowhere'}'}}}}}}\n"
        for name, port in ports.items()
    )
    return (
        "location: here\nserver: {listen: '127.0.0.1:0'}\nprobing: {confirm_after: 100ms}\n"
        f"services:\n  - name: app\n    public: true\n    checks:\n{checks}"
    )


def judged(daemon: Daemon) -> dict[str, float]:
    return {sample.labels["check"]: sample.value for sample in daemon.page().of("probe_success")}


OUR_SCRIPT = {"src": "/status.js", "defer": None}
"""What the status page itself loads, and from where."""


class Seen(HTMLParser):
    """The elements of a page, and what a browser would run."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.scripts = 0
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        foreign = tag == "script" and dict(attrs) != OUR_SCRIPT
        self.scripts += foreign or any(name.startswith("on") for name, _ in attrs)

    def handle_data(self, data: str) -> None:
        self.text += data


def test_87_nothing_that_a_target_writes_reaches_a_face_of_ours(
    minutebook: Minutebook, start: Callable[..., Daemon], tmp_path: Path
) -> None:
    with ExitStack() as running:
        ports = {name: running.enter_context(saying(reply)) for name, reply in ANSWERS.items()}
        (tmp_path / "minutebook.yaml").write_text(configuration(ports))
        daemon = start().ready()
        wait_until(lambda: judged(daemon) == {name: float(name == "sound") for name in ANSWERS})
        wait_until(lambda: daemon.value("sla_service_up") == 0)
        token = {"Authorization": f"Bearer {minutebook.token('operator')}"}
        metrics, month = daemon.get("/metrics").body, daemon.page().month
        pages = [daemon.ask("GET", "/", headers=headers).body for headers in ({}, token)]
        assert daemon.stop() == 0
    samples = {one.name for family in text_string_to_metric_families(metrics) for one in family.samples}
    assert "probe_success" in samples
    assert "fake" not in samples
    for page in pages:
        seen = Seen(page)
        assert "app" in seen.text
        assert seen.scripts == 0
    statement = minutebook.well("statement", "--month", month, "--format", "csv")
    facts = minutebook.well("export")
    for shown in (metrics, *pages, daemon.said, facts, statement):
        assert MARK not in shown
        assert "\x1b" not in shown
    assert all(json.loads(line) for line in facts.splitlines())
    assert all(line.isprintable() for line in daemon.said.splitlines())
    assert all(not cell.startswith("=") for row in csv.reader(io.StringIO(statement)) for cell in row)


@pytest.mark.parametrize("name", ANSWERS)
def test_87_nor_what_one_look_prints(name: str) -> None:
    with saying(ANSWERS[name]) as port:
        text, as_json = (
            CliRunner().invoke(program, ["probe", *flags, f"http://127.0.0.1:{port}/"]) for flags in ((), ("--json",))
        )
    passed = name in ("body", "sound")
    assert text.exit_code == as_json.exit_code == (0 if passed else 1)
    assert json.loads(as_json.stdout)["outcome"] == ("pass" if passed else "fail")
    for shown in (text.output, as_json.output):
        assert MARK not in shown
        assert "\x1b" not in shown


def test_87_where_a_redirect_led_to_is_shown_in_printable_letters() -> None:
    away = b"HTTP/1.1 302 Found\r\nLocation: /\x1b[31m\xc2\x9b\xe2\x80\xae<b>%0d%0a\r\nContent-Length: 0\r\n\r\n"
    with saying(away) as port:
        text = CliRunner().invoke(program, ["probe", f"http://127.0.0.1:{port}/"]).stdout
    assert text.isascii()
    assert all(line.isprintable() for line in text.splitlines())
