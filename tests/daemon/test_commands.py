"""`token`, `probe`, `check-config` and the list of commands."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import jsonschema
import pytest
import yaml

from tests.conftest import ROOT
from tests.daemon.programs import App, Daemon, Minutebook, Until, configuration, free_port

Start = Callable[..., Daemon]


# ---------------------------------------------------------------- probe


def test_a_probe_shows_every_phase(minutebook: Minutebook, app: App) -> None:
    shown = minutebook.well("probe", app.url)
    assert shown.startswith(f"pass: {app.url} in ")
    assert all(word in shown for word in ("connect", "processing", "transfer", "status       200", "address"))


def test_a_probe_as_JSON(minutebook: Minutebook, app: App) -> None:  # noqa: N802
    look = json.loads(minutebook.well("probe", app.url, "--json"))
    assert (look["outcome"], look["status"], look["target"], look["ip"]) == ("pass", 200, app.url, "127.0.0.1")
    assert look["phases_ms"].keys() >= {"connect", "processing", "transfer"}


def test_a_probe_shows_no_value_of_a_query(minutebook: Minutebook, app: App) -> None:
    for option in ([], ["--json"]):
        shown = minutebook.well("probe", f"{app.url}?token=s3cret", *option)
        assert f"{app.url}?token=***" in shown
        assert "s3cret" not in shown


def test_a_probe_that_fails_says_why_and_ends_with_1(minutebook: Minutebook, app: App) -> None:
    app.status = 503
    failed = minutebook("probe", app.url)
    assert failed.status == 1
    assert failed.out.startswith(f"fail (http_status): {app.url} in ")
    refused = minutebook("probe", f"http://127.0.0.1:{free_port()}/", "--json")
    assert refused.status == 1
    assert refused.json["reason"] == "tcp_refused"


def test_a_probe_of_a_check_of_the_file(minutebook: Minutebook, app: App) -> None:
    configuration(minutebook.folder, app)
    assert minutebook.well("probe", "-c", "minutebook.yaml", "web").startswith("pass")
    unknown = minutebook("probe", "-c", "minutebook.yaml", "nightly")
    assert unknown.status == 2
    assert "there are: web" in unknown.err


KINDS = """
services:
  - name: app
    checks:
      - name: door
        tcp: {host: 127.0.0.1, port: PORT, steps: [{send: 'GET / HTTP/1.0\\r\\n\\r\\n'}, {expect: '^HTTP/1'}]}
      - {name: live, websocket: {url: 'ws://127.0.0.1:PORT/?token=s3cret'}}
"""


def test_a_probe_of_a_check_of_another_kind(minutebook: Minutebook, app: App) -> None:
    port = app.url.split(":")[2].partition("/")[0]
    (minutebook.folder / "minutebook.yaml").write_text(KINDS.replace("PORT", port))
    looks = {name: minutebook("probe", "-c", "minutebook.yaml", name, "--json").json for name in ("door", "live")}
    assert {name: look["reason"] for name, look in looks.items()} == {"door": None, "live": "ws_handshake"}
    assert [(each["name"], each["passed"]) for each in looks["door"]["assertions"]] == [("steps[1].expect", True)]
    assert {hop["target"] for look in looks.values() for hop in look["hops"]} == {f"127.0.0.1:{port}"}
    assert "s3cret" not in str(looks)


EXPECTING = (
    "services: [{name: app, checks: [{name: web, http: {url: 'URL', expect: "
    "{body_matches: [ok, nothing of the kind], json: ['$.a']}}, warn: {duration: 9s}}]}]\n"
)


def test_a_probe_tells_each_assertion_and_the_words_of_the_fact(minutebook: Minutebook, app: App) -> None:
    (minutebook.folder / "minutebook.yaml").write_text(EXPECTING.replace("URL", app.url))
    look = minutebook("probe", "-c", "minutebook.yaml", "web", "--json").json
    assert [(each["name"], each["passed"]) for each in look["assertions"]] == [
        ("status", True),
        ("body_matches[0]", True),
        ("body_matches[1]", False),
        ("json", False),
    ]
    assert look["fact"]["kind"] == "result"
    for key in ("outcome", "reason", "detail", "at", "duration_ms", "phases_ms", "status", "ip"):
        assert look["fact"][key] == look[key]
    assert [(each["name"], each["raised"]) for each in look["warnings"]] == [("duration", False)]
    [hop] = look["hops"]
    assert (hop["target"], hop["address"], hop["status"]) == (app.url, "127.0.0.1", 200)
    shown = minutebook("probe", "-c", "minutebook.yaml", "web").out
    assert shown.startswith("fail (http_content): ")
    assert "\n  detail       the body does not match body_matches[1]\n" in shown
    assert "\n  held         status: status 200\n" in shown
    assert "\n  not held     json: the body is no JSON\n" in shown


def test_the_keys_of_a_probe_are_the_documented_ones(minutebook: Minutebook, app: App) -> None:
    look = json.loads(minutebook.well("probe", app.url, "--json"))
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    section = text.partition("#### Keys that `probe` prints with `--json`\n")[2].partition("\n#")[0]
    first_cells = [line.split(" | ")[0] for line in section.splitlines() if line.startswith("| `")]
    assert {key for cell in first_cells for key in re.findall(r"`(\w+)`", cell)} == look.keys()


# ---------------------------------------------------------------- check-config


def test_the_schema_describes_the_example(minutebook: Minutebook) -> None:
    schema = json.loads(minutebook.well("check-config", "--schema"))
    example = yaml.safe_load((ROOT / "deploy" / "minutebook.example.yaml").read_text())
    validator = jsonschema.Draft202012Validator(schema)
    validator.check_schema(schema)
    as_json = json.loads(json.dumps(example, default=str))
    assert [error.message for error in validator.iter_errors(as_json)] == []


def test_warnings_are_no_errors(minutebook: Minutebook, app: App) -> None:
    configuration(minutebook.folder, app)
    done = minutebook("check-config", "minutebook.yaml")
    assert done.status == 0
    assert "warning: minutebook.yaml:" in done.err
    assert "timeout" in done.err  # equal to the interval
    assert "services: 1, checks: 1, warnings: 1" in done.out


def test_a_file_must_be_named(minutebook: Minutebook) -> None:
    assert minutebook("check-config").status == 2


# ---------------------------------------------------------------- token


def test_a_token_opens_what_its_role_may_until_it_is_revoked(
    minutebook: Minutebook, daemon: Daemon, until: Until
) -> None:
    made = minutebook("token", "add", "viewer", "--days", "30")
    text = made.out.strip()
    identity = text.split("_")[2]
    assert identity in made.err
    asked = {"Authorization": f"Bearer {text}"}
    assert daemon.get("/api/v1/statements").status == 401
    assert daemon.ask("GET", "/api/v1/statements", headers=asked).status == 200
    assert daemon.post_facts(text, []).status == 403
    assert daemon.reload(text).status == 403
    listed = minutebook.well("token", "list")
    assert f"{identity} viewer expires" in listed
    assert text.split("_", 3)[3] not in listed + made.err
    assert "is revoked" in minutebook.well("token", "revoke", identity)
    assert daemon.ask("GET", "/api/v1/statements", headers=asked).status == 401
    assert "revoked" in minutebook.well("token", "list")
    until(lambda: f"token {identity} (viewer) was used, but is revoked" in daemon.said)


# ---------------------------------------------------------------- the command itself


def test_help_names_every_command_and_version_the_program(minutebook: Minutebook) -> None:
    listed = minutebook.well("--help")
    for name in ("run", "demo", "check-config", "probe", "statement", "replay", "import", "export", "verify", "token"):
        assert f"\n  {name} " in listed
    assert minutebook.well("statement", "--help").startswith("Usage: ")
    assert minutebook.well("--version").startswith("minutebook, version ")


@pytest.mark.parametrize("arguments", [["ruin"], ["run", "--no-such-option"], ["statement", "--format", "xml"]])
def test_an_unknown_word_is_bad_input(minutebook: Minutebook, arguments: list[str]) -> None:
    done = minutebook(*arguments)
    assert done.status == 2
    assert "Error: " in done.err
    assert "Traceback" not in done.err
