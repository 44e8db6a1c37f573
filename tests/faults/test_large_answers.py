"""Row 32 of the fault catalogue and its bound of 2 MB a probe: answers of 64 KB, in the shapes that cost the most."""

from __future__ import annotations

import pytest

from monitor.probes.ares import DATAGRAM_BYTES
from tests.faults.conftest import MOST_MEMORY, STALLS, is_weighed
from tests.faults.elsewhere import Errand, Seen, run_elsewhere
from tests.probes import large_answers
from tests.probes.names import NameServer, Reply, cutting, records
from tests.probes.servers import answer, says, serving, unused_port

HERE = records((60, "A", "127.0.0.1"))


async def weighed(server: NameServer, url: str, timeout_ms: int = 10_000) -> Seen:
    """A look whose name server has been asked before, over TCP too."""
    async with serving(says(answer())) as fine:
        warm = ("http", {"url": f"http://fine.test:{fine.port}/"})
        check = ("http", {"url": url})
        errand = Errand((check,), (), (server.address,), timeout_ms=timeout_ms, weighed=True, warm=(warm,))
        seen = await run_elsewhere(errand)
        for _ in range(STALLS):
            if seen.only.reason == "self_loop" or seen.made > 1:  # two looks: its peak is not one look's
                seen = await run_elsewhere(errand)
    assert seen.peak <= MOST_MEMORY, f"{seen.peak} bytes"
    return seen


SHAPES: dict[str, tuple[Reply, str]] = {
    "aliases of long names": (large_answers.aliases_of_long_names, "dns_bad"),
    "addresses of long names, of both families": (large_answers.addresses_of_long_names, "tcp_refused"),
    "addresses of both families": (large_answers.addresses(), "tcp_refused"),
    "records of no known type": (large_answers.records_of_no_known_type, "dns_nodata"),
}


@pytest.mark.parametrize(("reply", "reason"), SHAPES.values(), ids=SHAPES)
async def test_an_answer_of_64_kilobytes_stays_within_the_memory_of_a_look(reply: Reply, reason: str) -> None:
    async with cutting({"app.test": reply, "fine.test": HERE}) as server:
        seen = await weighed(server, f"http://app.test:{unused_port()}/")
    assert is_weighed(seen, reason)


async def test_a_datagram_of_60_kilobytes_is_not_read() -> None:
    async with cutting({"fine.test": HERE}) as server:
        server.zone["app.test"] = large_answers.addresses(60_000)
        seen = await weighed(server, "http://app.test/", timeout_ms=1_000)
    assert is_weighed(seen, "dns_timeout")


async def test_the_longest_datagram_that_is_read_stays_within_the_memory_of_a_look() -> None:
    async with cutting({"fine.test": HERE}) as server:
        server.zone["app.test"] = large_answers.filled(
            lambda name, _: large_answers.record(name, 5, name), DATAGRAM_BYTES
        )
        seen = await weighed(server, "http://app.test/")
    assert is_weighed(seen, "dns_bad")
