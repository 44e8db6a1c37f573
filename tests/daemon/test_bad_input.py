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

from monitor.ledger.period import format_instant
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
    lines = [
        {"kind": "result", "check": "web", "vantage": "here", "at": format_instant(at), "outcome": "pass"}
        for at in range(now_ms() - 60_000, now_ms(), 1000)
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


CONFIGURATIONS = {
    "an unknown key": ("timezone: UTC", "timezones: UTC", "timezones"),
    "a duplicate key": ("timezone: UTC", "timezone: UTC\ntimezone: UTC", "timezone"),
    "a bad duration": ("interval: 5s", "interval: 5 seconds", "interval"),
    "a timeout longer than the interval": ("timeout: 2s", "timeout: 6s", "timeout"),
    "a hold over its bound": ("timeout: 2s", "timeout: 2s, hold: 18s", "hold"),
    "a service without checks": ("checks: [{name: job", "checks: [] #", "checks"),
    "two checks of one name": ("name: api", "name: web", "web"),
    "an objective of 100 %": ("99.9%", "100%", "objective"),
    "an objective over 100 %": ("99.9%", "100.5%", "objective"),
    "a corroborating check without its role": (", role: corroboration", "", "role"),
    "an unknown zone": ("timezone: UTC", "timezone: Europe/Londres", "Europe/Londres"),
    "a missing secret file": ("headers: {}", "headers: {X-Key: {from_file: secrets/none}}", "secrets/none"),
}
GOOD = """\
timezone: UTC
services:
  - name: app
    depends_on: [cdn/*]
    checks:
      - {name: web, http: {url: "http://127.0.0.1:1/", headers: {}}, interval: 5s, timeout: 2s}
      - {name: api, http: {url: "http://127.0.0.1:1/a"}}
      - {name: edge, http: {url: "http://127.0.0.1:1/b"}, role: corroboration}
  - name: jobs
    checks: [{name: job, http: {url: "http://127.0.0.1:1/c"}}]
policies:
  - effective_from: 2026-01-01
    availability: {objective: 99.9%}
    third_party: {corroborated_by: {cdn: [edge]}}
"""


def test_the_good_file_is_good(minutebook: Minutebook) -> None:
    (minutebook.folder / "minutebook.yaml").write_text(GOOD)
    assert "no errors" in minutebook.well("check-config", "minutebook.yaml")


@pytest.mark.parametrize("case", CONFIGURATIONS)
def test_a_mistake_in_the_configuration_is_named_with_its_place(minutebook: Minutebook, case: str) -> None:
    right, mistake, named = CONFIGURATIONS[case]
    assert GOOD.count(right) >= 1
    (minutebook.folder / "minutebook.yaml").write_text(GOOD.replace(right, mistake, 1))
    refused(minutebook("check-config", "minutebook.yaml"), INPUT, "minutebook.yaml:", named)


def test_a_daemon_with_a_bad_configuration_begins_nothing(minutebook: Minutebook) -> None:
    (minutebook.folder / "minutebook.yaml").write_text(GOOD.replace("interval: 5s", "interval: 5"))
    refused(minutebook("run"), INPUT, "minutebook.yaml:6:", "interval", "5s")
    assert list(minutebook.folder.glob("minutebook.db*")) == []


def test_every_mistake_is_told_at_once(minutebook: Minutebook) -> None:
    wrong = GOOD.replace("interval: 5s", "interval: 5").replace("99.9%", "100%").replace("timezone: UTC", "zone: UTC")
    (minutebook.folder / "minutebook.yaml").write_text(wrong)
    done = minutebook("check-config", "minutebook.yaml")
    refused(done, INPUT, "minutebook.yaml:1:", "minutebook.yaml:6:", "minutebook.yaml:13:")
    assert len(done.err.splitlines()) == 3


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
