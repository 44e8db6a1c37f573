"""Happy eyeballs over loopback: the first address that answers wins, and only it is asked anything."""

from __future__ import annotations

import asyncio
import errno

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.interfaces import Observation
from monitor.probes import KINDS, Io
from monitor.probes.connect import ADDRESSES_TRIED, connect, interleaved
from monitor.probes.judge import ProbeError
from monitor.probes.tcp import TcpSettings
from tests.probes.conftest import TICK
from tests.probes.servers import hang_up, serving, silent, unused_port

loop = asyncio.get_running_loop


class Nothing(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()


async def test_a_dead_first_address_does_not_hide_a_living_one() -> None:
    async with serving(silent, read_request=False) as server:
        _, connected = await connect(
            Nothing, ("127.0.0.9", "127.0.0.8", "127.0.0.1"), server.port, asyncio.get_running_loop()
        )
    assert connected.address == "127.0.0.1"
    assert connected.failed_ipv4 == 2


async def test_ipv6_that_fails_is_said_of_a_target_that_is_up() -> None:
    async with serving(silent, read_request=False) as server:
        _, connected = await connect(Nothing, ("::1", "127.0.0.1"), server.port, loop())
    assert (connected.address, connected.failed_ipv6, connected.failed_ipv4) == ("127.0.0.1", 1, 0)


async def test_when_all_are_dead_the_first_error_is_the_reason() -> None:
    with pytest.raises(ProbeError) as failed:
        await connect(Nothing, ("127.0.0.9", "127.0.0.8"), unused_port(), loop())
    assert failed.value.verdict.reason == "tcp_refused"


async def test_an_attempt_that_is_cancelled_leaves_nothing_open() -> None:
    task = asyncio.create_task(connect(Nothing, ("127.0.0.9", "127.0.0.8"), unused_port(), loop()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(asyncio.all_tasks()) == 1


@given(st.lists(st.sampled_from(["::1", "::2", "::3", "127.0.0.1", "127.0.0.2", "127.0.0.3"]), max_size=20))
def test_the_families_take_turns_and_eight_are_enough(addresses: list[str]) -> None:
    mixed = interleaved(addresses)
    assert len(mixed) == min(len(addresses), ADDRESSES_TRIED)
    assert mixed[:1] == tuple(addresses[:1])
    families = [":" in address for address in mixed]
    if any(families) and not all(families):
        assert families[0] != families[1]


async def tcp(io: Io, host: str, port: int) -> Observation:
    bound = KINDS["tcp"].bind(TcpSettings(host=host, port=port))
    assert bound is not None
    return await bound(TICK, io)


async def test_a_tcp_check_passes_when_it_connects(io: Io) -> None:
    async with serving(hang_up, read_request=False) as server:
        seen = await tcp(io, "127.0.0.1", server.port)
    assert (seen.outcome, seen.ip) == ("pass", "127.0.0.1")
    assert seen.phases is not None
    assert seen.phases.connect is not None
    assert seen.phases.resolve is None


async def test_a_tcp_check_of_a_closed_port_is_refused(io: Io) -> None:
    seen = await tcp(io, "localhost", unused_port())
    assert (seen.outcome, seen.reason) == ("fail", "tcp_refused")
    assert seen.detail == errno.errorcode[errno.ECONNREFUSED]
