"""What is wrong is refused with its place, the mend and the documented status; nothing is lost (interface.md)."""

from __future__ import annotations

import hashlib
import json
import shutil
import socket
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from monitor.ledger.period import MINUTE, SECOND, format_instant
from tests.daemon.programs import App, Daemon, Done, Minutebook, configuration, environment, now_ms

Start = Callable[..., Daemon]
INPUT, DAMAGED, NEWER, BREACH = 2, 4, 5, 3


def refused(done: Done, status: int, *words: str) -> None:
    """Ended with that status and one message, which says all of these."""
    assert done.status == status, done
    assert done.out == ""
    assert done.err.startswith("minutebook: ")
    assert "Traceback" not in done.err
    missing = [word for word in words if word not in done.err]
    assert not missing, (missing, done.err)


def digests(folder: Path) -> dict[str, str]:
    """Every file of the store but its lock."""
    files = [path for path in folder.glob("minutebook.db*") if path.suffix != ".lock"]
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory, bytecode: Path) -> Path:
    """A folder with a file of sixty facts and their store, closed."""
    folder = tmp_path_factory.mktemp("stored")
    first = now_ms() - MINUTE
    lines = [
        {"kind": "result", "check": "web", "vantage": "here", "at": format_instant(at), "outcome": "pass"}
        for at in range(first, first + MINUTE, SECOND)
    ]
    (folder / "facts.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    Minutebook(folder, environment(bytecode)).well("import", "facts.jsonl")
    return folder


@pytest.fixture
def store(stored: Path, minutebook: Minutebook, app: App) -> Path:
    """A copy of that store here, with a configuration."""
    configuration(minutebook.folder, app)
    for file in [*stored.glob("minutebook.db*"), stored / "facts.jsonl"]:
        shutil.copy(file, minutebook.folder)
    return minutebook.folder / "minutebook.db"


# ---------------------------------------------------------------- the configuration


GOOD = """\
services:
  - name: app
    checks: [{name: web, http: {url: "http://127.0.0.1:1/", headers: {}}, interval: 5s, timeout: 2s}]
"""

WRONG = """\
timezone: Europe/Londres
timezones: UTC
services:
  - name: app
    depends_on: [cdn/*]
    checks:
      - {name: web, http: {url: "http://127.0.0.1:1/", headers: {X: {from_file: none}}}, interval: 5 seconds}
      - {name: late, http: {url: "http://127.0.0.1:1/"}, interval: 5s, timeout: 6s}
      - {name: long, http: {url: "http://127.0.0.1:1/"}, interval: 5s, timeout: 2s, hold: 18s}
      - {name: web, http: {url: "http://127.0.0.1:1/a"}}
      - {name: edge, http: {url: "http://127.0.0.1:1/b"}}
  - name: jobs
    checks: []
policies:
  - effective_from: 2026-01-01
    availability: {objective: 100%}
    third_party: {corroborated_by: {cdn: [edge]}}
  - effective_from: 2026-02-01
    availability: {objective: 100.5%, objective: 99%}
    third_party: {corroborated_by: {cdn: [edge]}}
"""

TOLD = (
    "1:11: timezone: expected an IANA zone such as Europe/London; found 'Europe/Londres'; did you mean Europe/London?",
    "2:1: timezones: unknown key; did you mean timezone?",
    "7:69: services[0].checks[0].http.headers.X: cannot read the secret file none: No such file or directory",
    "7:100: services[0].checks[0].interval: expected a duration such as 500ms, 30s, 5m, 1h30m or 30d",
    "8:81: services[0].checks[1].timeout: a timeout of 6s is longer than the interval; expected at most 5s",
    "9:91: services[0].checks[2].hold: a hold of 18s is too long; expected at most 3 x interval + timeout, 17s",
    "10:16: services[0].checks[3].name: two checks have the name web; rename one of them",
    "13:13: services[1].checks: a service without checks is never up; expected at least one check",
    "16:31: policies[0].availability.objective: an objective of 100% leaves no budget for downtime",
    "17:43: policies[0].third_party.corroborated_by.cdn[0]: the check edge counts itself; give it `role: ",
    "19:31: policies[1].availability.objective: an objective of 100.5% leaves no budget for downtime",
    "19:39: policies[1].availability: the key 'objective' stands twice, first in line 19; keep one of them",
    "20:43: policies[1].third_party.corroborated_by.cdn[0]: the check edge counts itself; give it `role: ",
)


def test_every_mistake_is_told_at_once_with_its_place_and_the_mend(minutebook: Minutebook) -> None:
    (minutebook.folder / "minutebook.yaml").write_text(WRONG)
    done = minutebook("check-config", "minutebook.yaml")
    refused(done, INPUT)
    told = done.err.removeprefix("minutebook: ").splitlines()
    beginnings = [f"minutebook.yaml:{beginning}" for beginning in TOLD]
    assert [line[: len(beginning)] for line, beginning in zip(told, beginnings, strict=True)] == beginnings


def test_a_daemon_with_a_bad_configuration_begins_nothing(minutebook: Minutebook) -> None:
    (minutebook.folder / "minutebook.yaml").write_text(GOOD.replace("interval: 5s", "interval: 5"))
    refused(minutebook("run"), INPUT, "minutebook.yaml:3:", "interval", "5s")
    assert list(minutebook.folder.glob("minutebook.db*")) == []


def test_a_secret_is_in_no_message(minutebook: Minutebook) -> None:
    (minutebook.folder / "minutebook.yaml").write_text(GOOD.replace("headers: {}", "headers: {Cookie: [hunter2]}"))
    done = minutebook("check-config", "minutebook.yaml")
    refused(done, INPUT, "headers.Cookie")
    assert "hunter2" not in done.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run"], ["name a URL", "-c FILE"]),
        (["run", "-c", "none.yaml"], ["none.yaml", "No such file"]),
        (["run", "http://127.0.0.1:1/", "-c", "none.yaml"], ["not both"]),
        (["run", "ftp://example.com/"], ["command line:1:1", "ftp://example.com/"]),
        (["run", "http://a.example/", "http://a.example/"], ["given twice"]),
        (["statement", "--month", "2026-11"], ["minutebook.yaml", "-c FILE"]),
        (["verify"], ["there is no store", "minutebook run"]),
        (["export"], ["there is no store"]),
        (["import", "none.jsonl"], ["none.jsonl", "No such file"]),
        (["token", "revoke", "0123abcd"], ["0123abcd", "token list"]),
        (["token", "add", "agent"], ["--vantage"]),
        (["probe", "not a URL"], ["command line:1:1"]),
    ],
    ids=" ".join,
)
def test_a_command_says_what_it_misses(minutebook: Minutebook, arguments: list[str], words: list[str]) -> None:
    refused(minutebook(*arguments), INPUT, *words)


# ---------------------------------------------------------------- statements


def test_what_is_asked_of_a_statement_is_checked(minutebook: Minutebook, store: Path) -> None:
    month = format_instant(now_ms())[:7]
    refused(minutebook("statement", "--month", "2026-13"), INPUT, "2026-13", "YYYY-MM")
    refused(minutebook("statement", "--month", month, "--service", "shop"), INPUT, "shop", "app")
    refused(minutebook("statement", "--month", month, "--as-of", "yesterday"), INPUT, "yesterday", "RFC 3339")
    usage = minutebook("statement")
    assert usage.status == INPUT
    assert "--month" in usage.err


def test_a_month_before_every_policy_has_no_statement(minutebook: Minutebook, app: App, store: Path) -> None:
    configuration(minutebook.folder, app, more="policies: [{effective_from: 2026-01-01}]\n")
    refused(minutebook("statement", "--month", "2025-12"), INPUT, "2025-12", "policy")


def test_a_breach_is_a_status_of_its_own_where_it_is_asked_for(minutebook: Minutebook, app: App, store: Path) -> None:
    cap = "policies: [{effective_from: 2020-01-01, availability: {downtime_cap: 1s}}]\n"
    configuration(minutebook.folder, app, more=cap)
    down = minutebook.folder / "down.jsonl"
    now = now_ms()
    lines = [
        {
            "kind": "result",
            "check": "web",
            "vantage": "here",
            "at": format_instant(at),
            "outcome": "fail",
            "hold_ms": 30_000,
        }
        for at in range(now - 200_000, now - 100_000, 10_000)
    ]
    down.write_text("".join(json.dumps(line) + "\n" for line in lines))
    minutebook.well("import", down)
    month = format_instant(now - 150_000)[:7]
    asked = minutebook("statement", "--month", month, "--format", "json")
    assert (asked.status, asked.json[0]["verdict"]) == (0, "breached")
    done = minutebook("statement", "--month", month, "--format", "json", "--fail-on-breach")
    assert (done.status, done.json) == (BREACH, done.json)
    assert done.json[0]["verdict"] == "breached"


# ---------------------------------------------------------------- facts


def test_a_bad_line_is_named_and_nothing_of_its_file_is_stored(minutebook: Minutebook, store: Path) -> None:
    good = (minutebook.folder / "facts.jsonl").read_text().splitlines()[0].replace('"web"', '"other"')
    bad = minutebook.folder / "bad.jsonl"
    bad.write_text(f'{good}\n{good.replace("other", "another")}\n{{"kind": "result", "check": "web"}}\n')
    before = minutebook.well("export")
    refused(minutebook("import", bad), INPUT, "line 3", "vantage")
    assert minutebook.well("export") == before


def test_a_bad_line_is_named_in_a_replay_too(minutebook: Minutebook, store: Path) -> None:
    bad = minutebook.folder / "bad.jsonl"
    bad.write_text((minutebook.folder / "facts.jsonl").read_text() + "not JSON\n")
    done = minutebook("replay", "-c", "minutebook.yaml", "--facts", bad, "--month", "2026-11")
    assert done.status == INPUT
    assert "line 1:" in done.err  # an import file has no recorded_at, which a replay needs
    assert "recorded_at" in done.err


# ---------------------------------------------------------------- the store and the port


def test_a_second_daemon_is_told_who_holds_the_store(
    minutebook: Minutebook, start: Start, app: App, daemon: Daemon
) -> None:
    second = start()
    assert second.process.wait(20) == INPUT
    assert f"is held by the minutebook process {daemon.process.pid} since" in second.said
    assert "Traceback" not in second.said
    refused(minutebook("import", minutebook.folder / "minutebook.yaml"), INPUT, f"process {daemon.process.pid}")
    assert daemon.get("/-/ready").status == 200
    assert [fact["event"] for fact in minutebook.facts("lifecycle")] == ["started"]


def test_a_port_in_use_is_named_and_leaves_no_trace(minutebook: Minutebook, start: Start, app: App) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        path = configuration(minutebook.folder, app)
        path.write_text(path.read_text().replace("127.0.0.1:0", f"127.0.0.1:{taken.getsockname()[1]}"))
        refused_daemon = start()
        assert refused_daemon.process.wait(20) == INPUT
        said = refused_daemon.said
        assert f"server.listen: 127.0.0.1:{taken.getsockname()[1]} cannot be listened on" in said
        assert "choose another port" in said
        assert "Traceback" not in said
    assert minutebook.facts("lifecycle", "terms", "result") == []


def test_a_damaged_store_is_refused_and_left_as_it_is(minutebook: Minutebook, store: Path) -> None:
    content = bytearray(store.read_bytes())
    for place in range(5000, len(content), 600):
        content[place] ^= 0xFF
    store.write_bytes(content)
    before = digests(minutebook.folder)
    month = format_instant(now_ms())[:7]
    for arguments in (["run"], ["verify"], ["import", "facts.jsonl"], ["statement", "--month", month]):
        refused(minutebook(*arguments), DAMAGED, "minutebook.db", "is damaged", "import --restore")
        assert before.items() <= digests(minutebook.folder).items()


def test_a_store_that_is_gone_is_not_made_anew(minutebook: Minutebook, store: Path) -> None:
    store.unlink()
    before = digests(minutebook.folder)
    refused(minutebook("run"), DAMAGED, "the file is gone", "60 acknowledged facts")
    assert digests(minutebook.folder) == before


def test_a_newer_store_is_refused_and_left_as_it_is(minutebook: Minutebook, store: Path) -> None:
    with closing(sqlite3.connect(store)) as database:
        database.execute("PRAGMA user_version = 99")
    before = digests(minutebook.folder)
    for command in ("run", "verify", "export"):
        refused(minutebook(command), NEWER, "newer", "schema 99")
        assert before.items() <= digests(minutebook.folder).items()
