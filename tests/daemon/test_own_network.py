"""Our own network goes away under a running daemon: unknown in the statement, and not a millisecond down (rows 8, 20
and 26; reliability.md C6). A real outage meanwhile is still booked.

The daemon runs in a network namespace; its targets and canaries live at the other end of a wire, beyond its gateway.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import dns.message
import dns.rcode
import dns.rrset
import pytest

from monitor.ledger.period import format_instant
from tests.daemon.programs import Daemon, Json, Minutebook, Page, Until, ended, instant, now_ms
from tests.faults.networks import FAR4, Wire, inside, namespaces, wire

__all__ = ["namespaces", "wire"]

TARGET, ANCHOR = "198.51.100.1", "198.51.100.2"
SERVER_A, SERVER_B, RESOLVER = "198.51.100.11", "198.51.100.12", "198.51.100.53"
ADDRESSES = (TARGET, ANCHOR, SERVER_A, SERVER_B, RESOLVER)

CONFIGURATION = f"""\
location: here
server: {{listen: '127.0.0.1:9843'}}
probing:
  confirm_after: 400ms
  resolvers: [{RESOLVER}]
  canaries:
    - dns: {{name: a.test, server: {SERVER_A}}}
    - dns: {{name: b.test, server: {SERVER_B}}}
    - http: {{url: 'http://{ANCHOR}/', expect: {{body_matches: the anchor}}}}
services:
  - name: app
    checks:
      - {{name: by-address, http: {{url: 'http://{TARGET}/'}}, interval: 2s, timeout: 700ms, hold: 6s}}
      - name: by-name
        http: {{url: 'http://app.test/', expect: {{body_matches: the app}}}}
        interval: 2s
        hold: 6s
        timeout: 700ms
"""


@dataclass
class FarSide:
    """What answers at the other end of the wire. `bodies` are what the web servers say now, by address."""

    bodies: dict[str, bytes] = field(default_factory=lambda: {TARGET: b"the app", ANCHOR: b"the anchor"})
    deaf: set[str] = field(default_factory=set)

    def answer_names(self, address: str, bound: socket.socket) -> None:
        """Answers questions until the socket is closed; app.test lives at the target, a TTL long."""
        while True:
            try:
                question, client = bound.recvfrom(4096)
            except TimeoutError:
                continue
            except OSError:
                return
            if address in self.deaf:
                continue
            query = dns.message.from_wire(question)
            answer = dns.message.make_response(query)
            if query.question[0].name.to_text() != "app.test.":
                answer.set_rcode(dns.rcode.NXDOMAIN)
            elif query.question[0].rdtype == dns.rdatatype.A:
                answer.answer.append(dns.rrset.from_text("app.test.", 0, "IN", "A", TARGET))
            bound.sendto(answer.to_wire(), client)

    def web_server(self, address: str, listening: socket.socket) -> ThreadingHTTPServer:
        far = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = far.bodies[address]
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as it is called in the library
                return

        server = ThreadingHTTPServer((address, 80), Handler, bind_and_activate=False)
        server.socket.close()
        server.socket = listening
        return server


@pytest.fixture
def far(wire: Wire) -> Iterator[FarSide]:
    side = FarSide()
    for address in ADDRESSES:
        wire.ip_far("addr", "add", f"{address}/32", "dev", "lo")
    with ExitStack() as stack:
        for address in (SERVER_A, SERVER_B, RESOLVER):
            bound = stack.enter_context(wire.naming(address))
            bound.setblocking(True)
            bound.settimeout(0.2)
            stack.enter_context(talking(side.answer_names, address, bound))
        for address in (TARGET, ANCHOR):
            server = side.web_server(address, stack.enter_context(wire.listening(address)))
            stack.callback(server.shutdown)
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield side


@contextmanager
def talking(work: Callable[[str, socket.socket], None], address: str, bound: socket.socket) -> Iterator[None]:
    """The work in a thread of its own, which ends when the socket is shut."""
    thread = threading.Thread(target=work, args=(address, bound), daemon=True)
    thread.start()
    yield
    with suppress(OSError):
        bound.shutdown(socket.SHUT_RDWR)
    thread.join(1)


@dataclass(frozen=True)
class Inside:
    """A daemon in the near namespace, asked from there."""

    daemon: Daemon
    near: str
    until: Until

    def page(self) -> Page:
        return inside(self.near, self.daemon.page)

    def ready(self) -> None:
        self.until(lambda: inside(self.near, self.daemon.is_ready), within_s=40)

    def passes(self, *checks: str) -> None:
        """Waits until the newest look of each of these checks passed."""

        def all_pass() -> bool:
            page = self.page()
            return all(page.value("probe_success", check=check) == 1 for check in checks)

        self.until(all_pass, within_s=30)

    def void_for(self, check: str, reason: str) -> None:
        """Waits until a check has been void for 2 s, for a reason."""

        def is_void() -> bool:
            since = self.page().value("minutebook_void_since_timestamp_seconds", check=check, reason=reason)
            return since is not None and now_ms() / 1000 - since > 2

        self.until(is_void, within_s=30)


@pytest.fixture
def watched(minutebook: Minutebook, wire: Wire, far: FarSide, tmp_path: Path, until: Until) -> Iterator[Inside]:
    """The daemon in the near namespace, once it has seen both checks pass and all three canaries sing."""
    (tmp_path / "minutebook.yaml").write_text(CONFIGURATION)
    near = replace(minutebook, prefix=("ip", "netns", "exec", wire.near))
    with ended(near.starting("run")) as daemon:
        house = Inside(daemon, wire.near, until)
        house.ready()
        house.passes("by-address", "by-name")
        until(lambda: [one.value for one in house.page().of("minutebook_canary_up")] == [1, 1, 1])
        yield house


def stated(minutebook: Minutebook, house: Inside) -> Json:
    """The statement after the daemon has been stopped."""
    assert house.daemon.stop() == 0
    [statement] = minutebook("statement", "--month", format_instant(now_ms())[:7], "--format", "json").json
    return statement


def reasons(minutebook: Minutebook, check: str) -> set[str | None]:
    """Why looks of the check said nothing, but for the stop."""
    results = [fact for fact in minutebook.facts("result") if fact["check"] == check]
    assert {fact["outcome"] for fact in results} <= {"pass", "void"}, [f for f in results if f["outcome"] == "fail"]
    return {fact.get("reason") for fact in results} - {None, "self_stop"}


def assert_unknown_and_never_down(statement: Json) -> None:
    accounts = statement["accounts_ms"]
    assert accounts["down"] == 0
    assert accounts["unknown"] > 1_000
    assert statement["outages"] == []


def test_a_lost_default_route_is_unknown(minutebook: Minutebook, watched: Inside, wire: Wire) -> None:
    wire.ip_near("route", "del", "default")
    watched.void_for("by-address", "self_network")
    watched.void_for("by-name", "self_resolver")
    wire.ip_near("route", "add", "default", "via", FAR4)
    watched.passes("by-address", "by-name")
    assert watched.page().of("minutebook_void_since_timestamp_seconds") == []
    assert_unknown_and_never_down(stated(minutebook, watched))
    assert reasons(minutebook, "by-address") == {"self_network"}
    assert reasons(minutebook, "by-name") <= {"self_resolver", "self_network"}


@pytest.mark.long
def test_a_wire_that_swallows_everything_is_unknown(minutebook: Minutebook, watched: Inside, wire: Wire) -> None:
    wire.rules_far("chain input { drop; }")
    watched.void_for("by-address", "self_network")
    wire.flush_far()
    watched.passes("by-address", "by-name")
    assert_unknown_and_never_down(stated(minutebook, watched))
    assert reasons(minutebook, "by-address") == {"self_network"}


@pytest.mark.long
def test_dead_name_servers_are_unknown_for_names_alone(minutebook: Minutebook, watched: Inside, far: FarSide) -> None:
    """The canaries sing: they have name servers of their own."""
    far.deaf.add(RESOLVER)
    watched.void_for("by-name", "self_resolver")
    assert watched.page().value("probe_success", check="by-address") == 1
    far.deaf.clear()
    watched.passes("by-name")
    assert_unknown_and_never_down(stated(minutebook, watched))
    assert reasons(minutebook, "by-name") == {"self_resolver"}
    assert reasons(minutebook, "by-address") == set()


def test_a_captive_portal_is_unknown(minutebook: Minutebook, watched: Inside, far: FarSide) -> None:
    """Name servers answer as ever; whatever is asked over http, somebody else says 200."""
    well = dict(far.bodies)
    far.bodies.update({TARGET: b"log in here", ANCHOR: b"log in here"})
    watched.void_for("by-name", "self_network")  # it expects a body
    watched.void_for("by-address", "self_network")  # it would pass
    far.bodies.update(well)
    watched.passes("by-name")
    assert_unknown_and_never_down(stated(minutebook, watched))
    assert reasons(minutebook, "by-name") == {"self_network"}


@pytest.mark.parametrize("lost", [SERVER_A, pytest.param(ANCHOR, marks=pytest.mark.long)])
def test_a_real_outage_is_booked_although_one_canary_of_three_is_lost(
    minutebook: Minutebook, watched: Inside, wire: Wire, lost: str
) -> None:
    wire.rules_far(f"chain input {{ ip daddr {lost} drop; }}")
    began = now_ms()
    wire.rules_far(f"chain input {{ ip daddr {TARGET} tcp dport 80 drop; }}")
    watched.until(lambda: watched.page().value("sla_service_up") == 0)
    assert sorted(one.value for one in watched.page().of("minutebook_canary_up")) == [0, 1, 1]
    watched.until(lambda: now_ms() > began + 4_000)
    ends = now_ms()
    wire.flush_far()
    watched.until(lambda: watched.page().value("sla_service_up") == 1)
    statement = stated(minutebook, watched)
    [outage] = statement["outages"]
    assert abs(instant(outage["start"]) - began) < 3_000
    assert outage["ms"] == statement["accounts_ms"]["down"]
    assert outage["ms"] >= (ends - began) - 3_000
    assert set(outage["reasons"]) <= {"tcp_timeout", "http_timeout_headers", "http_timeout_body"}
