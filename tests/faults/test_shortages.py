"""Rows 17 and 18 of the fault catalogue: what we are short of ourselves is never the target's fault."""

from __future__ import annotations

import errno
import platform
from pathlib import Path

import pytest
import trustme

from monitor.interfaces import Observation
from tests.faults.conftest import within
from tests.faults.elsewhere import Errand, run_elsewhere
from tests.faults.refusals import CALLS
from tests.probes.conftest import Look
from tests.probes.house import no_descriptors
from tests.probes.names import naming, records
from tests.probes.servers import Talk, answer, says, serving
from tests.probes.test_tls import server_context

FINE = says(answer())
BIG = says(answer(b"200 OK", b"x" * 1_000_000))


def outcome(seen: Observation) -> tuple[str, str | None]:
    return seen.outcome, seen.reason


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
    """A certificate authority that is trusted as SSL_CERT_FILE names it."""
    made = trustme.CA()
    bundle = tmp_path / "authorities.pem"
    made.cert_pem.write_to_path(str(bundle))
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    return made


@pytest.mark.parametrize("left", [0, 1, 2, 3])
@pytest.mark.parametrize("url", ["http://127.0.0.1:{port}/", "https://127.0.0.1:{port}/", "http://app.test:{port}/"])
async def test_a_full_descriptor_table_is_ours(authority: trustme.CA, url: str, left: int) -> None:
    """However little is left: a look that needs more than that says nothing of the target, or it passes."""
    tls = server_context(authority.issue_cert("127.0.0.1")) if url.startswith("https") else None
    async with naming({"app.test": records((60, "A", "127.0.0.1"))}) as names, serving(FINE, tls) as server:
        check = ("http", {"url": url.format(port=server.port)})
        seen = (await run_elsewhere(Errand((check,), resolvers=(names.address,), files=left))).only
    assert outcome(seen) == ("void", "self_fd") or (left and seen.outcome == "pass")
    assert within(seen, 1)


async def test_authorities_that_could_not_be_read_for_want_of_descriptors_are_read_later(
    look: Look, authority: trustme.CA
) -> None:
    async with serving(FINE, server_context(authority.issue_cert("127.0.0.1"))) as server:
        url = server.url.replace("http:", "https:")
        with no_descriptors():
            during = await look(url)
        after = await look(url)
    assert outcome(during) == ("void", "self_fd")
    assert outcome(after) == ("pass", None)


@pytest.mark.skipif(platform.machine() not in CALLS, reason="needs the numbers of this machine's system calls")
@pytest.mark.parametrize("refusal", [errno.ENOBUFS, errno.ENOMEM], ids=lambda code: errno.errorcode[code])
@pytest.mark.parametrize("call", ["socket", "connect"])
@pytest.mark.parametrize("host", ["127.0.0.1", "app.test"])
async def test_a_kernel_without_memory_is_ours(host: str, call: str, refusal: int) -> None:
    async with naming({"app.test": records((60, "A", "127.0.0.1"))}) as names, serving(FINE) as server:
        check = ("http", {"url": f"http://{host}:{server.port}/"})
        errand = Errand((check,), resolvers=(names.address,), refused=(call, refusal))
        seen = (await run_elsewhere(errand)).only
    assert outcome(seen) == ("void", "self_memory")
    assert within(seen, 1)


@pytest.mark.parametrize("talk", [BIG, says(answer(b"200 OK", b"x" * 100_000))], ids=["1 MB", "100 KB"])
async def test_a_process_without_memory_says_nothing_of_the_target_and_goes_on(talk: Talk) -> None:
    """A body is kept to be matched: where there is no room for it, the look is void and the prober lives."""
    async with serving(talk) as server:
        check = ("http", {"url": server.url, "expect": {"body_matches": "x$"}})
        seen = await run_elsewhere(Errand((check,), memory=0, times=2))
    assert {outcome(each) for each in seen.observations} <= {("void", "self_memory"), ("pass", None)}
    if talk is BIG:
        assert ("void", "self_memory") in {outcome(each) for each in seen.observations}
    assert all(within(each, 1) for each in seen.observations)
