"""One fresh connection to the first of a name's addresses that answers (RFC 8305, "happy eyeballs")."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable, Iterable
from typing import NamedTuple, TypeAlias, TypeVar

from monitor.probes import judge
from monitor.probes.judge import ProbeError, Verdict

STAGGER = 0.25  # seconds before the next address is tried beside the first: RFC 8305 section 8
ADDRESSES_TRIED = 8  # design/faults.md, "Defaults"

P = TypeVar("P", bound=asyncio.Protocol)
Loop: TypeAlias = asyncio.AbstractEventLoop


class Connected(NamedTuple):
    """Which address answered, and how many of each family had been tried in vain by then."""

    address: str
    failed_ipv4: int = 0
    failed_ipv6: int = 0


def interleaved(addresses: Iterable[str]) -> tuple[str, ...]:
    """At most eight, the families in turn, the first one's family first."""
    first: list[str] = []
    second: list[str] = []
    for address in addresses:
        same = not first or (":" in address) == (":" in first[0])
        (first if same else second).append(address)
    mixed: list[str] = []
    for place in range(max(len(first), len(second))):
        mixed += first[place : place + 1] + second[place : place + 1]
    return tuple(mixed[:ADDRESSES_TRIED])


async def connect(make: Callable[[], P], addresses: tuple[str, ...], port: int, loop: Loop) -> tuple[P, Connected]:
    """The protocol that is connected. Raises ProbeError with the reason of the first address that failed otherwise.

    `loop` is the running one: asking for it costs a system call.
    """
    if len(addresses) > 1:
        return await _race(make, interleaved(addresses), port, loop)
    try:
        _, protocol = await loop.create_connection(make, addresses[0], port)
    except OSError as error:
        raise ProbeError(_verdict({addresses[0]: error})) from error
    return protocol, Connected(addresses[0])


async def _race(make: Callable[[], P], addresses: tuple[str, ...], port: int, loop: Loop) -> tuple[P, Connected]:
    """Starts an attempt every STAGGER seconds, or as soon as all before have failed; the first to connect wins."""
    waiting = list(reversed(addresses))
    running: dict[asyncio.Task[tuple[asyncio.Transport, P]], str] = {}
    errors: dict[str, OSError] = {}
    try:
        while waiting or running:
            if waiting:
                address = waiting.pop()
                running[loop.create_task(loop.create_connection(make, address, port))] = address
            ended, _ = await asyncio.wait(
                running, timeout=STAGGER if waiting else None, return_when=asyncio.FIRST_COMPLETED
            )
            for task in ended:
                address = running.pop(task)
                error = task.exception()
                if error is None:
                    tried = [*errors, *running.values()]
                    return task.result()[1], _connected(address, tried)
                if not isinstance(error, OSError):
                    raise error
                errors[address] = error
    finally:
        await _let_go(running)
    raise ProbeError(_verdict(errors))


def _connected(address: str, in_vain: list[str]) -> Connected:
    ipv6 = sum(":" in tried for tried in in_vain)
    return Connected(address, failed_ipv4=len(in_vain) - ipv6, failed_ipv6=ipv6)


async def _let_go(running: dict[asyncio.Task[tuple[asyncio.Transport, P]], str]) -> None:
    """Ends the attempts that lost, also one that connected in the same turn of the loop."""
    for task in running:
        task.cancel()
    for ended in await asyncio.gather(*running, return_exceptions=True):
        if not isinstance(ended, BaseException):
            ended[0].abort()


def _verdict(errors: dict[str, OSError]) -> Verdict:
    """Our own shortage before anything that the target did; else the first address's error."""
    if all(":" in address and error.errno == errno.ENETUNREACH for address, error in errors.items()):
        return Verdict("void", "self_network", "the target has IPv6 only, and there is no route for it here")
    verdicts = [judge.of_os_error(error, "connect") for error in errors.values()]
    return next((verdict for verdict in verdicts if verdict.outcome == "void"), verdicts[0])
