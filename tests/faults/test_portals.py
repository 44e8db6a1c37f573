"""Row 20 of the fault catalogue: somebody on our own way out answers for everybody else."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import trustme

from monitor.interfaces import Observation
from tests.faults.elsewhere import Errand, run_elsewhere
from tests.faults.networks import FAR4, Wire
from tests.probes.names import naming, records
from tests.probes.servers import answer, says, serving

LOG_IN = says(answer(b"200 OK", b"please log in"))
ANYWHERE = "198.51.100.7"  # whoever is asked for: the portal answers
ANCHOR = ("http", {"url": "https://anchor.test/", "expect": {"body_matches": "known words"}})
SERVER = ("dns", {"name": "a.test", "server": FAR4})  # a portal lets names be asked


@dataclass
class Portal:
    """What takes every connection to ports 80 and 443 that leaves the vantage."""

    wire: Wire

    async def seen(self, url: str, **changed: Any) -> Observation:
        given = {"canaries": (SERVER, SERVER, ANCHOR), "timeout_ms": 5_000, "times": 2, **changed}
        errand = Errand((("http", {"url": url}),), resolvers=(FAR4,), **given)
        return (await run_elsewhere(errand, self.wire.near)).observations[-1]


@pytest.fixture
async def portal(wire: Wire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Portal]:
    stranger, trusted = trustme.CA(), trustme.CA()
    bundle = tmp_path / "authorities.pem"
    trusted.cert_pem.write_to_path(str(bundle))
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    stranger.issue_cert("portal.test").configure_cert(tls)
    wire.rules_far(
        """
        chain prerouting {
            type nat hook prerouting priority -100;
            tcp dport 80 redirect to :8080;
            tcp dport 443 redirect to :8443;
        }
        """
    )
    names = {name: records((0, "A", ANYWHERE)) for name in ("app.test", "anchor.test")}
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(naming(dict(names), wire.naming()))
        await stack.enter_async_context(serving(LOG_IN, at=wire.listening("0.0.0.0", 8080)))
        await stack.enter_async_context(serving(LOG_IN, tls, at=wire.listening("0.0.0.0", 8443)))
        yield Portal(wire)


@pytest.mark.parametrize("url", ["http://app.test/", f"http://{ANYWHERE}/", "https://app.test/"])
async def test_a_portal_that_answers_for_all_says_nothing_of_the_target(portal: Portal, url: str) -> None:
    """Plain HTTP passes and HTTPS has a stranger's certificate: neither is the target's."""
    seen = await portal.seen(url)
    assert (seen.outcome, seen.reason) == ("void", "self_network")
    assert seen.detail is not None
    assert "somebody else" in seen.detail


async def test_a_fail_behind_a_portal_is_void_from_the_first_look_on(portal: Portal) -> None:
    """The anchor is asked at once where the answer does not suit the check."""
    errand = Errand(
        (("http", {"url": "http://app.test/", "expect": {"body_matches": "our shop"}}),),
        resolvers=(FAR4,),
        canaries=(SERVER, SERVER, ANCHOR),
        timeout_ms=5_000,
    )
    seen = (await run_elsewhere(errand, portal.wire.near)).only
    assert (seen.outcome, seen.reason) == ("void", "self_network")


async def test_a_pass_behind_a_portal_is_void_from_the_first_look_on(portal: Portal) -> None:
    """Nothing is known of our own network before the first round of the canaries, and it is waited for."""
    seen = await portal.seen(f"http://{ANYWHERE}/", times=1)
    assert (seen.outcome, seen.reason) == ("void", "self_network")


async def test_without_an_anchor_the_portal_is_taken_for_the_target(portal: Portal) -> None:
    """The other side of the proof: it is the anchor that unmasks it."""
    seen = await portal.seen("http://app.test/", canaries=(SERVER, SERVER, SERVER))
    assert seen.outcome == "pass"
