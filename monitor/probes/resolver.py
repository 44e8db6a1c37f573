"""Names to addresses: own name servers, one after the other, answers kept for their TTL, every failure told apart."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import NamedTuple

import aiodns
import pycares

from monitor.probes.judge import ProbeError, Verdict
from monitor.probes.said import Said
from monitor.probes.upstream import Upstream

NAMES_KEPT = 10_000
LOOK_UP_S = 4.8  # design/faults.md: a server that takes 4 s is slow (row 28), silence ends within 5 s (rows 26, 27)
NEXT_SERVER_S = 1.0  # a server that has said nothing for so long is not waited for alone (row 25)
AGREED = 2  # so many servers that say the same settle it (row 21)

_GRAVITY = ("dns_nxdomain", "dns_nodata", "dns_bad", "dns_servfail", "dns_timeout")
"""What stands where the servers disagree: whoever knows more."""

_CHANGED = Said(verdict=Verdict("void", "self_resolver", "the resolvers were changed during the look-up"))


class Answer(NamedTuple):
    """The addresses of a name, IPv6 and IPv4 as the system prefers them, good until a monotonic instant."""

    addresses: tuple[str, ...]
    expires_ns: int


class Resolver:
    """Asks `servers` (address or address:port; none: the system's) and keeps what they answered for its TTL.

    The next server is asked as soon as one fails or is silent; that a name has no address is believed when two say so,
    or when there is nobody else to ask.
    """

    def __init__(self, servers: Sequence[str], clock: Callable[[], int]) -> None:
        self._given = tuple(servers)
        self._clock = clock
        self._kept: OrderedDict[str, Answer] = OrderedDict()
        self._system: aiodns.DNSResolver | None = None
        self._upstreams: dict[str, Upstream] = {}
        self._asking: set[asyncio.Task[Said]] = set()

    @property
    def servers(self) -> tuple[str, ...]:
        """The name servers that are asked, the system's where none were given; none where c-ares cannot be started."""
        if self._given:
            return self._given
        try:
            if self._system is None:
                self._system = aiodns.DNSResolver()  # c-ares follows the system's changes in it
            return tuple(dict.fromkeys(server.strip("[]") for server in self._system.nameservers))
        except pycares.AresError:
            return ()

    @property
    def upstreams(self) -> tuple[Upstream, ...]:
        """The servers, in the order given."""
        servers = self.servers
        self._upstreams = {server: self._upstreams.get(server) or Upstream(server, self._clock) for server in servers}
        return tuple(self._upstreams.values())

    @property
    def up(self) -> Mapping[str, bool]:
        """Whether each server answered when it was last asked; one that was not asked yet is not there."""
        return {server: asked.up for server, asked in self._upstreams.items() if asked.up is not None}

    @property
    def answered_names(self) -> tuple[str, ...]:
        """The names that were answered, the newest first, also those whose TTL is over."""
        return tuple(reversed(self._kept))

    def kept(self, name: str) -> Answer | None:
        """What is known of a name without asking anybody."""
        answer = self._kept.get(name)
        if answer is not None and answer.expires_ns > self._clock():
            return answer
        return None

    async def look_up(self, name: str) -> Answer:
        """The addresses of a name. Raises ProbeError with a `dns_*` reason, or what we are short of ourselves."""
        kept = self.kept(name)
        if kept is not None:
            return kept
        said = await self._ask(name)
        if said.verdict is not None:
            raise ProbeError(said.verdict)
        answer = Answer(said.addresses, self._clock() + said.seconds * 1_000_000_000)
        self._keep(name, answer)
        return answer

    async def aclose(self) -> None:
        """Ends what is being asked; a later look-up starts anew."""
        for task in self._asking:
            task.cancel()
        if self._asking:
            await asyncio.wait(self._asking)
        system, self._system = self._system, None
        for upstream in self._upstreams.values():
            await upstream.aclose()
        if system is not None:
            await system.close()

    async def _ask(self, name: str) -> Said:
        waiting = deque(sorted(self.upstreams, key=lambda upstream: upstream.up is False))
        if not waiting:
            return Said(verdict=Verdict("void", "self_resolver", "there is no name server to ask"))
        loop = asyncio.get_running_loop()
        ends = loop.time() + LOOK_UP_S
        running: dict[asyncio.Task[Said], str] = {}
        refusals: dict[str, Verdict] = {}
        while (waiting or running) and not _agreed(refusals):
            if waiting:
                upstream = waiting.popleft()
                running[self._start(upstream.ask(name, max(0.0, ends - loop.time())))] = upstream.server
            ended, _ = await asyncio.wait(
                running, timeout=NEXT_SERVER_S if waiting else None, return_when=asyncio.FIRST_COMPLETED
            )
            for task in ended:
                server, said = running.pop(task), _CHANGED if task.cancelled() else task.result()
                if said.verdict is None:
                    return said
                refusals[server] = said.verdict
        return Said(verdict=_settled(refusals))

    def _start(self, question: Coroutine[None, None, Said]) -> asyncio.Task[Said]:
        """One that is overtaken goes on to its end: whether that server lives is worth knowing."""
        task = asyncio.get_running_loop().create_task(question)
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)
        return task

    def _keep(self, name: str, answer: Answer) -> None:
        self._kept[name] = answer
        self._kept.move_to_end(name)
        if len(self._kept) > NAMES_KEPT:
            self._kept.popitem(last=False)


def _agreed(refusals: Mapping[str, Verdict]) -> bool:
    reasons = [verdict.reason for verdict in refusals.values()]
    return any(reasons.count(reason) >= AGREED for reason in reasons)


def _settled(refusals: Mapping[str, Verdict]) -> Verdict:
    """Our own shortage before anything that a server said; then who knows more, with the words of all."""
    ours = next((verdict for verdict in refusals.values() if verdict.outcome == "void"), None)
    if ours is not None:
        return ours
    reasons = {verdict.reason for verdict in refusals.values()}
    words = "; ".join(f"{server}: {verdict.detail}" for server, verdict in refusals.items())
    return Verdict("fail", next(reason for reason in _GRAVITY if reason in reasons), words)
