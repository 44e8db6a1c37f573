"""What an HTTP look sends and measures; what it records of servers that misbehave is in tests/faults."""

from __future__ import annotations

from tests.probes.conftest import Look
from tests.probes.servers import answer, says, serving

OK = b"HTTP/1.1 200 OK\r\n"


async def test_the_body_must_match(look: Look) -> None:
    async with serving(says(answer(b"200 OK", b'{"status": "ok"}'))) as server:
        good = await look(server.url, expect={"body_matches": r'"status":\s*"ok"'})
        bad = await look(server.url, expect={"body_matches": "down"})
    assert (good.outcome, bad.outcome, bad.reason) == ("pass", "fail", "http_content")
    assert good.attributes is not None
    assert good.attributes["probe_failed_due_to_regex"] == 0
    assert bad.attributes is not None
    assert bad.attributes["probe_failed_due_to_regex"] == 1


async def test_other_statuses_can_be_expected(look: Look) -> None:
    async with serving(says(answer(b"404 Not Found"))) as server:
        assert (await look(server.url, expect={"status": [200, "400-404"]})).outcome == "pass"


async def test_a_head_has_no_body(look: Look) -> None:
    async with serving(says(OK + b"Content-Length: 1000\r\n\r\n", then_close=False)) as server:
        seen = await look(server.url, method="HEAD")
    assert seen.outcome == "pass"
    assert server.requests[0].startswith(b"HEAD /health HTTP/1.1\r\n")


async def test_every_phase_is_measured_and_what_was_not_is_absent(look: Look) -> None:
    async with serving(says(answer())) as server:
        seen = await look(server.url)
    assert seen.phases is not None
    assert seen.phases.resolve is None
    assert seen.phases.tls is None
    measured = [seen.phases.connect, seen.phases.processing, seen.phases.transfer]
    assert all(phase is not None and phase >= 0 for phase in measured)
    assert sum(phase for phase in measured if phase) <= seen.duration_ms
    assert (seen.status, seen.ip) == (200, "127.0.0.1")
    assert seen.attributes == {
        "probe_http_redirects": 0,
        "probe_http_ssl": 0,
        "probe_ip_protocol": 4,
        "probe_http_version": 1.1,
        "probe_http_content_length": 4,
    }


async def test_configured_headers_are_sent_once(look: Look) -> None:
    async with serving(says(answer())) as server:
        await look(server.url, headers={"User-Agent": "ours", "X-Api-Key": "k1"})
    lines = server.requests[0].decode().split("\r\n")
    assert lines[0] == "GET /health HTTP/1.1"
    assert [line for line in lines if line.lower().startswith("user-agent")] == ["User-Agent: ours"]
    assert {"X-Api-Key: k1", f"Host: 127.0.0.1:{server.port}", "Accept-Encoding: identity"} <= set(lines)
