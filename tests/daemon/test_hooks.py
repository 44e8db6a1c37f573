"""What is posted to a real daemon: acknowledged is kept, also through kill -9, and counts once."""

from __future__ import annotations

import hashlib
import hmac
import json

from monitor.ledger.period import format_instant
from tests.daemon.programs import Daemon, Minutebook, configuration, ended, now_ms, running_app

SECRET = "integration-client-secret"
POSTS = """\
sources:
  - name: sentry
    sentry_uptime:
      organization: o
      url: http://127.0.0.1:1
      auth_token: {from_file: s}
      webhook_secret: {from_file: s}
    vantage_of: {"42": web}
    every: 1h
"""


def deliveries(count: int) -> list[bytes]:
    """Uptime issues, each of another event."""
    now = now_ms()
    issues = (
        {
            "id": str(number),
            "issueType": "uptime_domain_failure",
            "metadata": {"detectorId": "42"},
            "lastSeen": format_instant(now - 60_000 + number),
        }
        for number in range(count)
    )
    return [json.dumps({"action": "created", "data": {"issue": issue}}).encode() for issue in issues]


def post(daemon: Daemon, body: bytes, secret: str = SECRET) -> tuple[int, str]:
    signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    headers = {
        "Content-Type": "application/json",
        "Sentry-Hook-Signature": signature,
        "Sentry-Hook-Resource": "issue",
    }
    answer = daemon.ask("POST", "/hooks/sentry", body, headers)
    return answer.status, answer.body


def test_what_was_acknowledged_is_kept_through_a_kill_and_counts_once(minutebook: Minutebook) -> None:
    (minutebook.folder / "s").write_text(SECRET)
    bodies = deliveries(20)
    with running_app() as app:
        file = configuration(minutebook.folder, app, POSTS)
        with ended(minutebook.starting("run", "-c", file)) as daemon:
            daemon.ready()
            assert post(daemon, bodies[0], "guessed")[0] == 401
            assert [post(daemon, body)[0] for body in bodies] == [200] * len(bodies)
            daemon.kill()
        with ended(minutebook.starting("run", "-c", file)) as daemon:
            daemon.ready()
            assert [post(daemon, body) for body in bodies] == [(200, '{"duplicate": true}')] * len(bodies)
            assert daemon.value("minutebook_hook_deliveries_total", source="sentry", outcome="duplicate") == len(bodies)
            assert daemon.stop() == 0
    assert "the chain holds" in minutebook.well("verify")
    told = [fact for fact in minutebook.facts("result") if fact["vantage"] == "sentry"]
    assert len({fact["id"] for fact in told}) == len(told) == len(bodies)
    assert {(fact["outcome"], fact["source"]) for fact in told} == {("fail", "sentry")}
