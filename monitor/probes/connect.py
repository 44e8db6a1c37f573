"""One fresh connection to the first of a name's addresses that answers (RFC 8305, "happy eyeballs")."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable, Iterable
from ipaddress import IPv6Address
from typing import NamedTuple, TypeAlias, TypeVar

from monitor.probes import judge
from monitor.probes.address import DNS_PORT, IpVersion, literal
from monitor.probes.judge import ProbeError, Verdict
from monitor.probes.wire import begin, wired

STAGGER = 0.25  # seconds before the next address is tried beside the first: RFC 8305 section 8
ADDRESSES_AT_ONCE = 8  # design/faults.md, "Defaults"; its row 15 asks for the tenth
ADDRESSES_TRIED = 16  # a name with thousands of addresses is no reason to connect to them all

_SOMEWHERE = "2000::1"  # in 2000::/3, where every public address is (RFC 4291 section 2.4)
_NO_WAY = frozenset({errno.ENETUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT})

P = TypeVar("P", bound=asyncio.Protocol)
Loop: TypeAlias = asyncio.AbstractEventLoop


class Connected(NamedTuple):
    """Which address answered, and how many of each family had been tried in vain by then."""

    address: str
    failed_ipv4: int = 0
    failed_ipv6: int = 0


def interleaved(addresses: Iterable[str]) -> tuple[str, ...]:
    """At most ADDRESSES_TRIED, the families in turn, the first one's family first."""
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
    if ":" in addresses[0] and all(":" in address for address in addresses):
        _require_ipv6(addresses[0])
    if len(addresses) > 1:
        return await _race(make, addresses, port, loop)
    try:
        _, protocol = await wired(make, addresses[0], port, loop)
    except OSError as error:
        raise ProbeError(judge.of_os_error(error, "connect")) from error
    return protocol, Connected(addresses[0])


def connect_alone(protocol: asyncio.Protocol, address: str, port: int, loop: Loop) -> None:
    """Begins to connect to the only address. The protocol is told how that went: `connection_made`, or
    `connection_lost` with the OSError. Raises ProbeError for what is known at once."""
    if ":" in address:
        _require_ipv6(address)
    try:
        begin(protocol, address, port, loop)
    except OSError as error:
        raise ProbeError(judge.of_os_error(error, "connect")) from error


def _require_ipv6(address: str) -> None:
    if not reaches_ipv6(address):
        raise judge.void(
            "self_network",
            "the target has IPv6 only, and this host has no IPv6: look at it from elsewhere, or give this host IPv6",
        )


def reaches_ipv6(address: str) -> bool:
    """Whether this host has a route and an address of its own that it could connect from. Nothing is sent."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as unsent:
            unsent.connect((address, 9))
            own, target = IPv6Address(unsent.getsockname()[0].partition("%")[0]), IPv6Address(address)
    except OSError as error:
        return error.errno in judge.SELF_ERRNOS and error.errno != errno.EADDRNOTAVAIL
    return not (own.is_loopback and not target.is_loopback) and not (own.is_link_local and not target.is_link_local)


async def _race(make: Callable[[], P], addresses: tuple[str, ...], port: int, loop: Loop) -> tuple[P, Connected]:
    """Starts an attempt every STAGGER seconds, or as soon as all before have failed; the first to connect wins. The
    oldest makes room for one more than ADDRESSES_AT_ONCE."""
    waiting = list(reversed(interleaved(addresses)))
    running: dict[asyncio.Task[tuple[asyncio.Transport, P]], str] = {}
    errors: dict[str, OSError] = {}
    try:
        while waiting or running:
            if waiting:
                if len(running) == ADDRESSES_AT_ONCE:
                    oldest = next(iter(running))
                    errors[running[oldest]] = TimeoutError(errno.ETIMEDOUT, "given up for the next address")
                    await _let_go({oldest: running.pop(oldest)})
                address = waiting.pop()
                running[loop.create_task(wired(make, address, port, loop))] = address
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
    raise ProbeError(_verdict(errors, len(addresses)))


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


def _verdict(errors: dict[str, OSError], addresses: int) -> Verdict:
    """Our own shortage before anything that the target did; else the first address's error. Says how many of the
    target's addresses were tried where it was not all."""
    verdicts = [judge.of_os_error(error, "connect") for error in errors.values()]
    verdict = next((verdict for verdict in verdicts if verdict.outcome == "void"), verdicts[0])
    if len(errors) == addresses:
        return verdict
    return verdict._replace(detail=f"{verdict.detail}; {len(errors)} of {addresses} addresses tried")


def ipv6_lacks_a_way(host: str, wanted: IpVersion) -> bool:
    """Whether a target is to be had over IPv6 alone, and this host has no way to it. Nothing is sent."""
    address = literal(host)
    needs_ipv6 = wanted == "only_ipv6" if address is None else address.version == 6
    if not needs_ipv6:
        return False
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as unsent:
            unsent.connect((_SOMEWHERE if address is None else host, DNS_PORT))
    except OSError as error:
        return error.errno in _NO_WAY
    return False
